import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from time import sleep

import msgspec
import pytest

from fleet.audit import AuditLog, begin
from fleet.audit.anchor import anchor_of
from fleet.audit.archive import archive, read_archive
from fleet.audit.entry import canonical
from fleet.errors import InputError

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ENTRIES = 10


def sign(data):
    return f"signed {len(data)}"


def holds(seal):
    return seal.signature == sign(seal.signed_bytes())


def add(log, day):
    at = (NOW + timedelta(days=day)).isoformat(timespec="milliseconds")
    said = {"id": f"{day}", "began": at, "at": at, "operator": "asha", "action": "fleet list"}
    with log.writing() as writer:
        writer.append(said | {"scope": "MDI", "outcome": "done"})


@pytest.fixture
def log(tmp_path):
    """Return a log with one entry a day, the last one of yesterday."""
    log = AuditLog(tmp_path / "audit.jsonl")
    for day in range(-ENTRIES, 0):
        add(log, day)
    return log


def move(log, *, keep_days):
    return archive(
        log,
        log.path.parent / "archive",
        before=NOW - timedelta(days=keep_days),
        sign=sign,
        holds=holds,
    )


def verdict(log, *moved, anchor=None):
    archives = [read_archive(one.file) for one in moved]
    return log.verify(anchor, archives=archives, holds=holds)


def test_the_entries_before_a_moment_move_and_the_log_stays_whole(log):
    moved = move(log, keep_days=3)

    # Of the days -10 to -1, -10 to -4 are older than three days.
    assert (moved.first, moved.last) == (1, 7)
    assert [entry.number for entry in log.entries()] == [8, 9, 10]
    found = verdict(log)
    assert (found.entries, found.whole, found.archived, found.archives) == (10, True, 7, 0)


def test_archives_fit_one_another_and_the_log(log):
    first, second = move(log, keep_days=6), move(log, keep_days=3)

    found = verdict(log, second, first)
    assert (found.entries, found.whole, found.archives) == (10, True, 2)
    assert not verdict(log, first).whole  # The one between is missing.


def test_commands_go_on_after_everything_was_archived(log):
    move(log, keep_days=0)
    begin(log, operator="asha", action="fleet list", scope="").end("done")

    assert [entry.number for entry in log.entries()] == [ENTRIES + 1]
    assert verdict(log).whole


def test_nothing_old_enough_leaves_the_log_as_it_is(log):
    before = log.path.read_bytes()

    assert move(log, keep_days=ENTRIES) is None
    assert log.path.read_bytes() == before


def test_whoever_waited_for_the_log_writes_to_the_new_one(log):
    waiting = Thread(target=add, args=(log, 0))

    def sign_while_another_waits(data):
        waiting.start()
        while not any("->" in line for line in own_locks()):
            sleep(0.01)
        return sign(data)

    archive(log, log.path.parent, before=NOW, sign=sign_while_another_waits, holds=holds)
    waiting.join()

    assert [entry.number for entry in log.entries()] == [ENTRIES + 1]
    assert verdict(log).whole


def own_locks():
    """Return the lines of our file locks; "->" marks one that is waited for."""
    lines = Path("/proc/locks").read_text().splitlines()
    return [line for line in lines if "FLOCK" in line and f" {os.getpid()} " in line]


def test_a_torn_line_goes_with_the_entry_that_marks_it(log):
    with log.path.open("ab") as file:
        file.write(b'{"half": \r')
    add(log, 0)
    moved = move(log, keep_days=0)

    # The torn line, the entry that marks it, and the entry of day 0, which is not old.
    assert moved.last == ENTRIES
    assert verdict(log, moved).whole


def test_an_edit_of_an_archive_is_named_by_its_file_and_line(log):
    moved = move(log, keep_days=3)
    text = gzip.decompress(moved.file.read_bytes()).replace(b'"id":"-8"', b'"id":"-9"')
    moved.file.write_bytes(gzip.compress(text))

    fault = verdict(log, moved).first_fault
    assert (fault.file, fault.line) == (moved.file.name, 3)


@pytest.mark.parametrize("kept", [slice(None, -1), slice(1, None), slice(2)])
def test_lines_taken_out_of_an_archive_are_found(log, kept):
    moved = move(log, keep_days=3)
    lines = gzip.decompress(moved.file.read_bytes()).splitlines(keepends=True)
    moved.file.write_bytes(gzip.compress(b"".join(lines[kept])))

    assert verdict(log, moved).first_fault.file == moved.file.name


def test_a_beginning_that_was_cut_off_is_found(log):
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(b"".join(lines[4:]))

    assert "where entry 1 belongs" in verdict(log).first_fault.what


def test_a_seal_that_the_audit_key_did_not_sign_is_no_seal(log):
    move(log, keep_days=3)
    log.path.write_bytes(log.path.read_bytes().replace(b"signed ", b"singed "))

    fault = verdict(log).first_fault
    assert (fault.line, "not signed" in fault.what) == (1, True)


def test_an_anchor_is_no_seal(log):
    anchor = anchor_of(log)
    lines = log.path.read_bytes().splitlines(keepends=True)
    said = {"at": anchor.at, "entries": 4, "head": anchor.head, "schema": 1, "signature": "x"}
    log.path.write_bytes(b"".join([canonical(said) + b"\n", *lines[4:]]))

    assert not verdict(log).whole


def test_a_log_that_is_not_whole_is_not_archived(log):
    log.path.write_bytes(log.path.read_bytes().replace(b'"id":"-8"', b'"id":"-9"'))
    before = log.path.read_bytes()

    with pytest.raises(InputError, match="not whole: line 3"):
        move(log, keep_days=3)
    assert log.path.read_bytes() == before


def test_an_anchor_holds_across_an_archive(log):
    early = anchor_of(log)
    add(log, 0)
    moved = move(log, keep_days=0)

    assert moved.last == ENTRIES  # The anchor is of the very last archived entry.
    assert verdict(log, anchor=early).whole
    assert not verdict(log, anchor=msgspec.structs.replace(early, head="0" * 64)).whole


def test_an_anchor_of_an_archived_entry_needs_the_archive(log):
    early = anchor_of(log)
    for day in (0, 1):
        add(log, day)
    moved = move(log, keep_days=-1)

    assert moved.last == ENTRIES + 1
    with pytest.raises(InputError, match=f"entry {ENTRIES}"):
        verdict(log, anchor=early)
    assert verdict(log, moved, anchor=early).whole


def test_what_a_run_that_was_cut_short_left_is_replaced(log):
    moved = move(log, keep_days=3)
    # As if the log had not been replaced yet when the power went.
    log.path.write_bytes(b"".join(gzip.decompress(moved.file.read_bytes()).splitlines(True)[:-1]))
    add(log, 0)
    again = move(log, keep_days=0)

    assert list(moved.file.parent.iterdir()) == [again.file]
    assert verdict(log, again).whole


def test_what_is_no_archive_is_explained(log):
    moved = move(log, keep_days=3)
    moved.file.write_bytes(b"no archive")

    with pytest.raises(InputError, match="cannot read"):
        verdict(log, moved)


def test_an_empty_archive_is_not_whole(log):
    moved = move(log, keep_days=3)
    moved.file.write_bytes(gzip.compress(b""))

    assert "seal at its end is missing" in verdict(log, moved).first_fault.what


def test_archives_are_for_their_owner_alone(log):
    moved = move(log, keep_days=3)

    assert [path.stat().st_mode & 0o777 for path in (moved.file, log.path)] == [0o600, 0o600]

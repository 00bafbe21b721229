import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.audit import AuditLog, begin
from fleet.audit.anchor import anchor_of

COUNT = 8
WHO = {"operator": "asha", "action": "fleet list", "scope": "MDI/A"}

# Appends without end; the test kills it.
APPENDER = """
import sys
from pathlib import Path
from fleet.audit import AuditLog, begin
log = AuditLog(Path(sys.argv[1]))
while True:
    begin(log, operator="asha", action="fleet list", scope="x" * 5000).end("done")
    print(1, flush=True)
"""


def add(log, count=1):
    for _ in range(count):
        begin(log, **WHO).end("done")


@pytest.fixture
def log(tmp_path):
    log = AuditLog(tmp_path / "audit.jsonl")
    add(log, COUNT)
    return log


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a log's bytes, its anchor, and a function that says what of other bytes."""
    log = AuditLog(tmp_path_factory.mktemp("log") / "audit.jsonl")
    add(log, COUNT)
    anchor, data = anchor_of(log), log.path.read_bytes()

    def verdict(changed, *, anchored=True):
        log.path.write_bytes(changed)
        return log.verify(anchor if anchored else None)

    return data, verdict


def test_a_log_is_whole_as_it_was_written(log):
    verdict = log.verify()

    assert (verdict.entries, verdict.whole, verdict.anchored_to) == (COUNT, True, None)
    assert [entry.number for entry in log.entries()] == list(range(1, COUNT + 1))
    assert log.verify(anchor_of(log)).anchored_to == COUNT


@given(data=st.data())
def test_any_single_edit_is_found(whole, data):
    written, verdict = whole
    place = data.draw(st.integers(0, len(written) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda other: other != written[place]))
    changed = written[:place] + bytes([byte]) + written[place + 1 :]

    assert not verdict(changed, anchored=False).whole


@given(data=st.data())
def test_anything_put_in_or_taken_out_within_the_log_is_found(whole, data):
    written, verdict = whole
    start = data.draw(st.integers(0, len(written) - 1))
    end = data.draw(st.integers(start, len(written)))
    changed = written[:start] + data.draw(st.binary(max_size=40)) + written[end:]

    if changed != written:
        assert not verdict(changed).whole


@given(st.integers(0, COUNT - 2))
def test_an_entry_taken_out_is_found_without_an_anchor(whole, taken):
    written, verdict = whole
    lines = written.splitlines(keepends=True)
    found = verdict(b"".join(lines[:taken] + lines[taken + 1 :]), anchored=False)

    assert not found.whole
    assert found.first_fault.line == taken + 1


@given(st.permutations(range(COUNT)).filter(lambda order: order != sorted(order)))
def test_any_other_order_is_found_without_an_anchor(whole, order):
    written, verdict = whole
    lines = written.splitlines(keepends=True)

    assert not verdict(b"".join(lines[number] for number in order), anchored=False).whole


@given(st.integers(0, COUNT - 1))
def test_an_end_cut_off_is_found_by_an_anchor_alone(whole, kept):
    written, verdict = whole
    cut = b"".join(written.splitlines(keepends=True)[:kept])

    assert verdict(cut, anchored=False).whole
    assert not verdict(cut).whole


def test_a_chain_written_anew_from_the_start_is_found_by_an_anchor(log, tmp_path):
    anchor = anchor_of(log)
    forged = AuditLog(tmp_path / "forged.jsonl")
    add(forged, COUNT)

    assert forged.verify().whole
    assert "not the one that was anchored" in forged.verify(anchor).first_fault.what


def test_a_log_may_grow_after_its_anchor(log):
    anchor = anchor_of(log)
    add(log)

    verdict = log.verify(anchor)
    assert (verdict.whole, verdict.entries, verdict.anchored_to) == (True, COUNT + 1, COUNT)


def test_an_edit_after_the_anchor_is_found_too(log):
    anchor = anchor_of(log)
    add(log, 2)
    log.path.write_bytes(log.path.read_bytes().replace(b'"number":9,', b'"number":7,'))

    assert log.verify(anchor).first_fault.line == COUNT + 1


@pytest.mark.parametrize("lost", [1, 30])
def test_a_torn_last_line_is_marked_and_the_chain_goes_on(log, lost):
    log.path.write_bytes(log.path.read_bytes()[:-lost])
    assert log.verify().first_fault.what == "the last line has no end"

    add(log)

    assert log.verify().whole
    *_, marked, last = log.entries()
    assert (marked.action, marked.outcome) == ("audit recovery", "torn")
    assert last.action == "fleet list"


def test_a_marked_torn_line_cannot_be_taken_out_or_changed(log):
    log.path.write_bytes(log.path.read_bytes()[:-30])
    add(log)
    lines = log.path.read_bytes().splitlines(keepends=True)

    torn = COUNT - 1
    for changed in ([], [lines[torn].replace(b"asha", b"benj")]):
        log.path.write_bytes(b"".join([*lines[:torn], *changed, *lines[torn + 1 :]]))
        assert not log.verify().whole


def test_a_log_whose_end_was_spoilt_goes_on_and_is_never_whole_again(log):
    log.path.write_bytes(log.path.read_bytes() + b"spoilt\n")
    add(log)

    assert log.verify().first_fault.line == COUNT + 1
    assert [entry.number for entry in log.entries()][-1] == COUNT + 1


def test_a_log_that_is_not_whole_cannot_be_anchored(log):
    from fleet.errors import InputError

    log.path.write_bytes(log.path.read_bytes().replace(b"asha", b"benj", 1))

    with pytest.raises(InputError, match="is not whole: line 1"):
        anchor_of(log)


def test_writers_that_are_killed_leave_a_whole_log_with_every_entry_once(tmp_path):
    path = tmp_path / "audit.jsonl"
    command = [sys.executable, "-c", APPENDER, path]
    for _ in range(3):
        writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
        for writer in writers:
            writer.stdout.readline()
        time.sleep(0.05)
        for writer in writers:
            os.kill(writer.pid, signal.SIGKILL)
            writer.communicate()
    log = AuditLog(path)
    add(log)

    assert log.verify().whole
    named = [entry.id for entry in log.entries() if entry.id]
    assert len(named) == len(set(named))
    assert not list(path.with_name("audit.jsonl.open").iterdir())


def test_an_entry_tells_who_what_scope_and_outcome(log):
    entry = json.loads(log.path.read_text().splitlines()[-1])

    told = {name: entry[name] for name in ("operator", "action", "scope", "outcome")}
    assert told == WHO | {"outcome": "done"}
    assert entry["began"] <= entry["at"]


def test_the_log_is_for_its_owner_alone(log):
    assert log.path.stat().st_mode & 0o077 == 0

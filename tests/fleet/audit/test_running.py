import os
import signal
import subprocess
import sys

import pytest

from fleet.audit import AuditLog, begin

BEGINNER = """
import sys, time
from pathlib import Path
from fleet.audit import AuditLog, begin
running = begin(AuditLog(Path(sys.argv[1])), operator="ben", action="fleet lock", scope="MDI")
print("begun", flush=True)
time.sleep(600)
"""


@pytest.fixture
def log(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def test_a_command_that_runs_is_not_yet_in_the_log(log):
    running = begin(log, operator="asha", action="fleet list", scope="MDI")
    assert list(log.entries()) == []

    running.end("done")
    assert [entry.id for entry in log.entries()] == [running.id]


def test_two_commands_at_once_are_two_entries_in_the_order_of_their_ends(log):
    first = begin(log, operator="asha", action="fleet health", scope="MDI")
    second = begin(log, operator="ben", action="fleet list", scope="LEI")
    second.end("done")
    first.end("interrupted")

    assert [entry.operator for entry in log.entries()] == ["ben", "asha"]


def test_a_command_that_was_killed_is_entered_once_by_the_next(log):
    command = [sys.executable, "-c", BEGINNER, log.path]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE)
    killed.stdout.readline()
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()

    for _ in range(2):
        begin(log, operator="asha", action="fleet list", scope="MDI").end("done")

    assert [
        (entry.operator, entry.action, entry.scope, entry.outcome) for entry in log.entries()
    ] == [
        ("ben", "fleet lock", "MDI", "killed"),
        ("asha", "fleet list", "MDI", "done"),
        ("asha", "fleet list", "MDI", "done"),
    ]


def test_a_command_killed_between_its_entry_and_the_end_is_entered_once(log):
    running = begin(log, operator="asha", action="fleet list", scope="MDI")
    file = next(log.path.with_name("audit.jsonl.open").iterdir())
    left = file.read_bytes()
    running.end("done")
    file.write_bytes(left)

    begin(log, operator="asha", action="fleet show", scope="").end("done")

    assert [entry.action for entry in log.entries()] == ["fleet list", "fleet show"]


def test_a_command_killed_before_it_could_say_what_it_was_is_entered_too(log):
    begin(log, operator="asha", action="fleet list", scope="").end("done")
    (log.path.with_name("audit.jsonl.open") / "0123456789abcdef.running").touch()

    begin(log, operator="asha", action="fleet list", scope="").end("done")

    assert [(entry.id, entry.outcome) for entry in log.entries()][1] == (
        "0123456789abcdef",
        "killed",
    )
    assert log.verify().whole


def test_what_cannot_be_noted_may_not_begin(tmp_path):
    (tmp_path / "audit.jsonl").mkdir()

    with pytest.raises(OSError, match="audit"):
        begin(AuditLog(tmp_path / "audit.jsonl"), operator="asha", action="x", scope="")


def test_what_root_begins_in_the_folder_of_a_service_the_service_can_read(tmp_path):
    assert os.geteuid() == 0, "run the tests as root"
    service = 1
    os.chown(tmp_path, service, service)
    log = AuditLog(tmp_path / "audit.jsonl")

    running = begin(log, operator="root", action="fleet relay status", scope="")

    made = list(tmp_path.rglob("*"))
    assert len(made) == 3  # The log, the folder of those that run, and this one in it.
    assert {path.stat().st_uid for path in made} == {service}
    running.end("done")

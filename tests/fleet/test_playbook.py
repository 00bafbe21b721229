import stat
import threading
from dataclasses import replace

import pytest

from fleet.errors import FleetError, InputError
from fleet.playbook import Outcome, Play, Result, play


class Here:
    """Runs commands on this machine's network, and remembers them."""

    def __init__(self):
        self.ran = []

    def command(self, argv):
        """Return the command as it is."""
        self.ran.append(list(argv))
        return list(argv)


@pytest.fixture
def here():
    return Here()


@pytest.fixture
def program(tmp_path):
    """Return a function that writes what answers in the place of a device's program."""

    def write(script):
        path = tmp_path / "wingspan-device"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    return write


def facts(*targets, program, **more):
    return Play(playbook="facts", targets=targets, variables={"wingspan_program": program}, **more)


def test_each_device_has_a_result_with_its_answer(sshd, here, program):
    other = replace(sshd.target, device="WS-000002")
    answering = program("""echo '{"battery_percent": 81}'""")

    run = play(facts(sshd.target, other, program=answering), sshd.credential, here)

    assert run.finished
    assert [(r.device, r.outcome) for r in run.results] == [
        ("WS-000001", Outcome.UNCHANGED),
        ("WS-000002", Outcome.UNCHANGED),
    ]
    assert run.results[0].answer["facts"] == {"battery_percent": 81}


def test_results_are_heard_as_they_come(sshd, here, program):
    heard = []

    play(facts(sshd.target, program=program("echo {}")), sshd.credential, here, heard=heard.append)

    assert [result.device for result in heard] == ["WS-000001"]


def test_a_task_that_fails_says_why_and_hinders_no_other(sshd, here, program):
    other = replace(sshd.target, device="WS-000002", port=1)
    failing = program("echo 'the battery is not there' >&2; exit 4")

    run = play(facts(sshd.target, other, program=failing), sshd.credential, here)

    failed, silent = run.results
    assert failed.outcome is Outcome.FAILED
    assert failed.why.endswith("ended with 4: the battery is not there")
    assert silent.outcome is Outcome.UNREACHABLE


def test_a_device_with_another_key_is_not_spoken_to(sshd, start_sshd, here, program, tmp_path):
    marker = tmp_path / "spoken-to"
    impostor = replace(sshd.target, host_key=start_sshd().target.host_key)

    run = play(facts(impostor, program=program(f"touch {marker}")), sshd.credential, here)

    (result,) = run.results
    assert result.outcome is Outcome.UNREACHABLE
    assert "verification failed" in result.why
    assert not marker.exists()


def test_an_environment_that_would_switch_key_checking_off_counts_for_nothing(
    sshd, start_sshd, here, program, monkeypatch
):
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "False")
    monkeypatch.setenv("ANSIBLE_SSH_COMMON_ARGS", "-o StrictHostKeyChecking=no")
    impostor = replace(sshd.target, host_key=start_sshd().target.host_key)

    run = play(facts(impostor, program=program("echo {}")), sshd.credential, here)

    assert run.results[0].outcome is Outcome.UNREACHABLE


def test_a_stopped_run_leaves_devices_unknown_and_asks_them(sshd, here, program, tmp_path):
    begun, asked = tmp_path / "begun", []
    slow = program(f"touch {begun}; sleep 300; echo {{}}")

    def ask(devices):
        asked.extend(devices)
        return {"WS-000001": Result(device="WS-000001", outcome=Outcome.CHANGED)}

    run = play(
        facts(sshd.target, program=slow),
        sshd.credential,
        here,
        stopped=begun.exists,
        ask=ask,
    )

    assert (run.finished, asked) == (False, ["WS-000001"])
    assert run.results[0].outcome is Outcome.CHANGED


def test_without_anybody_to_ask_a_stopped_run_says_unknown(sshd, here, program):
    stop = threading.Event()
    stop.set()

    run = play(
        facts(sshd.target, program=program("sleep 300")),
        sshd.credential,
        here,
        stopped=stop.is_set,
    )

    assert run.unknown == ("WS-000001",)


def test_no_devices_is_no_run(sshd, here):
    assert play(Play(playbook="facts", targets=()), sshd.credential, here).results == ()
    assert here.ran == []


def test_a_playbook_that_does_not_ship_is_named(sshd, here):
    with pytest.raises(InputError, match="no playbook 'fcats'"):
        play(Play(playbook="fcats", targets=(sshd.target,)), sshd.credential, here)


def test_a_run_that_cannot_start_says_so(sshd, program):
    class Broken:
        def command(self, argv):
            return ["/bin/false", *argv]

    with pytest.raises(FleetError, match="before any device"):
        play(facts(sshd.target, program=program("echo {}")), sshd.credential, Broken())


def test_nothing_of_a_run_stays_and_no_secret_enters_it(sshd, program, monkeypatch, tmp_path):
    runs, kept = tmp_path / "runs", []
    runs.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(runs))
    monkeypatch.setenv("WINGSPAN_DATABASE", "postgresql://asha:open-sesame@centre/fleet")

    def look(_result):
        kept.extend(
            (path, path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
            for path in runs.rglob("*")
            if path.is_file() and not path.is_symlink()
        )

    play(facts(sshd.target, program=program("env")), sshd.credential, Here(), heard=look)

    key = sshd.credential.private_key.splitlines()[1].encode()
    assert kept
    assert not [path for path, content, _ in kept if key in content or b"sesame" in content]
    assert not list(runs.iterdir())


def test_the_private_folder_of_a_run_is_for_its_owner_alone(sshd, program, monkeypatch, tmp_path):
    runs, modes = tmp_path / "runs", []
    runs.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(runs))

    def look(_result):
        modes.extend(stat.S_IMODE(folder.stat().st_mode) for folder in runs.iterdir())

    play(facts(sshd.target, program=program("echo {}")), sshd.credential, Here(), heard=look)

    assert modes == [0o700]


def test_events_are_not_written_to_files(sshd, program, monkeypatch, tmp_path):
    runs, events = tmp_path / "runs", []
    runs.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(runs))

    def look(_result):
        events.extend(runs.rglob("job_events/*-*.json"))

    play(facts(sshd.target, program=program("echo {}")), sshd.credential, Here(), heard=look)

    # What is being handed over has a name of its own for a moment.
    assert not [path for path in events if not path.name.endswith("-partial.json")]
    assert not list(runs.iterdir())

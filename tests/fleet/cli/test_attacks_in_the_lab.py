"""Bad input and attack, on devices of a rehearsal: a clear error, and nothing lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.rehearsal.lab import down
from tests.fleet.cli.office import open_office

PATIENCE_S = 300
WINGSPAN = Path(sys.executable).with_name("wingspan")


@pytest.fixture(scope="module")
def office(start_lab, tmp_path_factory):
    lab = start_lab(devices=8, prisons=2)
    yield open_office(lab, tmp_path_factory.mktemp("people"))
    down(lab.workspace)


def requests(office):
    return office.answer("ben", "requests", "--all")[1]["requests"]


def sh(office, name, command):
    return office.inside(office.lab_device(name), "sh", "-c", command).strip()


@pytest.mark.parametrize(
    ("scope", "code", "says"),
    [
        (["MDJ"], 3, "MDJ"),
        (["XAA", "model=none"], 3, "no device is in the scope"),
        (["XAA-9-9-999"], 3, "XAA-9-9-999"),
    ],
)
def test_a_scope_that_matches_nothing_is_an_error_and_nothing_is_asked(office, scope, code, says):
    before = requests(office)

    result = office.types("ben", "lock", *scope, "--level", "notice", "--yes")

    assert (result.exit_code, says in result.stderr) == (code, True), result.stderr
    assert requests(office) == before


@pytest.mark.parametrize("command", ["quarantine", "release", "wipe"])
def test_the_whole_estate_by_accident_is_refused_until_its_size_is_said(office, command):
    before = requests(office)

    result = office.types("ben", command, "estate", "--yes")

    assert result.exit_code == 6
    assert "--expect 8" in result.stderr
    assert requests(office) == before


def test_two_operators_at_once_have_each_their_lock_and_nothing_is_mixed(office):
    name = office.names()[0]
    words = ["-C", office.lab.workspace.root, "fleet", "lock", f"device:{name}", "--yes", "--json"]
    both = [
        subprocess.Popen(
            [WINGSPAN, *words, "--level", level],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **office.environment(who)},
        )
        for who, level in (("ben", "notice"), ("dora", "relay-only"))
    ]
    answers = [json.loads(one.communicate(timeout=PATIENCE_S)[0]) for one in both]

    asked = {answer["request"] for answer in answers}
    # One may have been asked for after the other's pass.
    office.answer("ben", "reconcile", "--once")
    state = json.loads(sh(office, name, "cat /var/lib/wingspan/state.json"))
    assert len(asked) == 2
    assert {lock: held["level"] for lock, held in state["locks"].items()} == {
        answer["request"]: answer["parameters"]["level"] for answer in answers
    }
    states = {one["request"]: one["states"] for one in requests(office)}
    assert [states[request] for request in sorted(asked)] == [{"proven": 1}] * 2
    # Each order was used once, whoever carried it out.
    assert len(sh(office, name, "ls /var/lib/wingspan/used").splitlines()) == 2


# Run on another tablet: it opens connections to a device's sshd and never says a word.
FLOOD = """\
import socket, sys, time
held = []
for _ in range(150):
    one = socket.socket()
    one.settimeout(5)
    try:
        one.connect((sys.argv[1], 22))
        held.append(one)
    except OSError:
        pass
open("/run/flooding", "w").write(str(len(held)))
time.sleep(600)
"""


@pytest.fixture
def flooded(office):
    """Return the name of a device whose sshd another tablet floods for the length of a test."""
    name, other = office.names()[1], office.names()[2]
    device = office.lab_device(name)
    program = office.lab.rehearsal.root(office.lab_device(other)) / "root/flood.py"
    program.write_text(FLOOD)
    start = f"setsid python3 /root/flood.py {device.address} >/dev/null 2>&1 </dev/null & echo $!"
    number = sh(office, other, start)
    marker = program.parents[1] / "run/flooding"
    office.lab.wait_until(marker.exists)
    yield name
    sh(office, other, f"kill {number}; rm -f /run/flooding")


def test_a_lock_gets_through_while_another_tablet_floods_sshd(office, flooded):
    dropped = sh(
        office, flooded, "grep -c 'PerSourceMaxStartups\\|drop connection' /run/sshd.log || :"
    )

    code, locked = office.answer("ben", "lock", f"device:{flooded}", "--level", "notice", "--yes")

    assert (code, [one["device"] for one in locked["proven"]]) == (0, [flooded]), locked
    assert int(dropped) > 0


def test_an_impostor_at_a_devices_address_is_refused_and_the_order_is_not_lost(office):
    first, second = office.names()[4:6]
    device, other = office.lab_device(first), office.lab_device(second)
    swapped = office.types("asha", "rehearse", "swap", device.serial, other.serial)
    assert swapped.exit_code == 0, swapped.output

    _, locked = office.answer("ben", "lock", f"device:{first}", "--level", "notice", "--yes")
    office.types("asha", "rehearse", "restore", "all")
    office.lab.answering([device, other])
    after = office.answer("ben", "reconcile", "--once")[1]

    (refused,) = locked["waiting"]
    assert f"is not {first}: it holds SHA256:" in refused["why"]
    assert [one["device"] for one in after["proven"]] == [first]
    assert sh(office, second, "cat /var/lib/wingspan/state.json 2>/dev/null || :") == ""


def test_a_clock_an_hour_off_keeps_us_out_and_the_order_waits(office):
    name = office.names()[6]
    device = office.lab_device(name)
    shifted = office.types("asha", "rehearse", "clock", device.serial, "--shift", "+1h")
    assert shifted.exit_code == 0, shifted.output

    _, locked = office.answer("ben", "lock", f"device:{name}", "--level", "notice", "--yes")
    office.types("asha", "rehearse", "restore", device.serial)
    office.lab.answering([device])
    after = office.answer("ben", "reconcile", "--once")[1]

    assert [one["device"] for one in locked["waiting"]] == [name], locked
    assert "refuses the login of wingspan" in locked["waiting"][0]["why"]
    assert "is valid from" in locked["waiting"][0]["why"]
    assert [one["device"] for one in after["proven"]] == [name]

"""Bad input and attack, on devices of a rehearsal: a clear error, and nothing lost."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from fleet.rehearsal.lab import down
from tests.fleet.cli.office import open_office

PATIENCE_S = 300
# Updates take several runs of Ansible; on a crowded machine these take minutes.
UPDATES_S = 1800
WINGSPAN = Path(sys.executable).with_name("wingspan")


@pytest.fixture(scope="module")
def office(start_lab, tmp_path_factory):
    lab = start_lab(devices=8, prisons=2)
    yield open_office(lab, tmp_path_factory.mktemp("people"), eli="operator")
    down(lab.workspace)


@pytest.fixture(scope="module")
def bundle_of(office, tmp_path_factory):
    """Return a function that makes a bundle of a version, once."""
    made = {}

    def make(version, *words):
        if version not in made:
            folder = tmp_path_factory.mktemp("bundle")
            place = folder / "source/files/opt/demo"
            place.mkdir(parents=True)
            for name in ("one", "two"):
                (place / name).write_text(f"{version}\n")
            made[version] = folder / "demo.tar"
            result = office.types(
                "asha", "bundle", "make", "--kind", "generic", "--name", "demo",
                "--bundle-version", version, "--from", str(folder / "source"),
                "--out", str(made[version]), *words,
            )  # fmt: skip
            assert result.exit_code == 0, result.output
        return made[version]

    return make


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


@pytest.mark.parametrize(
    "changed",
    [
        ("payload.tar", b"1.0\n", b"6.6\n", "payload.tar in the bundle is not the one"),
        ("bundle.json", b'"1.0"', b'"1.0" ', "bundle.json in the bundle is not the one"),
        ("metadata/timestamp.json", b'"expires":"20', b'"expires":"21', "not signed by the keys"),
    ],
)
def test_a_bundle_that_was_changed_is_refused_before_anything_is_asked(
    office, bundle_of, tmp_path, changed
):
    name, old, new, says = changed
    before, spoilt = requests(office), tmp_path / "spoilt.tar"
    with tarfile.open(bundle_of("1.0")) as whole, tarfile.open(spoilt, "w") as other:
        for member in whole:
            content = whole.extractfile(member).read()
            if member.name == name:
                assert old in content
                content = content.replace(old, new)
                member.size = len(content)
            other.addfile(member, io.BytesIO(content))

    result = office.types("ben", "update", "XAA", "--bundle", str(spoilt), "--yes")

    assert result.exit_code == 6, result.output
    assert says in result.stderr
    assert requests(office) == before


@pytest.mark.parametrize(
    ("scope", "code", "says"),
    [
        (["XAA", "model=none"], 3, "no device is in the scope"),
        (["estate"], 6, "--expect 8"),
        (["XAA", "version=9.9"], 3, "no device is in the scope"),
    ],
)
def test_an_update_of_nothing_or_of_everything_by_accident_is_not_asked_for(
    office, bundle_of, scope, code, says
):
    before, bundle = requests(office), str(bundle_of("1.0"))

    result = office.types("ben", "update", *scope, "--bundle", bundle, "--yes")

    assert (result.exit_code, says in result.stderr) == (code, True), result.stderr
    assert requests(office) == before


def test_a_bundle_for_a_version_that_no_device_runs_is_not_asked_for(office, bundle_of):
    before, bundle = requests(office), str(bundle_of("1.5", "--from-version", "1.4"))

    result = office.types("ben", "update", "XAA", "--bundle", bundle, "--yes")

    assert result.exit_code == 3, result.output
    assert "the bundle is for 1.4" in result.stderr
    assert requests(office) == before


def test_two_operators_who_update_the_same_devices_at_once_mix_nothing(office, bundle_of):
    asked = {}
    for who, version in (("ben", "2.0"), ("eli", "3.0")):
        words = ("update", "XAB", "--bundle", str(bundle_of(version)), "--soak", "0", "--yes")
        code, answer = office.answer(who, *words)
        assert (code, office.types("cleo", "approve", answer["request"]).exit_code) == (0, 0)
        asked[answer["request"]] = version
    command = [WINGSPAN, "-C", office.lab.workspace.root, "fleet", "reconcile", "--once", "--json"]
    both = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **office.environment(who)},
        )
        for who in ("ben", "eli")
    ]
    answers = [json.loads(one.communicate(timeout=UPDATES_S)[0]) for one in both]
    # One carried updates out, and left the other to a later pass.
    last = office.answer("ben", "reconcile", "--once")[1]

    # Both were meant, so the later bundle is what runs in the end, whole; and each went out once.
    ended = [*answers, last]
    proven = [(one["device"], one["intent"]) for each in ended for one in each["proven"]]
    names = [d["device"] for d in office.answer("asha", "list", "XAB")[1]["devices"]]
    assert sorted(proven) == sorted((name, request) for name in names for request in asked)
    for name in names:
        place = office.lab.rehearsal.root(office.lab_device(name)) / "opt/demo"
        assert {(place / part).read_text() for part in ("one", "two")} == {"3.0\n"}
        assert office.answer("asha", "show", name)[1]["version"] == "3.0"


def test_an_approver_locks_while_an_update_is_due_and_leaves_that_to_an_operator(office, bundle_of):
    name, other = office.names()[2:4]  # The first holds locks of another test.
    words = ("update", "XAA", "--bundle", str(bundle_of("4.0")), "--yes")
    update = office.answer("ben", *words)[1]["request"]
    assert office.types("cleo", "approve", update).exit_code == 0

    code, locked = office.answer("dora", "lock", f"device:{name}", "--level", "notice", "--yes")
    passed = office.answer("dora", "reconcile", "--once")[1]
    assert office.types("ben", "stop", update).exit_code == 0

    assert code == 0
    assert [
        each["states"] for each in requests(office) if each["request"] == locked["request"]
    ] == [{"proven": 1}]
    left = {each["device"]: each["why"] for each in passed["waiting"]}
    assert "by an operator or an admin" in left[other]


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


# Run on other tablets: it opens connections to a device's sshd and never says a word.
FLOOD = """\
import socket, sys, time
held = []
for _ in range(60):
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
    """Return the name of a device whose sshd all others flood for the length of a test."""
    name = office.names()[1]
    device = office.lab_device(name)
    others = [office.lab_device(other) for other in office.names() if other != name]
    started = []
    for other in others:
        root = office.lab.rehearsal.root(other)
        (root / "root/flood.py").write_text(FLOOD)
        start = (
            f"setsid python3 /root/flood.py {device.address} >/dev/null 2>&1 </dev/null & echo $!"
        )
        started.append((other, office.inside(other, "sh", "-c", start).strip()))
        office.lab.wait_until((root / "run/flooding").exists)
    yield name
    for other, number in started:
        office.inside(other, "sh", "-c", f"kill {number}; rm -f /run/flooding /root/flood.py")


def test_a_lock_gets_through_while_all_other_tablets_flood_sshd(office, flooded):
    asked = office.answer("ben", "lock", f"device:{flooded}", "--level", "notice", "--yes")[1]

    def is_proven():
        """Return whether it is; beyond MaxStartups who gets in is drawn, and the order waits."""
        states = next(r["states"] for r in requests(office) if r["request"] == asked["request"])
        if states != {"proven": 1}:
            assert states == {"waiting": 1}
            office.answer("ben", "reconcile", "--once")
        return states == {"proven": 1}

    office.lab.wait_until(is_proven)

    # Seven sources of sixty each: none got more than its share, and that was logged.
    refused = sh(office, flooded, "grep -c 'drop connection\\|PerSourceMaxStartups' /run/sshd.log")
    assert int(refused) > 0


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

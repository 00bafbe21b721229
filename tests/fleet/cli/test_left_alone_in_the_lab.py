"""Devices that nobody can reach, or that nobody of ours speaks to: sealed keys, dead man's rule."""

import json

import pyrage
import pytest

from fleet.rehearsal.lab import down
from tests.fleet.cli.office import open_office

BASELINE = """\
kiosk_program = "/usr/bin/chromium --kiosk https://start.example"
management = []
relay = [{network = "198.18.8.1/32", protocol = "tcp", port = 22}]
"""
TICK = "/usr/local/lib/wingspan/wingspan_dead_man.py"
ALONE = "/var/lib/wingspan/alone.json"
TRUST = "/etc/ssh/wingspan/trust.json"


@pytest.fixture(scope="module")
def office(start_lab, tmp_path_factory):
    lab = start_lab(devices=6, prisons=1)
    office = open_office(lab, tmp_path_factory.mktemp("people"))
    (lab.workspace.root / "inputs" / "baseline.toml").write_text(BASELINE)
    yield office
    down(lab.workspace)


def sh(office, name, command):
    return office.inside(office.lab_device(name), "sh", "-c", command).strip()


# --- the sealed key -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sealed(office, tmp_path_factory):
    """Return the files of a sealed key, which devices know, and of what opens it."""
    folder = tmp_path_factory.mktemp("envelope")
    envelope = pyrage.x25519.Identity.generate()
    (folder / "envelope.key").write_text(str(envelope))
    given = ["--out", str(folder / "glass.age"), "--recipient", str(envelope.to_public())]
    _, asked = office.answer("asha", "break-glass", "seal", *given)
    assert asked["file"] is None
    office.answer("cleo", "approve", asked["request"])
    assert office.answer("asha", "break-glass", "seal", *given)[1]["approvals_missing"] == []
    assert office.types("asha", "keys", "push").exit_code == 0
    return ["--key", str(folder / "glass.age"), "--identity", str(folder / "envelope.key")]


def test_a_sealed_key_unlocks_with_relay_and_authorities_gone_and_that_is_reported(office, sealed):
    name = office.names()[0]
    office.answer("ben", "lock", f"device:{name}", "--level", "relay-only", "--yes")
    keys = office.lab.workspace.keys
    gone = [keys / "broker_ca", keys / "deploy_ca", keys / "trust"]
    kept = {path: path.read_bytes() for path in gone}
    for path in gone:
        path.unlink()

    try:
        code, opened = office.answer("asha", "break-glass", "open", name, *sealed)
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
            path.chmod(0o600)

    assert (code, opened["outcome"], opened["level"]) == (0, "done", ""), opened
    _, health = office.answer("ben", "health", f"device:{name}")
    (said,) = health["devices"]
    assert (said["status"], said["facts"]["glass_broken"]) == ("fail", 1)
    assert "glass" in [one["policy"] for one in said["findings"]]
    log = json.loads(sh(office, name, "cat /var/lib/wingspan/broken_glass.json"))
    assert [(one["by"], one["request"]) for one in log] == [("break-glass", opened["request"])]


def test_a_sealed_key_does_nothing_but_unlock_locks(office, sealed):
    name = office.names()[1]
    office.answer("ben", "quarantine", f"device:{name}", "--yes")

    nothing = office.types("asha", "break-glass", "open", name, *sealed)

    assert nothing.exit_code == 3
    assert f"no lock holds on {name}" in nothing.stderr
    assert office.answer("asha", "show", name)[1]["state"] == "quarantined"


def test_a_sealed_key_is_for_its_recipient_alone_and_never_overwritten(office, sealed, tmp_path):
    other = tmp_path / "other.key"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    _, source, _, _ = sealed

    opened = office.types(
        "asha", "break-glass", "open", office.names()[0], "--key", source, "--identity", str(other)
    )
    again = office.types(
        "asha", "break-glass", "seal", "--out", source, "--recipient", "age1x", "--name", "second"
    )

    assert (opened.exit_code, again.exit_code) == (3, 3)
    assert "does not open" in opened.stderr


# --- the dead man's rule ------------------------------------------------------------------------


def rule(office, name, *words):
    """Put a rule in force on one device, by two people, and return where it stands then."""
    _, asked = office.answer("ben", "dead-man", f"device:{name}", *words, "--yes")
    office.answer("cleo", "approve", asked["request"])
    found = office.answer("ben", "reconcile", "--once")[1]
    return {bucket: [one["why"] for one in found[bucket]] for bucket in ("proven", "failed")}


def names_a_relay(office, name):
    """Let the statement that a device holds name a relay of its prison, which is not at work."""
    edit = (
        "import json, sys; path = sys.argv[1]; held = json.load(open(path)); "
        "said = json.loads(held['statement']); "
        "said['relay_authorities'] = [{'prison': 'XAA', 'key': '', 'time_key': ''}]; "
        "held['statement'] = json.dumps(said); json.dump(held, open(path, 'w'))"
    )
    sh(office, name, f'python3 -c "{edit}" {TRUST}')


def alone_for(office, name, days):
    """Let so much time powered on pass, without a contact."""
    counted = json.loads(sh(office, name, f"python3 -ISE {TICK}; cat {ALONE}"))
    counted["alone_s"] = days * 86_400
    text = json.dumps(counted)
    sh(office, name, f"echo '{text}' >{ALONE}; python3 -ISE {TICK}")


def level_of(office, name):
    locks = json.loads(sh(office, name, "cat /var/lib/wingspan/state.json"))["locks"]
    return {lock: held["level"] for lock, held in locks.items()}


def test_a_device_without_a_relay_does_not_take_the_rule(office):
    stood = rule(office, office.names()[1], "--days", "7")

    assert stood["proven"] == []
    assert "without a way to a relay, the WAN's loss would set it off" in stood["failed"][0]


def test_a_device_whose_prison_has_no_relay_does_not_take_the_rule(office):
    name = office.names()[2]
    assert office.types("asha", "play", "baseline", f"device:{name}", "--yes").exit_code == 0
    envelope = json.loads(sh(office, name, f"cat {TRUST}"))
    assert '"relay_authorities":[]' in envelope["statement"]

    stood = rule(office, name, "--days", "7")

    assert stood["proven"] == []
    assert "this prison has no relay" in stood["failed"][0]


def test_less_than_seven_days_cannot_be_asked_for(office):
    assert office.types("ben", "dead-man", "XAA", "--days", "6", "--yes").exit_code == 2


def test_a_device_alone_for_too_long_locks_itself_and_two_people_bring_it_back(office):
    name = office.names()[3]
    scope = f"device:{name}"
    played = office.types("asha", "play", "baseline", scope, "--yes")
    assert played.exit_code == 0, played.output
    names_a_relay(office, name)
    # Off by default: a century alone does nothing.
    sh(office, name, f"python3 -ISE {TICK}")
    assert sh(office, name, f"ls {ALONE} 2>&1 || :").endswith("No such file or directory")
    assert rule(office, name, "--days", "7") == {"proven": [""], "failed": []}

    alone_for(office, name, 3.6)
    half = office.answer("ben", "health", scope)[1]["devices"][0]
    sh(office, name, f"python3 -ISE {TICK}")
    contact = json.loads(sh(office, name, f"cat {ALONE}"))["alone_s"]
    alone_for(office, name, 7)
    locked = level_of(office, name)

    assert [(one["policy"], one["level"]) for one in half["findings"]] == [("dead_man", "warn")]
    assert contact == 0
    assert locked == {"dead-man": "relay-only"}
    # Contact alone does not open it; two people do.
    office.answer("ben", "health", scope)
    sh(office, name, f"python3 -ISE {TICK}")
    assert level_of(office, name) == {"dead-man": "relay-only"}
    _, asked = office.answer("ben", "unlock", scope, "--lock", "dead-man", "--yes")
    office.answer("cleo", "approve", asked["request"])
    assert office.answer("ben", "reconcile", "--once")[0] == 0
    assert level_of(office, name) == {}
    assert rule(office, name, "--off")["proven"] == [""]


# --- rules that are broken ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        "echo nonsense >/etc/nftables.conf",
        "echo '{' >/etc/wingspan/firewall.json",
        "echo '{' >/var/lib/wingspan/state.json; rm -f /etc/nftables.conf",
    ],
)
def test_broken_rules_never_leave_a_device_open_after_a_boot(office, broken):
    name = office.names()[4]
    device = office.lab_device(name)
    kept = "/etc/nftables.conf /etc/wingspan/firewall.json /var/lib/wingspan/state.json"
    office.answer("ben", "lock", f"device:{name}", "--level", "relay-only", "--yes")
    sh(office, name, f"rm -rf /root/kept; mkdir /root/kept; cp {kept} /root/kept; {broken}; sync")

    office.types("asha", "rehearse", "power-off", device.serial)
    office.types("asha", "rehearse", "restore", device.serial)
    assert office.lab.answering([device]) == {device.serial}

    rules = sh(office, name, "nft list ruleset")
    assert rules.count("policy drop") == 3
    assert "tcp dport 22 accept" in rules
    back = "cd /root/kept; cp nftables.conf /etc/; cp firewall.json /etc/wingspan/"
    sh(office, name, f"{back}; cp state.json /var/lib/wingspan/")

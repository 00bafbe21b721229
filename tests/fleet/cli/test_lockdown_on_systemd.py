"""Each level of lockdown on devices that run systemd: target, rules and page, over a reboot."""

import pytest

from fleet.rehearsal.lab import down
from tests.fleet.cli.office import open_office

# What the baseline installs needs a compositor; this has its name and its place, and needs none.
KIOSK = """\
[Unit]
Description=What a resident sees
[Service]
ExecStart=/usr/bin/sleep infinity
[Install]
WantedBy=graphical.target
"""
# A lab's device has no first console: a terminal stands in for it, and what is written there is
# kept in a file.
SCREEN = """\
[Unit]
Description=A terminal in place of a screen
DefaultDependencies=no
Before=basic.target
[Service]
Type=notify
NotifyAccess=all
ExecStart=/usr/bin/python3 /usr/local/lib/screen.py
[Install]
WantedBy=sysinit.target
"""
SCREEN_PROGRAM = """\
import os, pty, subprocess
ours, theirs = pty.openpty()
if os.path.lexists("/dev/tty1"):
    os.unlink("/dev/tty1")
os.symlink(os.ttyname(theirs), "/dev/tty1")
subprocess.run(["systemd-notify", "--ready"])
with open("/run/screen", "ab", buffering=0) as shown:
    while True:
        shown.write(os.read(ours, 4096))
"""
PAGE = "Locked. Press the cell bell for help. Samaritans: dial 116 123."
LEVELS = ("notice", "relay-only", "screen-off")
TARGETS = {level: f"wingspan-{level}.target" for level in LEVELS}


@pytest.fixture(scope="module")
def office(start_lab, tmp_path_factory):
    lab = start_lab(devices=5, prisons=1, systemd=5, hours=2)
    office = open_office(lab, tmp_path_factory.mktemp("people"))
    (lab.workspace.root / "inputs" / "notice.txt").write_text(PAGE)
    for device in lab.devices:
        root = lab.rehearsal.root(device)
        (root / "usr/local/lib/screen.py").write_text(SCREEN_PROGRAM)
        units = {"screen.service": SCREEN, "wingspan-kiosk.service": KIOSK}
        for name, unit in units.items():
            (root / "etc/systemd/system" / name).write_text(unit)
        office.inside(device, "systemctl", "daemon-reload")
        office.inside(device, "systemctl", "enable", "--now", *units)
    path = tmp_path_factory.mktemp("allowlist") / "allowlist.json"
    path.write_text('[{"network": "203.0.113.7/32", "protocol": "tcp", "port": 443}]')
    _, asked = office.answer("ben", "allowlist", "XAA", "--file", str(path), "--yes")
    office.answer("cleo", "approve", asked["request"])
    assert len(office.answer("ben", "reconcile", "--once")[1]["proven"]) == len(lab.devices)
    yield office
    down(lab.workspace)


def is_active(office, device, unit):
    shown = office.inside(device, "systemctl", "show", "--property=ActiveState", "--value", unit)
    return shown.strip() == "active"


SESSION = ("wingspan-kiosk.service", "wingspan-notice.service", "wingspan-dark.service")


def session(office, device):
    """Return which of the kiosk and what takes its place are there."""
    return [unit for unit in SESSION if is_active(office, device, unit)]


def standing(office, device, level):
    """Return what is not as it should be on a device that is locked at a level."""
    dark = level == "screen-off"
    wanted = {unit: at == level for at, unit in TARGETS.items()} | {
        "wingspan-kiosk.service": False,
        "wingspan-notice.service": not dark,
        "wingspan-dark.service": dark,
        "ssh.service": True,
        "multi-user.target": True,
        "graphical.target": False,
    }
    wrong = {unit for unit, want in wanted.items() if is_active(office, device, unit) is not want}
    default = office.inside(device, "systemctl", "get-default").strip()
    rules = office.inside(device, "nft", "list", "ruleset")
    # The one way that the allowlist of the test opens, which a notice leaves open.
    if ("203.0.113.7" in rules) is not (level == "notice") or "policy drop" not in rules:
        wrong.add("rules")
    return wrong | ({default} - {TARGETS[level]})


def reboot(office):
    """Boot every device anew, by its own systemd, and wait until it lets us in."""
    lab = office.lab
    before = {device.serial: lab.rehearsal.running(device) for device in lab.devices}
    for device in lab.devices:
        office.inside(device, "systemctl", "reboot", "--no-block")
    for device in lab.devices:
        was = before[device.serial]
        lab.wait_until(lambda device=device, was=was: lab.rehearsal.running(device) != was)
    assert len(lab.answering()) == len(lab.devices)


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_holds_on_every_device_over_a_reboot_until_two_people_end_it(office, level):
    reason = ["--reason", "drill", "--review-in", "1"] if level == "screen-off" else []
    everywhere = list(range(5))
    nothing_wrong = [set()] * 5
    devices = office.lab.devices

    code, locked = office.answer("ben", "lock", "XAA", "--level", level, *reason, "--yes")
    assert (code, len(locked["proven"])) == (0, 5), locked
    assert [standing(office, device, level) for device in devices] == nothing_wrong

    reboot(office)
    assert [standing(office, device, level) for device in devices] == nothing_wrong
    if level != "screen-off":
        shown = [office.inside(device, "cat", "/run/screen") for device in devices]
        assert [number for number in everywhere if "dial 116 123" in shown[number]] == everywhere
    # The kernel's rules are those that were proven, and sshd answers: a sweep finds no drift.
    code, health = office.answer("ben", "health", "XAA")
    assert code == 0, health

    _, asked = office.answer("ben", "unlock", "XAA", "--lock", locked["request"], "--yes")
    office.answer("cleo", "approve", asked["request"])
    code, done = office.answer("ben", "reconcile", "--once")
    assert (code, len(done["proven"])) == (0, 5), done
    assert [session(office, device) for device in devices] == [["wingspan-kiosk.service"]] * 5


def test_a_lock_that_systemd_does_not_carry_out_is_not_proven(office):
    device = office.lab.devices[0]
    name = office.names()[0]
    office.inside(device, "systemctl", "mask", "--runtime", "multi-user.target")

    code, locked = office.answer("ben", "lock", f"device:{name}", "--level", "notice", "--yes")

    office.inside(device, "systemctl", "unmask", "--runtime", "multi-user.target")
    scope = f"device:{name}"
    _, asked = office.answer("ben", "unlock", scope, "--lock", locked["request"], "--yes")
    office.answer("cleo", "approve", asked["request"])
    assert office.answer("ben", "reconcile", "--once")[0] == 0
    assert (code, [one["device"] for one in locked["failed"]]) == (5, [name])
    assert "systemctl start wingspan-notice.target" in locked["failed"][0]["why"]

"""Updates as people type them, on enrolled devices of a rehearsal; a prison for each test."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import ansible_runner
import pytest

from fleet.rehearsal.lab import down
from fleet.rehearsal.machine import until
from tests.fleet.cli.office import open_office

BIN = Path(sys.executable).parent
# What is waited for takes several runs of Ansible; on a crowded machine these take minutes.
PATIENCE_S = 1800
# Counts how often it was applied, fails where it is told to, and takes its time where it is told.
CHECK = """\
#!/bin/sh
echo applied >>/var/log/applied
[ ! -e /etc/slow ] || for _ in $(seq 600); do [ -e /etc/go ] && break; sleep 0.1; done
[ ! -e /etc/broken ] || { echo "the kiosk does not start"; exit 1; }
"""


class Shop:
    """An office with a bundle to bring to its devices."""

    def __init__(self, office, bundle):
        self.office, self.bundle = office, bundle
        self.running = []

    def devices(self, prison):
        """Return the devices of a prison in the lab, by their names."""
        listed = self.office.answer("asha", "list", prison)[1]["devices"]
        return {one["device"]: self.office.lab_device(one["device"]) for one in listed}

    def root(self, device):
        """Return the root of a device's files."""
        return Path(self.office.lab.rehearsal.root(device))

    def mark(self, devices, name):
        """Leave a file that the check looks for."""
        for device in devices:
            (self.root(device) / "etc" / name).touch()

    def power(self, device, status):
        """Have the battery of a device charge or not."""
        place = self.office.lab.rehearsal.folder(device) / "simulated/sys/class/power_supply/BAT0"
        (place / "status").write_text(f"{status}\n")

    def applied(self, device):
        """Return how often a device applied the bundle."""
        path = self.root(device) / "var/log/applied"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def asked(self, prison, *words):
        """Ask for the update of a prison and have another person agree; return the request."""
        command = ("update", prison, "--bundle", str(self.bundle), "--soak", "0", *words, "--yes")
        code, answer = self.office.answer("ben", *command)
        assert (code, len(answer["approvals_missing"])) == (0, 1)
        assert self.office.types("cleo", "approve", answer["request"]).exit_code == 0
        return answer["request"]

    def reconciled(self, code=0):
        """Carry out what is due; return who stands where."""
        found, answer = self.office.answer("ben", "reconcile", "--once")
        assert found == code, answer
        return {
            name: {one["device"]: one["why"] for one in answer[name]}
            for name in ("proven", "unproven", "failed", "waiting")
        }

    def is_over(self, request):
        """Carry out what is due, and return whether every device has proven a request."""
        self.office.answer("ben", "reconcile", "--once")
        return set(self.status(request)["states"]) == {"proven"}

    def begins(self, *words):
        """Begin a command of ben's in a process of its own."""
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("WINGSPAN_")},
            "WINGSPAN_OPERATOR": "ben",
            "WINGSPAN_SIGNING_KEY": str(self.office.keys["ben"]),
        }
        command = [BIN / "wingspan", "-C", self.office.lab.workspace.root, "fleet", *words]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.running.append(process)
        return process

    def waits_until(self, done):
        """Wait until something is so."""
        until(done, "what the test waits for does not happen", patience_s=PATIENCE_S)

    def end(self):
        """End what a test that failed has left under way."""
        for process in self.running:
            process.kill()
            process.wait()
            process.stdout.close()
        self.running.clear()

    def status(self, request):
        """Return what is known of a request."""
        everything = self.office.answer("ben", "requests", "--all")[1]["requests"]
        return next(one for one in everything if one["request"] == request)


@pytest.fixture
def shop(opened):
    yield opened
    opened.end()


@pytest.fixture(scope="module")
def opened(start_lab, tmp_path_factory):
    lab = start_lab(devices=108, prisons=9)
    folder = tmp_path_factory.mktemp("people")
    office = open_office(lab, folder)
    source = folder / "payload"
    (source / "files/opt/demo").mkdir(parents=True)
    (source / "files/opt/demo/version").write_text("2.0\n")
    (source / "checks/post").mkdir(parents=True)
    (source / "checks/post/starts").write_text(CHECK)
    (source / "checks/post/starts").chmod(0o755)
    bundle = folder / "demo.tar"
    made = office.types(
        "asha", "bundle", "make", "--kind", "generic", "--bundle-version", "2.0", "--from",
        str(source), "--out", str(bundle),
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    yield Shop(office, bundle)
    down(lab.workspace)


@pytest.fixture
def runs(monkeypatch):
    """Return the devices of each run of Ansible that begins, which goes on as it would."""
    begun, run = [], ansible_runner.run

    def counted(**launch):
        begun.append(sorted(launch["inventory"]["all"]["hosts"]))
        return run(**launch)

    monkeypatch.setattr(ansible_runner, "run", counted)
    return begun


def test_a_coverage_set_goes_first_is_held_and_then_come_the_others(shop, runs):
    names = set(shop.devices("XAA"))
    _, shown = shop.office.answer("ben", "update", "XAA", "--bundle", str(shop.bundle))
    request = shop.asked("XAA", "--hold", "coverage")

    first = shop.reconciled()
    held = shop.status(request)["status"]
    shop.office.types("ben", "resume", request)
    second = shop.reconciled()

    coverage = {n for wave in shown["waves"] if wave["coverage"] for n in wave["devices"]}
    assert coverage == set(first["proven"]) < names
    assert set(first["waiting"].values()) == {"it is held after its coverage set, as was asked"}
    assert (held, set(second["proven"])) == ("paused", names - coverage)
    # One run of Ansible for each wave, however many devices it has.
    assert sorted(runs) == sorted(sorted(wave["devices"]) for wave in shown["waves"])
    assert len(runs) < len(names)
    for name, device in shop.devices("XAA").items():
        assert (shop.root(device) / "opt/demo/version").read_text() == "2.0\n"
        assert shop.applied(device) == 1
        assert shop.office.answer("asha", "show", name)[1]["version"] == "2.0"


def test_a_failing_check_brings_the_old_version_back_and_halts_before_the_next_wave(shop):
    devices = shop.devices("XAB")
    shop.mark(devices.values(), "broken")
    request = shop.asked("XAB")

    found = shop.reconciled(code=5)

    assert found["failed"]
    assert found["waiting"]
    assert all("the kiosk does not start" in why for why in found["failed"].values())
    for name, device in devices.items():
        assert not (shop.root(device) / "opt/demo/version").exists()
        assert shop.applied(device) == (name in found["failed"])
    assert shop.status(request)["status"] == "paused"
    shop.office.types("ben", "stop", request)
    assert not shop.reconciled()["waiting"]


def test_a_switch_that_dies_in_mid_wave_is_no_failed_update(shop):
    devices = shop.devices("XAC")
    request = shop.asked("XAC", "--hold", "coverage")
    shop.reconciled()
    shop.office.types("ben", "resume", request)
    left = [d for d in devices.values() if not shop.applied(d)]
    switch = "XAC/A/SW-01"
    behind = [d for d in left if d.cell.element == "XAC/A/AP-001"]
    shop.mark(left, "slow")
    running = shop.begins("reconcile", "--once", "--json")
    shop.waits_until(lambda: all(shop.applied(d) for d in left))

    with shop.office.lab.fault("cut", switch):
        shop.mark(left, "go")
        running.communicate(timeout=PATIENCE_S)
        after = shop.status(request)
    shop.office.lab.answering(list(devices.values()))
    found = shop.reconciled()

    assert behind
    assert (running.returncode, after["status"]) == (5, "open")
    assert after["states"] == {"proven": 12 - len(behind), "sent": len(behind)}
    assert len(found["proven"]) == len(behind)
    assert [shop.applied(d) for d in devices.values()] == [1] * 12


def test_a_pause_takes_effect_before_the_next_wave_and_a_stop_ends_it(shop):
    devices = shop.devices("XAD")
    shop.mark(devices.values(), "slow")
    request = shop.asked("XAD", "--one-per", "landing")
    running = shop.begins("reconcile", "--once", "--json")
    shop.waits_until(lambda: any(shop.applied(d) for d in devices.values()))

    shop.office.types("ben", "pause", request)
    shop.mark(devices.values(), "go")
    running.communicate(timeout=PATIENCE_S)
    paused = shop.status(request)
    shop.office.types("ben", "stop", request)
    shop.reconciled()

    begun = sum(shop.applied(d) for d in devices.values())
    assert running.returncode == 0
    assert 0 < begun < 12
    assert paused["states"] == {"proven": begun, "waiting": 12 - begun}
    assert shop.status(request)["states"] == {"proven": begun, "withdrawn": 12 - begun}


def test_a_lock_overtakes_an_update_that_is_under_way(shop):
    devices = shop.devices("XAE")
    shop.mark(devices.values(), "slow")
    request = shop.asked("XAE")
    running = shop.begins("reconcile", "--once", "--json")
    shop.waits_until(lambda: any(shop.applied(d) for d in devices.values()))

    code, locked = shop.office.answer("ben", "lock", "XAE", "--level", "notice", "--yes")
    during = shop.status(request)["states"]
    shop.mark(devices.values(), "go")
    running.communicate(timeout=PATIENCE_S)

    assert {one["device"] for one in locked["proven"]} == set(devices)
    assert (code, during.get("sent", 0) > 0) == (0, True)
    assert running.returncode == 0
    assert shop.status(request)["states"] == {"proven": 12}


def test_after_the_controller_is_killed_devices_are_asked_and_none_does_it_twice(shop):
    devices = shop.devices("XAF")
    shop.mark(devices.values(), "slow")
    request = shop.asked("XAF")
    running = shop.begins("reconcile", "--once", "--json")
    shop.waits_until(lambda: any(shop.applied(d) for d in devices.values()))

    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=PATIENCE_S)
    shop.mark(devices.values(), "go")
    shop.waits_until(lambda: shop.is_over(request))

    assert shop.status(request)["states"] == {"proven": 12}
    assert [shop.applied(d) for d in devices.values()] == [1] * 12


def test_what_is_cut_off_in_mid_run_by_the_keyboard_goes_on_where_it_was(shop):
    devices = shop.devices("XAG")
    shop.mark(devices.values(), "slow")
    request = shop.asked("XAG")
    running = shop.begins("reconcile", "--once", "--json")
    shop.waits_until(lambda: any(shop.applied(d) for d in devices.values()))

    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=PATIENCE_S)
    shop.mark(devices.values(), "go")
    shop.waits_until(lambda: shop.is_over(request))

    assert "stopping; devices that may have begun are asked" in said
    assert [shop.applied(d) for d in devices.values()] == [1] * 12


def test_only_devices_on_their_charger_are_updated_and_only_within_the_window(shop):
    devices = shop.devices("XAH")
    names = sorted(devices)
    for name in names:
        shop.power(devices[name], "Discharging" if name in names[::2] else "Charging")
    hour = datetime.now(tz=UTC).hour
    shut = f"{(hour + 3) % 24:02d}:00-{(hour + 4) % 24:02d}:00"
    early = shop.asked("XAH", "--window", shut)
    out_of_hours = shop.reconciled()
    shop.office.types("ben", "stop", early)
    around = f"{(hour - 1) % 24:02d}:00-{(hour + 3) % 24:02d}:00"
    request = shop.asked("XAH", "--window", around, "--charger")

    first = shop.reconciled()
    for name in names:
        shop.power(devices[name], "Charging")
    shop.waits_until(lambda: shop.is_over(request))

    words = f"its window is from {shut.replace('-', ' to ')} UTC"
    assert set(out_of_hours["waiting"].values()) == {words}
    # Who cannot go first holds back those that it would stand for, and nothing else does.
    assert set(first["proven"]) <= set(names[1::2])
    assert set(names[::2]) <= set(first["waiting"])
    off = names[0]
    assert first["waiting"][off] == f"{off} waits: it is not on its charger"
    assert [shop.applied(devices[name]) for name in names] == [1] * 12


def test_held_after_each_wave_none_begins_until_it_is_resumed(shop):
    devices = shop.devices("XAI")
    request = shop.asked("XAI", "--hold", "wave", "--one-per", "landing")
    counts = []

    for _ in range(2):
        found = shop.reconciled()
        counts.append(sum(shop.applied(device) for device in devices.values()))
        assert all(why.startswith("it is held after ") for why in found["waiting"].values())
        assert shop.status(request)["status"] == "paused"
        assert not shop.reconciled()["proven"]
        shop.office.types("ben", "resume", request)
    shop.office.types("ben", "stop", request)
    shop.reconciled()

    assert 0 < counts[0] < counts[1] < 12
    assert shop.status(request)["states"] == {"proven": counts[1], "withdrawn": 12 - counts[1]}

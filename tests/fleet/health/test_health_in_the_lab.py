"""`wingspan fleet health` on real devices: well, and with one thing wrong on each of some."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from getpass import getuser

import pytest
from click.testing import CliRunner

from fleet.device import DeviceState
from fleet.enrolment import Centre, enrol_devices, plan, read_candidates
from fleet.identity import Identity, Lane
from fleet.registry import Registry
from fleet.registry.readings import readings_of
from fleet.topology import read_topology
from wingspan import main

# A first try that is short, since some devices never answer; a second one for a slow machine.
RULES = """
[sweep]
login_timeout_s = 3
answer_timeout_s = 30
calm_timeout_s = 20
"""


class Fleet:
    """The enrolled devices of a lab, by the numbers of the lab's list."""

    def __init__(self, lab):
        self.lab, self.workspace = lab, lab.workspace
        self.identity, _ = Identity.make(self.workspace, operator=getuser())
        self.registry = Registry.create(self.workspace.settings().database)
        self.registry.load_locations(read_topology(self.workspace.topology))
        (self.workspace.root / "inputs" / "health.toml").write_text(RULES)
        centre = Centre(identity=self.identity, transport=lab.transport, operator=getuser())
        candidates = read_candidates(self.workspace.devices_csv)
        enrol_devices(centre, self.registry, plan(self.registry, candidates))
        self.names = {d.serial: d.device for d in self.registry.devices()}
        assert {d.state for d in self.registry.devices()} == {DeviceState.LIVE}

    def name(self, number):
        """Return the name of a device."""
        return self.names[self.lab.devices[number].serial]

    def as_root(self, number, command):
        """Run a command as root on a device, over the deploy lane."""
        credential = self.identity.credential(
            Lane.DEPLOY,
            operator=getuser(),
            purpose="test",
            principals=[f"device-{self.name(number)}"],
        )
        with credential.files() as files:
            device = self.lab.devices[number]
            done = self.lab.try_ssh(device, command, check=True, key=files / "key")
        return done.stdout

    def health(self, *words):
        """Return the exit code of the command and its answer, devices by name."""
        given = ["-C", str(self.workspace.root), "fleet", "health", *words, "--json"]
        result = CliRunner().invoke(main, given, catch_exceptions=False)
        assert result.stdout, result.stderr
        answer = json.loads(result.stdout)
        return result.exit_code, answer | {"by_name": {d["device"]: d for d in answer["devices"]}}


@pytest.fixture(scope="module")
def fleet(lab):
    """Return a lab whose devices are all live."""
    made = Fleet(lab)
    yield made
    made.registry.close()


@pytest.fixture(scope="module")
def well(fleet):
    """Return what a sweep says before anything is wrong."""
    return fleet.health()


# What is done to which device, by its number in the lab's list. Those that are cut are all that
# hang from one access point.
HUNG, FULL, LATE, LOW, OPENED = 0, 2, 4, 6, 8
CUT = (1, 3, 5, 7, 9, 11)
SWAPPED, OTHER, LOCKED_OUT = 12, 13, 14


@contextmanager
def ailments(fleet):
    devices = fleet.lab.devices
    element = devices[CUT[0]].cell.element
    assert tuple(n for n, d in enumerate(devices) if d.cell.element == element) == CUT
    fleet.as_root(LOW, "echo 4 >/run/wingspan/simulated/sys/class/power_supply/BAT0/capacity")
    fleet.as_root(OPENED, "nft add table inet opened_by_hand")
    with ExitStack() as faults:
        for kind, number, detail in (
            ("hang", HUNG, ""),
            ("fill", FULL, ""),
            ("clock", LATE, "-90"),
            ("clock", LOCKED_OUT, "864000"),
            ("swap", SWAPPED, devices[OTHER].serial),
        ):
            faults.enter_context(fleet.lab.fault(kind, devices[number].serial, detail))
        faults.enter_context(fleet.lab.fault("cut", element))
        yield


@pytest.fixture(scope="module")
def sick(fleet, well):
    """Return what a sweep says when much is wrong, after one that accepted what was there."""
    del well  # It has to come first: the lab is not well afterwards.
    fleet.health("--accept")
    with ailments(fleet):
        return fleet.health()


def findings(fleet, sick, number):
    _, answer = sick
    device = answer["by_name"][fleet.name(number)]
    return device["status"], {f["policy"]: f for f in device["findings"]}


def test_a_sweep_of_a_healthy_lab_finds_nothing_amiss(well):
    code, answer = well

    assert (code, answer["schema"]) == (0, 1)
    assert {d["status"] for d in answer["devices"]} == {"ok"}, answer
    counts = ("devices", "ok", "warn", "fail", "unreachable")
    assert [answer["summary"][name] for name in counts] == [24, 24, 0, 0, 0]


def test_one_round_trip_brings_every_fact(well):
    _, answer = well
    facts = answer["devices"][0]["facts"]

    assert facts.keys() == {
        "battery_percent",
        "battery_status",
        "booted_at",
        "bssid",
        "clock_offset_s",
        "disk_free_mb",
        "disk_free_percent",
        "kernel",
        "key_exchange",
        "kiosk",
        "load_1m",
        "memory_free_percent",
        "openssh",
        "os",
        "program",
        "round_trip_s",
        "ruleset_sha256",
        "signal_dbm",
        "simulated",
        "uptime_s",
        "version",
    }
    assert facts["key_exchange"] == "curve25519-sha256@libssh.org"
    assert set(facts["simulated"]) == {
        "battery_percent",
        "battery_status",
        "bssid",
        "kiosk",
        "signal_dbm",
    }


def test_a_sweep_is_kept(fleet, well):
    del well
    with fleet.registry.reading() as connection:
        reading, *_ = readings_of(connection, fleet.name(0))

    assert reading.status == "ok"
    assert reading.facts.keys() >= {"battery_percent", "disk_free_percent", "uptime_s"}
    assert fleet.registry.device(fleet.name(0)).key_exchange == "curve25519-sha256@libssh.org"


def test_a_hung_sshd_is_told_from_silence(fleet, sick):
    status, found = findings(fleet, sick, HUNG)

    assert status == "unreachable"
    assert "gives no SSH handshake" in found["answer"]["says"]


def test_behind_a_cut_access_point_all_are_silent(fleet, sick):
    for number in CUT:
        status, found = findings(fleet, sick, number)
        assert status == "unreachable"
        assert "does not answer at" in found["answer"]["says"]


def test_a_full_disk_is_a_full_disk(fleet, sick):
    status, found = findings(fleet, sick, FULL)

    assert (status, found.keys()) == ("fail", {"disk"})


def test_a_wrong_clock_is_a_wrong_clock(fleet, sick):
    status, found = findings(fleet, sick, LATE)

    assert (status, found.keys()) == ("fail", {"clock"})
    assert found["clock"]["says"].startswith("clock offset is -")


def test_a_clock_so_wrong_that_it_locks_us_out_is_a_refusal_and_not_silence(fleet, sick):
    status, found = findings(fleet, sick, LOCKED_OUT)

    assert status == "fail"
    assert "refuses the login" in found["answer"]["says"]
    assert "is valid from" in found["answer"]["says"]


def test_a_low_battery_is_a_low_battery_and_is_simulated(fleet, sick):
    status, found = findings(fleet, sick, LOW)

    assert (status, found.keys()) == ("fail", {"battery"})
    assert found["battery"]["says"] == "battery is 4 %, below 10 % (simulated)"


@pytest.mark.parametrize(("number", "other"), [(SWAPPED, OTHER), (OTHER, SWAPPED)])
def test_at_a_swapped_address_the_other_device_is_refused_and_named(fleet, sick, number, other):
    status, found = findings(fleet, sick, number)

    assert status == "fail"
    assert found["identity"]["fact"] == "host_key"
    assert found["identity"]["says"].endswith(f"answers {fleet.name(other)}")


def test_a_ruleset_opened_by_hand_is_drift_from_what_was_accepted(fleet, sick):
    status, found = findings(fleet, sick, OPENED)

    assert (status, found.keys()) == ("fail", {"drift"})
    assert found["drift"]["fact"] == "ruleset_sha256"


def test_the_rest_of_a_sick_fleet_is_well_and_the_command_says_that_some_are_not_proven(
    fleet, sick
):
    code, answer = sick
    ill = {HUNG, FULL, LATE, LOW, SWAPPED, OTHER, OPENED, LOCKED_OUT, *CUT}
    others = [fleet.name(n) for n in range(len(fleet.lab.devices)) if n not in ill]

    assert code == 5
    assert {answer["by_name"][name]["status"] for name in others} == {"ok"}
    assert answer["summary"]["unreachable"] == 1 + len(CUT)
    assert answer["summary"]["asked_again"] >= 1 + len(CUT)

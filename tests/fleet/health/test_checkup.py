"""From an outcome to a status, and into the registry."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.device import NewDevice
from fleet.errors import HostKeyChangedError, RefusedError, UnreachableError
from fleet.health.assessment import Status
from fleet.health.checkup import accept, check_up, desired_state, key_holders, record
from fleet.health.overview import overview, summary
from fleet.health.probe import Outcome
from fleet.health.rules import Keeping, read_rules

KEEPING = Keeping(keep_every_sweep_days=14, keep_daily_days=400, keep_log_days=400)


@pytest.fixture
def policies(tmp_path):
    return read_rules(tmp_path).policies


@pytest.fixture
def enrolled(sqlite_registry, topology, host_key):
    """Return the registry with an enrolled device in each of four cells, and the devices."""
    sqlite_registry.load_locations(topology)
    cells = [cell.cell for cell in topology.cells]
    new = [NewDevice(serial=cell, cell=cell) for cell in cells]
    for n, name in enumerate(sqlite_registry.add(new, by="asha", why="bought")):
        sqlite_registry.enrol(name, host_key(n), by="asha", why="new", nonce="c0ffee")
    return sqlite_registry, sqlite_registry.devices()


def recorded(registry, checkups):
    return record(registry, checkups, KEEPING, by="asha", scope="estate")


@pytest.mark.parametrize(
    ("error", "status", "policy"),
    [
        (UnreachableError("silent"), Status.UNREACHABLE, "answer"),
        (UnreachableError("hung", stage="handshake"), Status.UNREACHABLE, "answer"),
        (RefusedError("no"), Status.FAIL, "answer"),
        (HostKeyChangedError("another"), Status.FAIL, "identity"),
    ],
)
def test_what_gave_no_report_is_told_apart(enrolled, policies, error, status, policy):
    _, (device, *_) = enrolled
    checkup = check_up(Outcome(device=device, error=error), {}, policies)

    assert (checkup.status, checkup.facts) == (status, {})
    assert [(f.policy, f.says) for f in checkup.findings] == [(policy, str(error))]


def test_a_device_that_answers_at_anothers_address_is_named(enrolled, policies, host_key):
    registry, (device, other, *_) = enrolled
    outcomes = [
        Outcome(device=device, error=HostKeyChangedError("another", found=key))
        for key in (other.host_key, host_key(99))
    ]
    holders = key_holders(registry, outcomes)

    says = [check_up(o, {}, policies, holders).findings[0].says for o in outcomes]
    assert says == [f"at its address,  port 22, answers {other.device}", "another"]


def test_a_sweep_is_kept_numbers_apart_from_texts(enrolled, policies, report):
    registry, (device, *_) = enrolled
    found = report(
        battery_percent=81.0,
        battery_status="full",
        kiosk="running",
        version="2026.11",
        key_exchange="curve25519-sha256@libssh.org",
    )
    recorded(registry, [check_up(Outcome(device=device, report=found), {}, policies)])

    names = {fact.name: fact.value for fact in registry.facts(device.device)}
    assert names == {
        "kiosk": "running",
        "version": "2026.11",
        "key_exchange": "curve25519-sha256@libssh.org",
    }
    now = registry.device(device.device)
    assert (now.version, now.key_exchange) == ("2026.11", "curve25519-sha256@libssh.org")


def test_a_version_that_is_no_word_does_not_enter_the_registrys_row(enrolled, policies, report):
    registry, (device, *_) = enrolled
    found = report(version="'; DROP TABLE devices; --")
    recorded(registry, [check_up(Outcome(device=device, report=found), {}, policies)])

    assert registry.device(device.device).version == ""


def test_what_was_accepted_is_what_should_be(enrolled, policies, report):
    registry, (device, other, *_) = enrolled
    before = report(ruleset_sha256="a" * 64, version="2026.11")
    outcomes = [
        Outcome(device=device, report=before),
        Outcome(device=other, error=UnreachableError("silent")),
    ]

    assert accept(registry, [check_up(outcome, {}, policies) for outcome in outcomes]) == 1

    after = report(device=device.device, ruleset_sha256="b" * 64, version="2026.11")
    wanted = desired_state(registry, [device, other])
    checkup = check_up(Outcome(device=device, report=after), wanted[device.device], policies)
    assert [(f.policy, f.fact) for f in checkup.findings] == [("drift", "ruleset_sha256")]
    assert wanted[other.device] == {
        "device": other.device,
        "nonce": "c0ffee",
        "prison_id": other.prison_id,
    }


def test_an_overview_names_what_is_amiss_where_and_since_when(enrolled, policies, report):
    registry, devices = enrolled
    outcomes = [
        Outcome(device=devices[0], report=report(battery_percent=4.0)),
        *(Outcome(device=device, report=report()) for device in devices[1:3]),
        Outcome(
            device=devices[3],
            error=UnreachableError(f"{devices[3].device} does not answer at 192.0.2.1 port 22"),
            tries=2,
        ),
    ]
    checkups = recorded(registry, [check_up(outcome, {}, policies) for outcome in outcomes])
    since = checkups[0].findings[0].since
    by_cell = {device.cell: device.device for device in devices}
    low, gone = devices[0].cell, devices[3].cell
    wing_of = {"LEI-B-1-001": "LEI/B"}
    lines = overview(checkups, began=since, seconds=1.5).splitlines()
    later = overview(checkups, began=since + timedelta(days=1), seconds=1.5).splitlines()

    assert f"    {low}  {by_cell[low]}  battery is 4 %, below 10 %" in lines
    assert (
        f"    {low}  {by_cell[low]}  battery is 4 %, below 10 %, since {since:%Y-%m-%d %H:%M} UTC"
        in later
    )
    assert f"    {gone}  {by_cell[gone]}  does not answer at 192.0.2.1 port 22" in lines
    assert lines[-1] == (
        "4 devices: 2 ok, 1 fail, 1 unreachable, in 1.5 s; "
        "1 did not answer at first and was asked again"
    )
    quiet = {wing_of.get(d.cell, "MDI/A") for d in devices} - {
        wing_of.get(cell, "MDI/A") for cell in (low, gone)
    }
    assert all(any(line.endswith("all ok") for line in lines if line.startswith(w)) for w in quiet)


def test_of_many_devices_with_one_thing_amiss_some_are_named_and_all_are_counted(
    enrolled, policies, report
):
    _, (device, *_) = enrolled
    outcome = Outcome(device=device, report=report(battery_percent=4.0))
    checkups = [check_up(outcome, {}, policies)] * 40
    lines = overview(checkups, began=datetime.now(tz=UTC), seconds=1).splitlines()

    assert any(
        line.startswith("  FAIL battery, 40 devices: is it on its charger") for line in lines
    )
    assert "    and 32 more" in lines
    assert len(lines) < 15


def test_a_summary_counts_in_all_and_by_wing(enrolled, policies, report):
    _, devices = enrolled
    checkups = [check_up(Outcome(device=d, report=report()), {}, policies) for d in devices]
    counts = summary(checkups, seconds=2.04)

    assert counts == {
        "devices": 4,
        "ok": 4,
        "warn": 0,
        "fail": 0,
        "unreachable": 0,
        "asked_again": 0,
        "seconds": 2.0,
        "places": [
            {"place": "LEI/B", "devices": 1, "ok": 1, "warn": 0, "fail": 0, "unreachable": 0},
            {"place": "MDI/A", "devices": 3, "ok": 3, "warn": 0, "fail": 0, "unreachable": 0},
        ],
    }

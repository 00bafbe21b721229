"""A year of sweeps fits; what is amiss keeps its day; the past thins out."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from fleet.device import NewDevice
from fleet.registry.readings import (
    Amiss,
    Reading,
    desired_of,
    forget_readings,
    readings_of,
    set_desired,
    store_findings,
    store_sweep,
)

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FACTS = {
    "battery_percent": 81,
    "disk_free_percent": 63.4,
    "load_1m": 0.25,
    "clock_offset_s": -1.5,
    "signal_dbm": -57,
    "kiosk": "running",
}


def add(registry, count):
    new = [NewDevice(serial=f"S{n}") for n in range(count)]
    return registry.add(new, by="asha", why="bought")


def keep(registry, readings, at):
    with registry.writing() as connection:
        store_sweep(connection, readings, at=at, by="asha", scope="estate")


def read(registry, device):
    with registry.reading() as connection:
        return readings_of(connection, device)


def test_a_reading_comes_back_with_its_numbers(registry):
    (device,) = add(registry, 1)
    keep(registry, {device: ("warn", FACTS)}, NOON)
    keep(registry, {device: ("unreachable", {})}, NOON + HOUR)

    assert read(registry, device) == [
        Reading(
            at=NOON,
            status="warn",
            facts={
                "battery_percent": 81,
                "disk_free_percent": 63,
                "signal_dbm": -57,
                "load_1m": 0.25,
                "clock_offset_s": -1.5,
            },
        ),
        Reading(at=NOON + HOUR, status="unreachable", facts={}),
    ]


@pytest.mark.parametrize("wild", [1e14, -1e14])
def test_a_number_too_large_for_its_column_is_held_at_the_columns_end(registry, wild):
    (device,) = add(registry, 1)
    facts = dict.fromkeys(("battery_percent", "uptime_s", "clock_offset_s", "load_1m"), wild)
    keep(registry, {device: ("fail", facts)}, NOON)

    (reading,) = read(registry, device)
    assert all((value > 0) == (wild > 0) for value in reading.facts.values())


def test_a_finding_keeps_the_moment_when_it_was_first_found(registry):
    (device,) = add(registry, 1)
    battery = [Amiss(policy="battery", fact="battery_percent", level="warn", says="20 %")]
    key = (device, "battery", "battery_percent")

    def found(several, at):
        with registry.writing() as connection:
            return store_findings(connection, {device: several}, at)

    assert found(battery, NOON) == {key: NOON}
    assert found(battery, NOON + DAY) == {key: NOON}
    assert found([], NOON + 2 * DAY) == {}
    assert found(battery, NOON + 3 * DAY) == {key: NOON + 3 * DAY}


def test_a_sweep_over_some_leaves_the_findings_of_others(registry):
    one, other = add(registry, 2)
    amiss = [Amiss(policy="disk", fact="disk_free_percent", level="fail", says="1 %")]
    with registry.writing() as connection:
        store_findings(connection, {one: amiss, other: amiss}, NOON)
        store_findings(connection, {one: []}, NOON + DAY)
        since = store_findings(connection, {other: amiss}, NOON + 2 * DAY)

    assert set(since.values()) == {NOON}


def test_what_should_be_is_set_for_each_fact_by_itself(registry):
    one, other = add(registry, 2)
    with registry.writing() as connection:
        set_desired(connection, {one: {"version": "1", "kiosk": "running"}})
        set_desired(connection, {one: {"version": "2"}, other: {"version": "2"}})

        assert desired_of(connection, [one, other]) == {
            one: {"version": "2", "kiosk": "running"},
            other: {"version": "2"},
        }


def test_of_days_gone_by_the_last_reading_of_each_device_stays(registry):
    one, other = add(registry, 2)
    both = {one: ("ok", {}), other: ("ok", {})}
    keep(registry, both, NOON - 500 * DAY)
    for hours in (0, 1, 2):
        keep(registry, both if hours < 2 else {one: ("ok", {})}, NOON - 20 * DAY + hours * HOUR)
        keep(registry, both, NOON - 3 * DAY + hours * HOUR)
    with registry.writing() as connection:
        forget_readings(connection, now=NOON, keep_every_sweep_days=14, keep_daily_days=400)

    recent = [NOON - 3 * DAY + hours * HOUR for hours in (0, 1, 2)]
    assert [r.at for r in read(registry, one)] == [NOON - 20 * DAY + 2 * HOUR, *recent]
    assert [r.at for r in read(registry, other)] == [NOON - 20 * DAY + HOUR, *recent]


def test_a_year_of_daily_sweeps_of_the_estate_takes_less_than_5_gb(sqlite_registry):
    """Readings are only appended, so that a few days of a tenth of the estate tell of a year."""
    names = add(sqlite_registry, 9_000)
    draw = random.Random(4)  # noqa: S311 - a seed, so that every run stores the same

    def facts():
        return {
            "battery_percent": draw.randrange(101),
            "disk_free_percent": draw.randrange(101),
            "memory_free_percent": draw.randrange(101),
            "signal_dbm": -draw.randrange(40, 90),
            "load_1m": draw.random() * 4,
            "uptime_s": draw.randrange(5_000_000),
            "clock_offset_s": draw.gauss(0, 2),
            "round_trip_s": draw.random() * 5,
        }

    def size_after(day):
        keep(sqlite_registry, {name: ("ok", facts()) for name in names}, NOON + day * DAY)
        with sqlite_registry.reading() as connection:
            pages, size = (
                connection.exec_driver_sql(f"PRAGMA {word}").scalar_one()
                for word in ("page_count", "page_size")
            )
        return pages * size

    sizes_bytes = [size_after(day) for day in range(4)]

    year_bytes = (sizes_bytes[-1] - sizes_bytes[0]) / 3 * 10 * 365
    assert 1e9 < year_bytes < 5e9  # Less than 30 bytes a row would mean that nothing was kept.

"""Reader of the assumptions and rates of a workspace, and of the published figures we ship."""

from __future__ import annotations

import csv
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import estate.catalogue
from estate.catalogue import Assumption, Assumptions, Published, Rate
from estate.errors import Problem
from estate.estimate import Estimate
from estate.sources.table import Row, require_sound, scan_table
from estate.tables import ASSUMPTIONS, RATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from estate.column import Table

_SHIPPED = Path(estate.catalogue.__file__).resolve().parent

# Columns whose words decide how a number is used: a workspace may not change them.
_FIXED = {"assumptions": ("unit",), "rates": ("package", "unit")}

# Bounds of an assumption by name up to its dot, or by the first word of its unit: outside them the
# design would divide by nothing, search without end, or mean nothing.
_BOUNDS = {
    "radio_target_dbm": (-100, 0),
    "radio_eirp_dbm": (-20, 36),
    "radio_margin_db": (0, 40),
    "radio_client_dbm": (-20, 36),
    "radio_access_point_dbm": (-20, 36),
    "radio_access_point_gain_dbi": (-10, 30),
    "radio_door_loss_db": (0, 100),
    "radio_wall_extra_db": (-150, 150),
    "radio_waypoint_bend_db": (0, 100),
    "radio_portal_bend_db": (0, 100),
    "radio_throughput_share": (0.01, 1),
    "radio_airtime_max": (0.01, 1),
    "radio_reuse_channels": (1, 100),
    "radio_less_noise_db": (0, 40),
    "radio_noise_figure_db": (0, 40),
    "radio_access_point_height_m": (0, 30),
    "radio_device_height_m": (0, 30),
    "radio_perimeter_m": (1, 2000),
    "radio_level_db": (-150, 150),
    "cells_per_access_point_airtime": (1, 1000),
    "switches_per_cabinet": (1, 1000),
    "distance_to_comms_m": (1, 2000),
    "distance_to_comms_in_wing_m": (1, 2000),
    "share": (0, 1),
    "score": (0, 1),
}
_ANY = (0, 1_000_000)  # Pounds, metres, people or years: no single rate or share is more.


def read_assumptions(path: Path, *, today: date | None = None) -> Assumptions:
    """Return the assumptions of a file, which must name all that Wingspan uses and no other.

    Raises
    ------
    InputError
        When the file cannot be read or has any fault; all are listed.
    """
    rows = _sound_rows(path, ASSUMPTIONS, "key", today=today)
    return Assumptions(
        {
            row.text("key"): Assumption(
                key=row.text("key"),
                unit=row.text("unit"),
                value=_estimate(row),
                source=row.text("source"),
                dated=row.text("dated"),
                verified=row.text("verified"),
                meaning=row.text("meaning"),
            )
            for row in rows
        }
    )


def read_rates(path: Path, *, today: date | None = None) -> Mapping[str, Rate]:
    """Return the rates of a file by item; it must price all that Wingspan bills and no other.

    Raises
    ------
    InputError
        When the file cannot be read or has any fault; all are listed.
    """
    return {
        row.text("item"): Rate(
            item=row.text("item"),
            label=row.text("label"),
            package=row.text("package"),
            unit=row.text("unit"),
            rate=_estimate(row),
            price_base=row.text("price_base"),
            budget=row.text("budget"),
            vat=row.text("vat"),
            life_years=row.integer("life_years"),
            source=row.text("source"),
            verified=row.text("verified"),
        )
        for row in _sound_rows(path, RATES, "item", today=today)
    }


def read_published() -> tuple[Published, ...]:
    """Return the published costs that the plan is compared with."""
    with (_SHIPPED / "published.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Published(
                label=row["label"],
                per=row["per"],
                currency=row["currency"],
                cost=Estimate(float(row["low"]), float(row["likely"]), float(row["high"])),
                what=row["what"],
                source=row["source"],
                price_base=row["price_base"],
                verified=row["verified"],
            )
            for row in csv.DictReader(file)
        )


def _sound_rows(path: Path, table: Table, key: str, *, today: date | None) -> tuple[Row, ...]:
    reading = scan_table(path, table, today=today)
    with (_SHIPPED / f"{table.name}.csv").open(encoding="utf-8", newline="") as text:
        shipped = {row[key]: row for row in csv.DictReader(text)}
    problems = [*reading.problems, *_strangers(reading.rows, key, shipped, file=path.name)]
    for row in reading.rows:
        if row.text(key) in shipped:
            problems += _misuses(row, shipped[row.text(key)], _FIXED[table.name])
            problems += absurdities(row, row.text(key), unit=row.text("unit"))
    require_sound(path.name, problems)
    return reading.rows


def _strangers(
    rows: Iterable[Row], key: str, shipped: Mapping[str, Mapping[str, str]], *, file: str
) -> Iterator[Problem]:
    """Yield a problem for each name that is missing, and for each that nothing uses."""
    found = {row.text(key) for row in rows}
    for row in rows:
        name = row.text(key)
        if name and name not in shipped:
            near = get_close_matches(name, list(shipped), n=1)
            cure = f"did you mean {near[0]}?" if near else "remove the row"
            yield row.problem(f"nothing uses {name}", cure, column=key)
    for name in shipped:
        if name not in found:
            yield Problem(file, "", f"{name} is missing", "copy its row from a new workspace")


def _misuses(row: Row, shipped: Mapping[str, str], columns: Iterable[str]) -> Iterator[Problem]:
    """Yield a problem for each word that would change how the row's numbers are used."""
    for column in columns:
        stated, expected = row.text(column), shipped[column]
        if row.is_sound(column) and stated != expected:
            what = f"{column} is {stated!r}, but Wingspan counts it as {expected!r}"
            yield row.problem(what, f"write {expected}", column=column)


def absurdities(row: Row, name: str, *, unit: str) -> Iterator[Problem]:
    """Yield a problem for each bound that no design or bill can use."""
    kind = unit.partition(" ")[0]
    stem = name.partition(".")[0]
    least, most = _BOUNDS.get(stem) or _BOUNDS.get(kind) or _ANY
    for column in ("low", "likely", "high"):
        number = row.number_of(column)
        if number is not None and not least <= number <= most:
            what = f"{column} of {name} is {number:g}"
            yield row.problem(what, f"give {least:,} to {most:,}", column=column)


def _estimate(row: Row) -> Estimate:
    low, likely, high = (row.number_of(name) for name in ("low", "likely", "high"))
    if low is None or likely is None or high is None:  # The table's check forbids blanks.
        raise ValueError(f"row {row.number} has a blank bound")
    return Estimate(float(low), float(likely), float(high))

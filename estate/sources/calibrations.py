"""What measurements in a prison say in the place of assumptions, kept beside the assumptions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from estate.catalogue import Assumption
from estate.estimate import Estimate
from estate.sources.catalogue import absurdities
from estate.sources.table import require_sound, scan_table, write_rows
from estate.tables import CALIBRATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from estate.catalogue import Assumptions
    from estate.errors import Problem
    from estate.sources.table import Row

_FITTED = "radio_"  # Only what measurements of signal can say.

# What no design uses: how far off measured signal is from what is assumed, fit included.
LEVEL_KEY = "radio_level_db"
_LEVEL = Assumption(
    key=LEVEL_KEY,
    unit="dB",
    value=Estimate(0, 0, 0),
    source="",
    dated="",
    verified="no",
    meaning="Signal measured less signal predicted, where the power is stated; in no design",
)


def read_calibrations(
    path: Path, *, known: Collection[str], assumptions: Assumptions, today: date | None = None
) -> Mapping[str, tuple[Assumption, ...]]:
    """Return for each prison the assumptions that its measurements take the place of.

    Each has the key of the assumption that it replaces, but for the level of measured signal,
    which replaces none. There are none where there is no file.

    Raises
    ------
    InputError
        When the file cannot be read or has any fault; all are listed.
    """
    if not path.exists():
        return {}
    reading = scan_table(path, CALIBRATIONS, today=today)
    problems = [*reading.problems]
    for row in reading.rows:
        problems += _faults(row, known, assumptions)
    require_sound(path.name, problems)
    found: dict[str, tuple[Assumption, ...]] = {}
    for row in reading.rows:
        prison_id = row.text("prison_id")
        found[prison_id] = (*found.get(prison_id, ()), _assumption(row, assumptions))
    return found


def _faults(row: Row, known: Collection[str], assumptions: Assumptions) -> Iterator[Problem]:
    prison_id, key = row.text("prison_id"), row.text("key")
    if row.is_sound("prison_id") and prison_id not in known:
        what = f"the prison {prison_id!r} is unknown"
        yield row.problem(what, "give an id of the register", column="prison_id")
    known_keys = {**assumptions.by_key, LEVEL_KEY: _LEVEL}
    if row.is_sound("key") and (key not in known_keys or not key.startswith(_FITTED)):
        yield row.problem(f"{key} is not measured", "remove the row", column="key")
    elif row.is_sound("key"):
        yield from absurdities(row, key, unit=known_keys[key].unit)


def _assumption(row: Row, assumptions: Assumptions) -> Assumption:
    bounds = [row.number_of(name) or 0.0 for name in ("low", "likely", "high")]
    surveyed = row.text("grade") == "A"
    return replace(
        assumptions.by_key.get(row.text("key"), _LEVEL),
        value=Estimate(*bounds),
        source=f"{row.text('source')}; grade {row.text('grade')}",
        dated=row.text("dated"),
        verified="yes" if surveyed else "partly",
    )


def replacing(found: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """Return what takes the place of an assumption, and so decides a design."""
    return tuple(each for each in found if each.key != LEVEL_KEY)


def off_words(off_db: float) -> str:
    """Return how far off measured signal is, as a person reads it; below 0 where it is weaker."""
    side = "below" if off_db < 0 else "above"
    return f"{abs(off_db):.1f} dB {side} what is assumed"


def put_calibrations(
    rows: Iterable[Mapping[str, str]], *, standing: Path, into: Path, prison_id: str
) -> None:
    """Write a prison's rows in the place of its earlier ones; other prisons keep theirs.

    Raises
    ------
    InputError
        When the standing file has a fault.
    """
    kept: list[Mapping[str, str]] = []
    if standing.exists():
        reading = scan_table(standing, CALIBRATIONS)
        require_sound(standing.name, reading.problems)
        kept = [row.as_written() for row in reading.rows if row.text("prison_id") != prison_id]
    write_rows(into, CALIBRATIONS.names, [*kept, *rows])

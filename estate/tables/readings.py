"""Columns of measured signal, and of what was fitted to it."""

from __future__ import annotations

from estate.column import Column, Table

_PRISON_ID = r"[A-Z][A-Z0-9-]{2,11}"
_DAY = r"\d{4}-\d\d-\d\d([T ].*)?"


def _metres(name: str, meaning: str, example: str, *, bound: float) -> Column:
    return Column(name, meaning, example, kind="number", unit="m", low=-bound, high=bound)


def _position(prefix: str, whose: str) -> tuple[Column, ...]:
    """Return the columns that say where something is, by its map position."""
    return (
        _metres(f"{prefix}x_m", f"Easting of {whose}, or its own axis", "430120.5", bound=1e7),
        _metres(f"{prefix}y_m", f"Northing of {whose}, or its own axis", "433480.2", bound=1e7),
        Column(
            f"{prefix}landing",
            f"Landing of {whose} where only a position says it, 1 for the lowest",
            "1",
            kind="integer",
            low=1,
            high=12,
        ),
        _metres(f"{prefix}height_m", f"Height of {whose} above that floor", "2.3", bound=100),
    )


MEASUREMENTS = Table(
    name="measurements",
    meaning="One row for each reading of an access point's signal, by a surveyor or by a device",
    columns=(
        Column("access_point", "Name or BSSID of the access point", "LEI/A/AP-001", blank=False),
        Column(
            "signal_dbm",
            "What arrived; blank where it was not heard",
            "-61",
            kind="number",
            unit="dBm",
            required=True,
            low=-120,
            high=0,
        ),
        Column(
            "frequency_mhz",
            "Of the channel on which it was heard",
            "5500",
            kind="number",
            unit="MHz",
            blank=False,
            low=2400,
            high=7125,
        ),
        Column("cell", "Location key of the cell in which it was read", "LEI-A-1-001"),
        *_position("", "the reading"),
        Column("ap_cell", "Location key of the cell that holds the access point", "LEI-A-1-003"),
        *_position("ap_", "the access point"),
        Column(
            "eirp_dbm",
            "What the access point radiated; blank where nobody knows",
            "20",
            kind="number",
            unit="dBm",
            low=-20,
            high=36,
        ),
        Column(
            "in_sight",
            "Whether the access point was in line of sight",
            "no",
            choices=("yes", "no", "unknown"),
            default="unknown",
        ),
        Column("device", "What read it", "MDI-0417"),
        Column("read_on", "Day or moment of the reading", "2026-11-20T10:15:00Z", pattern=_DAY),
    ),
)


def _bound(name: str) -> Column:
    return Column(name, f"The {name} value", "12.5", kind="number", blank=False)


CALIBRATIONS = Table(
    name="calibrations",
    meaning="What measurements in a prison say of an assumption, in its place there",
    unique=("prison_id", "key"),
    ascending=("low", "likely", "high"),
    may_be_empty=True,
    columns=(
        Column("prison_id", "Prison", "LEI", blank=False, pattern=_PRISON_ID),
        Column("key", "Assumption that it takes the place of", "radio_door_loss_db", blank=False),
        _bound("low"),
        _bound("likely"),
        _bound("high"),
        Column("source", "Who measured what", "48 positions, survey of 2026-11-20", blank=False),
        Column("dated", "Day of the fit", "2026-11-25", kind="day", blank=False),
        Column(
            "grade",
            "A in surveyed walls, D in those of a typology",
            "A",
            blank=False,
            choices=("A", "B", "C", "D"),
        ),
    ),
)

"""Columns of what may be reached from a cell: destinations by tier, and the tier of each place."""

from __future__ import annotations

from estate.column import Column, Table

_TIER = r"[a-z][a-z0-9-]{0,31}"
# As devices take it: lower case, and never a whole top-level domain.
_HOST = r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}"
_PLACE = r"[\w&+][\w &+.'-]*(/[\w&+][\w &+.'-]*){0,3}"

DESTINATIONS = Table(
    name="destinations",
    meaning="One row for each destination that a tier may reach; nothing else may be reached",
    unique=("tier", "prison_id", "host", "network", "protocol", "port"),
    columns=(
        Column("tier", "Tier that may reach it", "standard", blank=False, pattern=_TIER),
        Column("prison_id", "The only prison that it is for; all, where blank", "MDI"),
        Column(
            "host",
            "Name, which stands for itself and whatever is below it",
            "learn.example.org",
            pattern=_HOST,
        ),
        Column("network", "Addresses, where it has no name", "203.0.113.0/24"),
        Column("protocol", "tcp or udp", "tcp", choices=("tcp", "udp"), default="tcp"),
        Column("port", "Port", "443", kind="integer", blank=False, low=1, high=65_535),
        Column("service", "What it is for", "learning platform", blank=False),
        Column("approved_by", "Who approved it", "Head of Digital Security", blank=False),
        Column("approved_on", "Day of the approval", "2026-11-02", kind="day", blank=False),
        Column(
            "expires_on",
            "Last day of the approval",
            "2027-11-01",
            blank=False,
            pattern=r"\d{4}-\d\d-\d\d",
        ),
    ),
)

TIERS = Table(
    name="tiers",
    meaning="One row for each place with a tier of its own; the smallest place counts",
    unique=("place",),
    columns=(
        Column(
            "place",
            "estate, PRISON, PRISON/WING, PRISON/WING/LANDING or a cell's location key",
            "MDI/A/2",
            blank=False,
            pattern=_PLACE,
        ),
        Column("tier", "Its tier", "standard", blank=False, pattern=_TIER),
    ),
)

"""allowlists.json: where the devices of each place may go, for the fleet.

Version 1. `lists` are whole: that of a prison and tier is what all prisons of the tier may reach
and what this one may besides; a tier's list without a prison is that of all others. `places` say
which tier a place is of; the smallest place that holds a cell counts. `expires_on` is the last day
on which every approval behind a list holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from ipaddress import ip_network
from typing import TYPE_CHECKING

import msgspec

from estate.errors import InputError, Problem
from estate.sources.table import require_sound, scan_table
from estate.tables import DESTINATIONS, TIERS
from reports.files import write_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from estate.sources.table import Row

SCHEMA = 1
_WHOLE_ESTATE = "estate"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Way:
    """A destination; `place` is a host's name or a network."""

    place: str
    protocol: str
    port: int
    by_name: bool

    def as_json(self) -> dict[str, str | int]:
        """Return it as devices take it."""
        where = "host" if self.by_name else "network"
        return {where: self.place, "protocol": self.protocol, "port": self.port}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowlist:
    """Where the devices of a tier may go, in one prison or ("") in all that have no own list."""

    prison: str
    tier: str
    expires_on: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowlists:
    """The lists of an estate, and the tier of each place."""

    lists: tuple[Allowlist, ...]
    places: tuple[tuple[str, str], ...]


def input_files(inputs: Path) -> tuple[Path, Path]:
    """Return the files that lists are compiled from; a workspace need not have them."""
    return inputs / f"{DESTINATIONS.name}.csv", inputs / f"{TIERS.name}.csv"


def read_allowlists(inputs: Path, *, known: Collection[str], today: date) -> Allowlists:
    """Return the lists that inputs/destinations.csv and inputs/tiers.csv come to.

    `known` are the ids of the register's prisons.

    Raises
    ------
    InputError
        When a file is missing or has any fault, or an approval is over; all are listed.
    """
    paths = input_files(inputs)
    missing = [path.name for path in paths if not path.exists()]
    if missing:
        columns = "; ".join(f"{t.name}.csv: {', '.join(t.names)}" for t in (DESTINATIONS, TIERS))
        what = f"there is no {' and no '.join(missing)} in {inputs}"
        raise InputError(what, hint=f"write it with a heading: {columns}")
    destinations, tiers = (
        scan_table(path, table, today=today)
        for path, table in zip(paths, (DESTINATIONS, TIERS), strict=True)
    )
    problems = [*destinations.problems, *tiers.problems]
    for row in destinations.rows:
        problems += _destination_problems(row, known, today)
    named = {row.text("tier") for row in destinations.rows}
    for row in tiers.rows:
        problems += _place_problems(row, known, named)
    files = ", ".join(path.name for path in paths)
    require_sound(files, problems)
    return Allowlists(
        lists=tuple(_lists(destinations.rows)),
        places=tuple(sorted((row.text("place"), row.text("tier")) for row in tiers.rows)),
    )


def write_allowlists(path: Path, found: Allowlists) -> None:
    """Write allowlists.json; the same lists give the same bytes."""
    content = {
        "schema": SCHEMA,
        "lists": [
            {
                "prison": one.prison,
                "tier": one.tier,
                "expires_on": one.expires_on,
                "ways": [way.as_json() for way in one.ways],
            }
            for one in found.lists
        ],
        "places": [{"place": place, "tier": tier} for place, tier in found.places],
    }
    text = msgspec.json.format(msgspec.json.encode(content), indent=1).decode()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text + "\n")


def _lists(rows: Iterable[Row]) -> Iterator[Allowlist]:
    by_list: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_list.setdefault((row.text("tier"), row.text("prison_id")), []).append(row)
    for tier, prison in sorted(by_list):
        shared = by_list.get((tier, ""), []) if prison else []
        meant = [*shared, *by_list[tier, prison]]
        yield Allowlist(
            prison=prison,
            tier=tier,
            expires_on=min(row.text("expires_on") for row in meant),
            ways=tuple(sorted({_way(row) for row in meant})),
        )
    everywhere = {tier for tier, prison in by_list if not prison}
    for tier in sorted({tier for tier, _ in by_list} - everywhere):
        yield Allowlist(prison="", tier=tier, expires_on=date.max.isoformat(), ways=())


def _way(row: Row) -> Way:
    host = row.text("host")
    return Way(
        place=host or row.text("network"),
        protocol=row.text("protocol"),
        port=row.integer("port") or 0,
        by_name=bool(host),
    )


def _destination_problems(row: Row, known: Collection[str], today: date) -> Iterator[Problem]:
    prison, host, network = (row.text(name) for name in ("prison_id", "host", "network"))
    if prison and row.is_sound("prison_id") and prison not in known:
        what = f"the prison {prison!r} is unknown"
        yield row.problem(what, "give an id of the register", column="prison_id")
    if row.is_sound("host", "network") and bool(host) == bool(network):
        what = "it has both a host and a network" if host else "it has neither host nor network"
        yield row.problem(what, "give one of the two", column="host")
    if network and row.is_sound("network"):
        try:
            ip_network(network)
        except ValueError as error:
            yield row.problem(str(error), "give a network such as 203.0.113.0/24", column="network")
    if row.is_sound("expires_on"):
        yield from _expiry_problems(row, today)


def _expiry_problems(row: Row, today: date) -> Iterator[Problem]:
    text = row.text("expires_on")
    try:
        is_over = date.fromisoformat(text) < today
    except ValueError:
        yield row.problem(f"{text} is no day", "give one as 2027-11-01", column="expires_on")
        return
    if is_over:
        cure = "have it approved anew, or take the row out"
        yield row.problem(f"its approval ended on {text}", cure, column="expires_on")


def _place_problems(row: Row, known: Collection[str], named: Collection[str]) -> Iterator[Problem]:
    place, tier = row.text("place"), row.text("tier")
    prison = place.partition("/")[0]
    if row.is_sound("place") and prison != _WHOLE_ESTATE and not _is_known(prison, known):
        yield row.problem(f"{place!r} is in no prison of the register", "name one", column="place")
    if row.is_sound("tier") and tier not in named:
        cure = f"give one of {', '.join(sorted(named))}, or its destinations a row"
        yield row.problem(f"no destination is of tier {tier}", cure, column="tier")


def _is_known(prison: str, known: Collection[str]) -> bool:
    """Return whether a prison, or the one that a cell's location key begins with, is known."""
    return prison in known or any(prison.startswith(f"{one}-") for one in known)

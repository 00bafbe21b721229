"""Where devices may go: read from a file, written in one way, so that its hash names it.

A file is either one list, or what the estate half compiled: a list for each tier, of the estate or
of one prison, and the places that each tier is of.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import msgspec

from fleet.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from fleet.device import Device

SCHEMA = 1
_FIELDS = {"protocol", "port"}
_PORT_MAX = 65_535
# As devices have it (wingspan_firewall.py): lower case, and never a whole top-level domain.
_HOST = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}\Z"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The list of a device, as devices take it, and the tier that it is of."""

    tier: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowlists:
    """What the estate half compiled: lists by prison ("" for all others) and tier, and places."""

    name: str
    texts: Mapping[tuple[str, str], str]
    ends: Mapping[tuple[str, str], date]
    tiers: Mapping[str, str]

    def tier_of(self, device: Device) -> str:
        """Return the tier of the smallest place that a device is in, "" where it is in none."""
        prison, wing, landing = device.prison_id, device.wing, device.landing
        places = [
            device.cell,
            f"{prison}/{wing}/{device.spur}/{landing}" if device.spur else "",
            f"{prison}/{wing}/{landing}",
            f"{prison}/{wing}",
            prison,
            "estate" if prison else "",
        ]
        return next((self.tiers[place] for place in places if place in self.tiers), "")

    def list_of(self, device: Device) -> Chosen:
        """Return the list of a device.

        Raises
        ------
        InputError
            When its place has no tier, or an approval behind its list is over.
        """
        tier = self.tier_of(device)
        key = next((k for k in ((device.prison_id, tier), ("", tier)) if k in self.texts), None)
        if key is None:
            where = device.cell or "no cell"
            hint = "give its place a row in inputs/tiers.csv, then wingspan estate allowlists"
            raise InputError(f"{device.device} in {where} has no tier in {self.name}", hint=hint)
        if self.ends[key] < datetime.now(tz=UTC).date():
            what = f"an approval behind the list of tier {tier} ended on {self.ends[key]}"
            raise InputError(what, hint="have it approved anew, then wingspan estate allowlists")
        return Chosen(tier=tier, text=self.texts[key])

    def one_for(self, devices: Iterable[Device], *, tier: str = "") -> tuple[Chosen, list[Device]]:
        """Return the one list of some devices, and those that it is of; `tier` leaves others out.

        Raises
        ------
        InputError
            When the devices have more than one list between them, or none has the tier.
        """
        each = [(device, self.list_of(device)) for device in devices]
        meant = [(device, chosen) for device, chosen in each if tier in {"", chosen.tier}]
        if not meant:
            known = ", ".join(sorted({chosen.tier for _, chosen in each}))
            raise InputError(f"no device is of tier {tier}", hint=f"they are of {known}")
        lists = dict.fromkeys(chosen for _, chosen in meant)
        if len(lists) > 1:
            counts = Counter(chosen.tier for _, chosen in meant)
            shown = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
            hint = "name one with --tier; where prisons differ within one, name one prison"
            raise InputError(f"the devices are of more than one list: {shown}", hint=hint)
        return next(iter(lists)), [device for device, _ in meant]


class _List(msgspec.Struct, forbid_unknown_fields=True):
    prison: str
    tier: str
    expires_on: date
    ways: list[dict[str, Any]]


class _Place(msgspec.Struct, forbid_unknown_fields=True):
    place: str
    tier: str


class _Compiled(msgspec.Struct):
    schema: int
    lists: list[_List]
    places: list[_Place]


def read_allowlist(path: Path) -> str | Allowlists:
    """Return the list of a file as devices take it, sorted JSON, or the compiled lists.

    Raises
    ------
    InputError
        When the file is neither; every fault is listed.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot read {path}") from error
    except ValueError as error:
        problem = Problem(path.name, "", str(error), "write it as JSON in UTF-8")
        raise InputError(f"cannot read {path}", problems=[problem]) from error
    if isinstance(content, list):
        _refuse(path, _problems(path.name, content))
        return written(content)
    if isinstance(content, dict):
        return _compiled(path, content)
    problem = Problem(path.name, "", "it is no list", 'write [{"network": …}]')
    raise InputError(f"cannot read {path}", problems=[problem])


def written(ways: Iterable[Mapping[str, Any]]) -> str:
    """Return a list as devices take it: sorted JSON, each way once."""
    texts = {json.dumps(way, sort_keys=True, separators=(",", ":")): way for way in ways}
    ordered = sorted(texts, key=lambda text: _order(texts[text]))
    return f"[{','.join(ordered)}]"


def widens(before: str, after: str) -> bool:
    """Return whether a list lets a device go where the one before did not; devices judge alike."""
    return not _ways(after) <= _ways(before)


def common(before: str, after: str) -> str:
    """Return the ways that two lists share, as a list."""
    return written(json.loads(way) for way in _ways(before) & _ways(after))


def _ways(text: str) -> set[str]:
    return {json.dumps(way, sort_keys=True) for way in json.loads(text)}


def _order(way: Mapping[str, Any]) -> tuple[str, str, int]:
    return str(way.get("network") or way.get("host")), str(way["protocol"]), int(way["port"])


def _compiled(path: Path, content: dict[str, Any]) -> Allowlists:
    cure = "wingspan estate allowlists writes it"
    try:
        read = msgspec.convert(content, _Compiled)
    except msgspec.ValidationError as error:
        problem = Problem(path.name, "", str(error), cure)
        raise InputError(f"cannot read {path}", problems=[problem]) from error
    if read.schema != SCHEMA:
        raise InputError(f"{path} has schema {read.schema}, not {SCHEMA}", hint=cure)
    problems = [
        problem
        for one in read.lists
        for problem in _problems(f"{path.name}, {one.prison or 'estate'} {one.tier}", one.ways)
    ]
    _refuse(path, problems)
    return Allowlists(
        name=path.name,
        texts={(one.prison, one.tier): written(one.ways) for one in read.lists},
        ends={(one.prison, one.tier): one.expires_on for one in read.lists},
        tiers={one.place: one.tier for one in read.places},
    )


def _refuse(path: Path, problems: list[Problem]) -> None:
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{count} in {path.name}", problems=problems)


def _problems(name: str, ways: Iterable[Any]) -> list[Problem]:
    return [
        Problem(name, f"entry {number}", what, cure)
        for number, way in enumerate(ways, start=1)
        for what, cure in _faults(way)
    ]


def _faults(way: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(way, dict) or set(way) not in (_FIELDS | {"network"}, _FIELDS | {"host"}):
        yield f"it is {way!r}", "give network or host, protocol and port, and nothing else"
        return
    yield from _place_faults(way)
    if way["protocol"] not in {"tcp", "udp"}:
        yield f"protocol is {way['protocol']!r}", "give tcp or udp"
    port = way["port"]
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port <= _PORT_MAX:
        yield f"port is {port!r}", f"give a number from 1 to {_PORT_MAX:,}"


def _place_faults(way: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "host" in way:
        host = way["host"]
        if not isinstance(host, str) or not _HOST.match(host):
            yield f"host is {host!r}", "give a name in lower case such as www.example.org"
        return
    try:
        ip_network(way["network"])
    except (TypeError, ValueError) as error:
        yield str(error), "give a network such as 203.0.113.0/24"

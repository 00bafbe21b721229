"""Devices as an inventory wants them: addresses, pinned keys, and groups that SQL works out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Select, func, literal, select

from fleet.errors import InputError
from fleet.registry.selection import located, refuse_unknown, within
from fleet.registry.tables import DeviceRow, ElementRow, LocationRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fleet.scope import Scope

# Each kind of group with the columns that make one; a landing is named with its spur, if any.
KINDS: Final = {
    "prison": ("prison_id",),
    "wing": ("prison_id", "wing"),
    "landing": ("prison_id", "wing", "spur", "landing"),
    "model": ("model",),
    "ring": ("ring",),
    "version": ("version",),
    "switch": ("switch",),
    "access_point": ("access_point",),
}
# A landing's devices are its wing's as well, and so on: what is inside what.
_INSIDE: Final = {"landing": "wing", "wing": "prison"}
_SERVING: Final = ("access_point", "switch")

_ROWS = 1000
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A device of an inventory; `groups` are the innermost that it is in."""

    device: str
    address: str
    port: int
    host_key: str
    groups: tuple[str, ...]


def inventory_of(
    connection: Connection, scope: Scope, kinds: Iterable[str], *, parents: dict[str, str]
) -> Iterator[Listed]:
    """Yield the devices of a scope with their groups of some kinds, see `KINDS`.

    One at a time, because of all 90,000 of an estate a list would weigh as much as Ansible's own.
    Before a device is yielded, `parents` holds which group is inside which, for its groups.

    Raises
    ------
    InputError
        When the scope names what is not there, or two groups would have one name.
    """
    refuse_unknown(connection, scope)
    wanted = [kind for kind in KINDS if kind in set(kinds)]
    serving = _serving(connection, scope) if set(wanted) & set(_SERVING) else {}
    naming = _Naming(wanted, parents)
    few_at_a_time = {"yield_per": _ROWS}
    with connection.execute(_rows(scope), execution_options=few_at_a_time) as rows:
        for row in rows:
            device, address, port, host_key, element, *values = row
            groups = naming.groups(*values, *serving.get(element, ("", "")))
            yield Listed(
                device=device, address=address, port=port, host_key=host_key, groups=groups
            )


_VALUES = ("prison_id", "wing", "spur", "landing", "model", "ring", "version")


def _rows(scope: Scope) -> Select[Any]:
    places = [func.coalesce(getattr(LocationRow, name), "") for name in ("element", *_VALUES[:4])]
    columns: tuple[Any, ...] = (
        DeviceRow.device,
        DeviceRow.address,
        DeviceRow.port,
        DeviceRow.host_key,
        *places,
        DeviceRow.model,
        DeviceRow.ring,
        DeviceRow.version,
    )
    return located(select(*columns)).where(within(scope)).order_by(DeviceRow.device)


def _serving(connection: Connection, scope: Scope) -> dict[str, tuple[str, str]]:
    """Return for each element that serves cells of a scope the nearest switch and access point."""
    used: Select[Any] = select(LocationRow.element).distinct().select_from(DeviceRow)
    used = used.join(LocationRow, LocationRow.cell == DeviceRow.cell).where(within(scope))
    e = ElementRow
    start = select(
        e.id.label("element"), e.id.label("above"), e.kind, e.parent, literal(0).label("steps")
    ).where(e.id.in_(used))
    up = start.cte("up", recursive=True)
    step = select(up.c.element, e.id, e.kind, e.parent, up.c.steps + 1)
    up = up.union_all(step.join(e, e.id == up.c.parent))
    found = select(up.c.element, up.c.kind, up.c.above).where(up.c.kind.in_(_SERVING))
    nearest: dict[str, dict[str, str]] = {}
    for element, kind, above in connection.execute(found.order_by(up.c.steps)):
        nearest.setdefault(element, {}).setdefault(kind, above)
    return {
        element: (by_kind.get("switch", ""), by_kind.get("access_point", ""))
        for element, by_kind in nearest.items()
    }


class _Naming:
    """Names of groups; each set of values is worked out once."""

    def __init__(self, kinds: Iterable[str], parents: dict[str, str]) -> None:
        self._parents = parents
        self._kinds = tuple(kinds)
        self._meaning: dict[str, tuple[str, ...]] = {}
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def groups(self, *values: str) -> tuple[str, ...]:
        """Return the innermost groups of a device with these values, in the order of `_VALUES`."""
        found = self._known.get(values)
        if found is None:
            found = self._known[values] = self._name(dict(zip(_ALL, values, strict=True)))
        return found

    def _name(self, values: dict[str, str]) -> tuple[str, ...]:
        named: dict[str, str] = {}
        for kind in self._kinds:
            parts = tuple(values[column] for column in KINDS[kind])
            if parts[-1]:
                named[kind] = self._group(kind, tuple(part for part in parts if part))
        inner = dict(named)
        for kind, name in named.items():
            outer = _INSIDE.get(kind)
            while outer and outer not in named:
                outer = _INSIDE.get(outer)
            if outer:
                self._parents[name] = named[outer]
                inner.pop(outer, None)
        return tuple(inner.values())

    def _group(self, kind: str, parts: tuple[str, ...]) -> str:
        name = _NOT_IN_A_NAME.sub("_", "_".join((kind, *parts)))
        if self._meaning.setdefault(name, parts) != parts:
            what = f"{'/'.join(parts)} and {'/'.join(self._meaning[name])} would both be {name}"
            raise InputError(what, hint="name them so that they differ in letters or digits")
        return name


_ALL = (*_VALUES, "switch", "access_point")

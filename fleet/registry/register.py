"""The registry as the rest of the fleet uses it."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Engine, func, select

from fleet.device import DeviceState, NewDevice, is_address, is_port, is_word, pinned_key
from fleet.errors import HostKeyChangedError, InputError, RefusedError
from fleet.registry import database
from fleet.registry.changes import (
    Change,
    Reason,
    add_devices,
    change_devices,
    chunks,
    locked,
    note,
)
from fleet.registry.facts import Fact, facts_of, forget_facts, past_facts_of, said, store_facts
from fleet.registry.places import replace_places
from fleet.registry.selection import (
    device_of,
    located,
    refuse_unknown,
    refuse_unknown_cells,
    select_devices,
    within,
)
from fleet.registry.tables import DeviceRow, HistoryRow, LocationRow
from fleet.scope import Scope, near

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from fleet.device import Device
    from fleet.topology import Topology

_NONCE_BYTES = 16
_ESTATE = Scope()


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that is open; `with` closes it. Threads may share it."""

    engine: Engine

    @classmethod
    def create(cls, url: str) -> Self:
        """Make the registry at a SQLAlchemy URL, or open the one that is there.

        Raises
        ------
        InputError
            When the database does not answer, or holds a newer registry.
        """
        with _opening(url) as engine:
            file = engine.url.database
            if engine.dialect.name == "sqlite" and file:
                Path(file).parent.mkdir(parents=True, exist_ok=True)
                Path(file).touch(mode=0o600)
            database.migrate(engine)
            return cls(engine)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the registry at a SQLAlchemy URL, brought up to date where it is older.

        Raises
        ------
        InputError
            When there is none, the database does not answer, or a newer program made it.
        """
        with _opening(url) as engine:
            revision = database.revision_of(engine)
            if revision is None:
                there = cls(engine).address
                raise InputError(f"there is no registry in {there}", hint="wingspan fleet init")
            if revision != database.revision_here():
                database.migrate(engine)
            return cls(engine)

    @property
    def address(self) -> str:
        """Return where the registry is, without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def reading(self) -> AbstractContextManager[Connection]:
        """Return a block with a connection that sees one state throughout."""
        return database.reading(self.engine)

    def writing(self) -> AbstractContextManager[Connection]:
        """Return a block with a connection whose changes are kept together, or not at all."""
        return database.writing(self.engine)

    def alone(self, name: str) -> AbstractContextManager[bool]:
        """Return a block that knows whether nobody else holds a name, and holds it if so."""
        return database.alone(self.engine, name)

    def devices(self, scope: Scope = _ESTATE, *, some: bool = False) -> list[Device]:
        """Return the devices of a scope in the order of their names.

        Raises
        ------
        InputError
            When the scope names a place or device that is not there, or with `some` when
            nothing matches.
        """
        with self.reading() as connection:
            refuse_unknown(connection, scope)
            rows = connection.execute(select_devices().where(within(scope)))
            devices = sorted((device_of(row) for row in rows), key=lambda found: found.device)
        if some and not devices:
            hint = "wingspan fleet list shows what there is, wingspan fleet enrol brings devices in"
            raise InputError(f"no device is in the scope {scope}", hint=hint)
        return devices

    def count(self, scope: Scope = _ESTATE) -> int:
        """Return how many devices are in a scope."""
        with self.reading() as connection:
            refuse_unknown(connection, scope)
            query = located(select(func.count())).where(within(scope))
            return connection.scalar(query) or 0

    def device(self, name: str) -> Device:
        """Return a device by its name.

        Raises
        ------
        InputError
            When there is none; it names those that look alike.
        """
        with self.reading() as connection:
            row = connection.execute(select_devices().where(DeviceRow.device == name)).first()
            if row is not None:
                return device_of(row)
            hint = near(name, connection.scalars(select(DeviceRow.device)))
        raise InputError(f"there is no device {name}", hint=hint or "wingspan fleet list")

    def named(self, names: Iterable[str]) -> dict[str, Device]:
        """Return devices by their names; absent ones are left out."""
        found = {}
        with self.reading() as connection:
            for chunk in chunks(sorted(set(names))):
                rows = connection.execute(select_devices().where(DeviceRow.device.in_(chunk)))
                found.update({row.device: device_of(row) for row in rows})
        return found

    def by_serial(self, serials: Iterable[str]) -> dict[str, Device]:
        """Return the devices with these serial numbers; absent ones are left out."""
        found = {}
        with self.reading() as connection:
            for chunk in chunks(sorted(set(serials))):
                rows = connection.execute(select_devices().where(DeviceRow.serial.in_(chunk)))
                found.update({row.serial: device_of(row) for row in rows})
        return found

    def placed(self, device: Device, cell: str) -> Device:
        """Return a device as it would be in a cell; its place is "" where no topology says.

        Raises
        ------
        InputError
            When the topology has no such cell.
        """
        with self.reading() as connection:
            refuse_unknown_cells(connection, [cell])
            found = connection.execute(
                select(LocationRow.__table__).where(LocationRow.cell == cell)
            ).one_or_none()
        nowhere = dict.fromkeys(("prison_id", "wing", "spur", "landing", "element"), "")
        place = found._asdict() if found else {"cell": cell, **nowhere}
        placed: Device = replace(device, **place)
        return placed

    def history(self, device: str) -> list[Change]:
        """Return every change of a device, oldest first."""
        columns = [column for column in HistoryRow.__table__.columns if column.name != "id"]
        query = select(*columns).where(HistoryRow.device == device).order_by(HistoryRow.id)
        with self.reading() as connection:
            return [Change(**row._asdict()) for row in connection.execute(query)]

    def add(self, new: Sequence[NewDevice], *, by: str, why: str) -> list[str]:
        """Add devices as spares in one step; return their names in the order given.

        Raises
        ------
        InputError
            When any of them has a fault, is there already, or its cell is not; nothing is added.
        """
        reason = Reason.now(by=by, why=why)
        with self.writing() as connection:
            refuse_unknown_cells(connection, (device.cell for device in new))
            return add_devices(connection, new, reason)

    def enrol(self, device: str, host_key: str, *, by: str, why: str, nonce: str = "") -> Device:
        """Pin a host key and begin a provisioning: a new nonce, and state enrolled.

        A key once pinned, be it by a list before first contact, stays until the device is a spare
        again.

        Raises
        ------
        HostKeyChangedError
            When the device has another key.
        """
        reason = Reason.now(by=by, why=why)
        key = pinned_key(host_key)
        with self.writing() as connection:
            row = locked(connection, [device])[device]
            if row.host_key not in {"", key}:
                hint = f"see who answers there; wingspan fleet show {device} tells its history"
                raise HostKeyChangedError(f"{device} is pinned to another host key", hint=hint)
            fields = {
                "host_key": key,
                "nonce": nonce or secrets.token_hex(_NONCE_BYTES),
                "state": DeviceState.ENROLLED,
            }
            change_devices(connection, {device: fields}, reason)
        return self.device(device)

    def set_state(self, device: str, state: DeviceState, *, by: str, why: str) -> None:
        """Change the state of a device; see `set_states`."""
        self.set_states([device], state, by=by, why=why)

    def set_states(self, devices: Iterable[str], state: DeviceState, *, by: str, why: str) -> None:
        """Change the state of devices, all or none.

        A retired device leaves its cell; one that becomes a spare again, its key too.

        Raises
        ------
        RefusedError
            When the state cannot follow that of one of them.
        """
        reason = Reason.now(by=by, why=why)
        fields: dict[str, Any] = {"state": state, **_LEFT_BEHIND.get(state, {})}
        with self.writing() as connection:
            change_devices(connection, dict.fromkeys(devices, fields), reason)

    def move(self, device: str, cell: str, *, by: str, why: str) -> Device:
        """Put a device in a cell, or in none with ""; return it as it is then.

        Raises
        ------
        InputError
            When the topology has no such cell.
        RefusedError
            When the device is retired.
        """
        reason = Reason.now(by=by, why=why)
        with self.writing() as connection:
            refuse_unknown_cells(connection, [cell])
            if locked(connection, [device])[device].state is DeviceState.RETIRED:
                raise RefusedError(f"{device} is retired", hint="add a new device for the cell")
            change_devices(connection, {device: {"cell": cell}}, reason)
        return self.device(device)

    def replace(self, old: str, new: str, *, by: str, why: str) -> Device:
        """Put a device in the cell of another, which is left without; return the new one."""
        reason = Reason.now(by=by, why=why)
        with self.writing() as connection:
            cell = locked(connection, [old, new])[old].cell
            change_devices(connection, {old: {"cell": ""}, new: {"cell": cell}}, reason)
            note(connection, old, "replaced_by", ("", new), reason)
            note(connection, new, "replaces", ("", old), reason)
        return self.device(new)

    def set_ring(self, devices: Iterable[str], ring: str, *, by: str, why: str) -> None:
        """Put devices in a ring of updates, or in none with ""."""
        self._observe({device: {"ring": ring} for device in devices}, by=by, why=why)

    def record_address(
        self, device: str, address: str, *, port: int = 22, source: str, by: str
    ) -> None:
        """Record where a device was met; the source is a reservation, a lease or a list."""
        self.record_addresses({device: (address, port)}, source=source, by=by)

    def record_addresses(
        self, addresses: Mapping[str, tuple[str, int]], *, source: str, by: str
    ) -> None:
        """Record where devices were met: address and port of each.

        Raises
        ------
        InputError
            When one is neither an IP address nor a host name, or no port.
        """
        for device, (address, port) in addresses.items():
            if not (is_address(address) and is_port(port)):
                hint = "give an IP address or a host name, and a port"
                raise InputError(f"{device} cannot be at {address!r} port {port}", hint=hint)
        wanted = {
            device: {"address": address, "port": port}
            for device, (address, port) in addresses.items()
        }
        self._observe(wanted, by=by, why=source)

    def record_observed(
        self, observed: Mapping[str, Mapping[str, str]], *, source: str, by: str
    ) -> None:
        """Record the `version`, `model` or `key_exchange` that devices were found to have."""
        unknown = {field for fields in observed.values() for field in fields} - _OBSERVED
        if unknown:
            raise ValueError(f"not observed: {', '.join(sorted(unknown))}")
        self._observe(observed, by=by, why=source)

    def record_facts(self, reports: Mapping[str, Mapping[str, Any]], *, at: datetime) -> None:
        """Store what devices said of themselves; see `fleet.registry.facts.store_facts`."""
        with self.writing() as connection:
            store_facts(connection, reports, at)

    def said(self, name: str) -> dict[str, Any]:
        """Return what each device last said under a name; who said nothing is left out."""
        with self.reading() as connection:
            return said(connection, name)

    def facts(self, device: str) -> list[Fact]:
        """Return what a device last said of itself, by name."""
        with self.reading() as connection:
            return facts_of(connection, device)

    def past_facts(self, device: str, name: str) -> list[Fact]:
        """Return what a device said before under a name, oldest first."""
        with self.reading() as connection:
            return past_facts_of(connection, device, name)

    def forget(self, *, facts_days: int, now: datetime | None = None) -> int:
        """Delete past facts older than the policy keeps them; return how many rows went."""
        before = (now or datetime.now(UTC)) - timedelta(days=facts_days)
        with self.writing() as connection:
            return forget_facts(connection, before=before)

    def load_locations(self, topology: Topology) -> tuple[str, ...]:
        """Take over a topology's cells and elements; return cells with devices it leaves out."""
        with self.writing() as connection:
            return replace_places(connection, topology)

    def _observe(self, wanted: Mapping[str, Mapping[str, Any]], *, by: str, why: str) -> None:
        for device, fields in wanted.items():
            for field in _WORDS & set(fields):
                if fields[field] and not is_word(fields[field]):
                    hint = "use letters, digits, dot, dash and underscore"
                    raise InputError(f"{device} has {field} {fields[field]!r}", hint=hint)
        reason = Reason.now(by=by, why=why)
        with self.writing() as connection:
            change_devices(connection, wanted, reason)


@contextmanager
def _opening(url: str) -> Iterator[Engine]:
    """Yield an engine that is let go when it cannot be used."""
    engine = database.engine_of(url)
    try:
        yield engine
    except BaseException:
        engine.dispose()
        raise


_LEFT_BEHIND = {
    DeviceState.RETIRED: {"cell": ""},
    DeviceState.SPARE: {"host_key": "", "nonce": ""},
}
_OBSERVED = {"version", "model", "key_exchange"}
_WORDS = {"version", "model", "ring"}

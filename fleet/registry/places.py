"""Cells and the network in the registry, taken over from a topology."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select, text

from fleet.registry.database import count_anew
from fleet.registry.tables import DeviceRow, ElementRow, LocationRow

if TYPE_CHECKING:
    from fleet.topology import Topology


def replace_places(connection: Connection, topology: Topology) -> tuple[str, ...]:
    """Put a topology's cells and elements in the place of those known before.

    A cell that has a device stays where it was, though the topology no longer has it, and then
    nothing serves it. Return such cells.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE locations, elements IN SHARE ROW EXCLUSIVE MODE"))
    named = {served.cell for served in topology.cells}
    held = select(LocationRow).join(DeviceRow, DeviceRow.cell == LocationRow.cell).distinct()
    left = [
        row._asdict() | {"element": ""} for row in connection.execute(held) if row.cell not in named
    ]
    connection.execute(delete(LocationRow))
    connection.execute(delete(ElementRow))
    elements = [
        {
            "id": element.id,
            "kind": element.kind,
            "parent": element.parent,
            "prison_id": element.prison_id,
            "wing": element.wing,
        }
        for element in topology.elements
    ]
    cells = [
        {
            "cell": served.cell,
            # What serves a cell stands in its prison and, below the core, in its wing.
            "prison_id": served.prison_id or topology.by_id[served.element].prison_id,
            "wing": served.wing or topology.by_id[served.element].wing,
            "spur": served.spur,
            "landing": served.landing,
            "element": served.element,
        }
        for served in topology.cells
    ]
    if elements:
        connection.execute(insert(ElementRow), elements)
    if cells or left:
        connection.execute(insert(LocationRow), [*cells, *left])
        count_anew(connection, LocationRow, added=len(cells))
    return tuple(sorted(row["cell"] for row in left))

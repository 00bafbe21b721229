"""Whether access points may pay at all, from one landing of a wing before the whole is traced."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from estate.cabling.options import Option
from estate.model import Network
from estate.radio.candidates import candidates_of
from estate.radio.serving import reach_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estate.cabling.solution import Solution
    from estate.catalogue import Catalogue

_ROUNDING = 1e-9
_KINDS = {Option.CELL_ACCESS_POINTS: "cell", Option.LANDING_ACCESS_POINTS: "landing"}


def dear_access_points(
    wired: Solution, wings: Iterable[tuple[Network, float]]
) -> dict[Option, str]:
    """Return why each kind of access point is too dear, for those kinds that are.

    That is where an access point with its outlet, port and replacements costs more for each of
    the most cells that any place on the middle landing serves than the whole wired wing costs a
    cell. Cables and containment of access points are not even counted. `wings` are the network of
    each wing and the height of its storeys in metres; of several the one counts in which places
    serve the most.
    """
    wing = wired.joint.wing
    catalogue = wing.catalogue
    found = [_cells_at_most(network, height_m, catalogue) for network, height_m in wings]
    most = {kind: max(each[kind] for each in found) for kind in _KINDS.values()}
    port_gbp = catalogue.unit_gbp("switch_48_poe") / wired.joint.ports_per_switch
    point_gbp = catalogue.unit_gbp("access_point") + catalogue.unit_gbp("outlet_cat6a") + port_gbp
    wired_gbp = wired.cost_gbp / len(wing.cells)
    return {
        option: (
            f"serves {_cells(most[kind])} at most from any place on the middle landing: "
            f"£{point_gbp / max(1, most[kind]):,.0f} a cell before cables, where the wired wing "
            f"costs £{wired_gbp:,.0f}"
        )
        for option, kind in _KINDS.items()
        if point_gbp >= wired_gbp * most[kind]
    }


def _cells_at_most(
    network: Network, storey_height_m: float, catalogue: Catalogue
) -> dict[str, int]:
    floors = sorted({space.floor for space in network.spaces if space.kind == "cell"})
    landing = _only(network, floors[len(floors) // 2])
    assumptions = catalogue.assumptions
    candidates = candidates_of(landing, height_m=assumptions["radio_access_point_height_m"].likely)
    reach = reach_of(
        landing,
        candidates,
        storey_height_m=storey_height_m,
        assumptions=assumptions,
    )
    loads = reach.loads["likely"]
    most = dict.fromkeys(_KINDS.values(), 0)
    for row, candidate in enumerate(candidates):
        stored = loads.data[loads.indptr[row] : loads.indptr[row + 1]]
        most[candidate.kind] = max(most[candidate.kind], _at_most(stored.tolist()))
    return most


def _cells(count: int) -> str:
    return {0: "no cell", 1: "one cell"}.get(count, f"{count} cells")


def _at_most(loads: Iterable[float]) -> int:
    """Return the most cells that one access point serves at once: those of the smallest loads."""
    left, count = 1.0 + _ROUNDING, 0
    for load in sorted(loads):
        left -= load
        if left < 0:
            break
        count += 1
    return count


def _only(network: Network, floor: int) -> Network:
    """Return the fabric of one floor, as the lowest."""
    return Network(
        spaces=tuple(replace(space, floor=0) for space in network.spaces if space.floor == floor),
        walls=tuple(replace(wall, floor=0) for wall in network.walls if wall.floor == floor),
        doors=tuple(replace(door, floor=0) for door in network.doors if door.floor == floor),
    )

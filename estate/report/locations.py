"""The custodial and the physical tree of a surveyed prison, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estate.hierarchy import custodial_tree, joins, physical_tree
from reports.document import Column, Table

if TYPE_CHECKING:
    import networkx as nx

    from estate.plan import Plan, SitePlan


def locations_of(plan: Plan, site: SitePlan) -> Table | None:
    """Return where each landing and its cells are in the building, None without a survey.

    A landing is usually part of one floor; where a survey has it on several, all are named.
    """
    wings = {
        wing_plan.wing.wing: plan.networks[wing_plan.design]
        for wing_plan in site.wings
        if wing_plan.design in plan.networks
    }
    if not wings:
        return None
    prison_id = site.prison.prison_id
    custodial, physical = custodial_tree(prison_id, wings), physical_tree(prison_id, wings)
    space_of = dict(joins(wings))
    rows = []
    for parent in (key for key in custodial if _has_cells(custodial, key)):
        cells = sorted(key for key in custodial[parent] if _is_cell(custodial, key))
        floors = sorted({_above(physical, space_of[cell]) for cell in cells})
        buildings = sorted({_above(physical, floor) for floor in floors})
        rows.append(
            (
                parent,
                str(custodial.nodes[parent]["level"]),
                len(cells),
                f"{cells[0].removeprefix(parent)[1:]} to {cells[-1].removeprefix(parent)[1:]}",
                ", ".join(str(physical.nodes[building]["code"]) for building in buildings),
                ", ".join(str(physical.nodes[floor]["code"]) for floor in floors),
                sum(len(physical[floor]) for floor in floors),
            )
        )
    return Table(
        caption="Where locations are: HMPPS's tree beside the building's",
        columns=(
            Column(heading="Location", help="Key in the HMPPS locations service"),
            Column(heading="Level"),
            Column(heading="Cells", kind="integer"),
            Column(heading="Codes"),
            Column(heading="Building", help="A wing whose building has no other name is its own"),
            Column(heading="Floor", help="Floors with cells, 0 for the lowest"),
            Column(heading="Spaces on it", kind="integer", help="Cells, landings and other rooms"),
        ),
        rows=tuple(rows),
        note="Each cell's own space is in the layer spaces of the GeoPackage, by location_key.",
    )


def _has_cells(tree: nx.DiGraph[str], key: str) -> bool:
    return any(_is_cell(tree, below) for below in tree[key])


def _is_cell(tree: nx.DiGraph[str], key: str) -> bool:
    return bool(tree.nodes[key]["level"] == "cell")


def _above(tree: nx.DiGraph[str], name: str) -> str:
    return next(iter(tree.predecessors(name)))

"""Single points of failure of a prison or wing, the largest first, each with its best cure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import networkx as nx

from estate.catalogue import Assumptions, Catalogue
from estate.estimate import Money
from estate.resilience import second_ways, site
from estate.resilience.dependence import Loss
from estate.resilience.second_ways import Pricing, built, cheapest, single_cures
from estate.resilience.site import SecondWay, WingWays

if TYPE_CHECKING:
    from estate.plan import Plan, SitePlan

RULES = (*site.RULES, *second_ways.RULES)

_DRAWN = frozenset({"duct", "chamber"})
_INCURABLE = {
    "duct": "no second way is drawn",
    "chamber": "no second way is drawn",
    "comms_room": "no second room is priced",
    "distributor": "its cells have one cable each; a spare cabinet only shortens the loss",
    "switch": "its cells have one cable each; a spare switch only shortens the loss",
    "access_point": "its cells are planned on this one; a spare only shortens the loss",
    "splitter": "its cells have one fibre each",
    "span": "cables to cells have one way",
    "riser": "cables to cells have one way",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """A second way, and the cells that it takes from the largest loss that it mends."""

    way: SecondWay
    saved: Mapping[str, int] = field(repr=False)

    @property
    def cells_saved(self) -> int:
        """Return the most cells that one failure would no longer take."""
        return max(self.saved.values(), default=0)

    def as_json(self) -> dict[str, Any]:
        """Return the extra with its lines, as JSON shows it."""
        return {
            "extra": self.way.id,
            "label": self.way.label,
            "cells_saved": self.cells_saved,
            "whole_life_cost_gbp": self.way.cost_gbp.as_json(),
            "lines": [
                {
                    "item": line.item,
                    "phase": str(line.phase),
                    "quantity": line.quantity.likely,
                    "unit": line.unit,
                    "cost_gbp": line.cost_gbp.as_json(),
                    "basis": line.basis,
                }
                for line in self.way.lines
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SinglePoint:
    """What one failure takes away; `cure` takes most of it back, None where nothing does."""

    loss: Loss
    cure: Extra | None
    cells_saved: int

    @property
    def without_cure(self) -> str:
        """Return why nothing cures it, "" where something does."""
        return "" if self.cure else _INCURABLE[self.loss.kind]

    def as_json(self) -> dict[str, Any]:
        """Return the point with its cure by name and price."""
        cure = self.cure and {
            "extra": self.cure.way.id,
            "label": self.cure.way.label,
            "cells_saved": self.cells_saved,
            "whole_life_cost_gbp": self.cure.way.cost_gbp.as_json(),
        }
        return {
            "kind": self.loss.kind,
            "wing": self.loss.wing,
            "elements": list(self.loss.parts),
            "cells_lost": self.loss.cells,
            "cure": cure,
            "without_cure": self.without_cure,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """The single points of failure, and the second ways with which no route is alone."""

    points: tuple[SinglePoint, ...]
    second_routes: tuple[Extra, ...]

    @property
    def cost_gbp(self) -> Money:
        """Return what all second routes cost together; it is in no total of a bill."""
        return Money.total(extra.way.cost_gbp for extra in self.second_routes)

    def as_json(self) -> dict[str, Any]:
        """Return everything, marked as what it is."""
        return {
            "sensitive": True,
            "single_points_of_failure": [point.as_json() for point in self.points],
            "second_routes": [extra.as_json() for extra in self.second_routes],
            "second_routes_gbp": self.cost_gbp.as_json(),
            "second_routes_rules": list(RULES),
        }


def failures_of(plan: Plan, prison: SitePlan, wing_code: str = "") -> Failures:
    """Return the single points of failure of a prison, or those that one wing has or hangs from.

    Cells are those of the whole prison either way.
    """
    prison_id = prison.prison.prison_id
    wings = site.wings_of(plan, prison)
    catalogue = Catalogue(
        rates={rate.item: rate for rate in plan.rates},
        assumptions=Assumptions({a.key: a for a in plan.assumptions}),
        appraisal_years=plan.appraisal_years,
    )
    pricing = Pricing(catalogue=catalogue)
    standing = built(prison_id, wings, pricing) if plan.backbone_ways > 1 else []
    place = _Place(prison_id=prison_id, wings=wings, standing=standing)
    cures = [place.with_way(way) for way in single_cures(prison_id, wings, pricing)]
    mends: defaultdict[str, list[Extra]] = defaultdict(list)
    for extra in cures:
        for part in extra.saved:
            mends[part].append(extra)
    losses = site.dependencies(prison_id, wings, standing).losses()
    hangs = _hanging(prison_id, wings, standing, wing_code)
    chosen = [place.with_way(way) for way in cheapest(prison_id, wings, pricing, standing)]
    return Failures(
        points=tuple(
            _point(loss, mends)
            for loss in losses
            if not wing_code or _is_of(loss, wing_code) or any(map(hangs.get, loss.parts))
        ),
        second_routes=tuple(
            sorted(
                (
                    e
                    for e in chosen
                    if not wing_code or wing_code in e.way.wings or _mends(e, hangs)
                ),
                key=lambda extra: (-extra.cells_saved, extra.way.id),
            )
        ),
    )


def _is_of(loss: Loss, code: str) -> bool:
    """Return whether something is a wing's, or serves the whole prison as drawn ducts do not."""
    return loss.wing == code or (not loss.wing and loss.kind not in _DRAWN)


def _hanging(
    prison_id: str, wings: Sequence[WingWays], standing: Sequence[SecondWay], code: str
) -> Mapping[str, int]:
    """Return what a wing's cells hang from where that is not its own alone, else nothing.

    That is a wing that was designed as one with others, or is led to by drawn ducts.
    """
    if not any(wing.code == code and (wing.others or wing.joined) for wing in wings):
        return {}
    own = [wing.serving(code) for wing in wings]
    return site.dependencies(prison_id, own, standing).cells_lost()


def _mends(extra: Extra, hangs: Mapping[str, int]) -> bool:
    """Return whether a second way takes cells from what these hang from."""
    return any(hangs.get(part) for part in extra.saved)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A prison with the second ways that its plan has."""

    prison_id: str
    wings: Sequence[WingWays]
    standing: Sequence[SecondWay]

    def with_way(self, way: SecondWay) -> Extra:
        """Return a second way with what each failure takes less.

        Wings that neither feed those that gain nor are fed by them are as they were.
        """
        feeds: nx.Graph[str] = nx.Graph(
            (wing.code, room) for wing in self.wings for room in (wing.room.id, *wing.rooms)
        )
        fed = frozenset().union(*(nx.node_connected_component(feeds, code) for code in way.wings))
        within = [wing for wing in self.wings if wing.code in fed]
        had = [other for other in self.standing if set(other.wings) & set(way.wings)]
        before = site.dependencies(self.prison_id, within, had).cells_lost()
        after = site.dependencies(self.prison_id, within, [*had, way]).cells_lost()
        saved = {part: cells - after.get(part, 0) for part, cells in before.items()}
        return Extra(way=way, saved={part: cells for part, cells in saved.items() if cells > 0})


def _point(loss: Loss, mends: Mapping[str, Sequence[Extra]]) -> SinglePoint:
    """Return a loss with the extra that takes most of it back, the cheapest of several."""

    def saved(extra: Extra) -> int:
        return min(extra.saved.get(part, 0) for part in loss.parts)

    found = [extra for extra in mends.get(loss.parts[0], ()) if saved(extra)]
    best = min(found, key=lambda e: (-saved(e), e.way.cost_gbp.likely, e.way.id), default=None)
    return SinglePoint(loss=loss, cure=best, cells_saved=saved(best) if best else 0)

"""Where a design is dearer than by the first rules: what these broke, and what the money buys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, fsum, isfinite
from typing import TYPE_CHECKING

from estate.cabling.options import LABELS, Option
from estate.cabling.points import heard_best
from estate.cabling.rules import switches_per_cabinet
from estate.cabling.trunk import walked
from estate.cabling.values import Dearer, ItemDifference, pounds
from estate.cabling.wing import WingProblem
from estate.radio.candidates import Candidate
from estate.radio.serving import Reach

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

    from estate.cabling.by_rule import ByRule
    from estate.cabling.solution import Solution

_LEAST_GBP = 0.005  # Less is rounding.


@dataclass(frozen=True, kw_only=True, eq=False)
class RadioAtHand:
    """What a wing's radio reaches, with the noise that a design has to bear where `is_noisy`.

    Without a reach no access point was tried, and `too_dear` says why.
    """

    candidates: Sequence[Candidate] = ()
    reach: Reach | None = None
    is_noisy: bool = False
    too_dear: Mapping[Option, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Taken:
    """What a design takes of one wing, which `wing` is alone: all items, and their likely cost.

    `holes` are those on the routes.
    """

    wing: WingProblem
    items: Mapping[str, float]
    holes: int

    @classmethod
    def of(cls, solution: Solution, number: int = 0, alone: WingProblem | None = None) -> Taken:
        """Return what a solution takes of the wing of that number."""
        joint, problem = solution.joint, solution.joint.wing
        ways = problem.containment.ways
        own = [w for w in solution.built if problem.wing_of_floor(ways[w].span.floor) == number]
        return cls(
            wing=alone or problem,
            items=solution.items_of(number),
            holes=int(joint.works(own).get("core_drill", 0)),
        )

    @property
    def cost_gbp(self) -> float:
        """Return the likely whole-life cost in pounds."""
        catalogue = self.wing.catalogue
        return fsum(n * catalogue.unit_gbp(item) for item, n in self.items.items())


def dearer(
    ruled: ByRule, solution: Solution, radio: RadioAtHand, taken: Taken | None = None
) -> Dearer | None:
    """Return why a design costs more than by rule, None where it does not.

    `taken` is what it takes of one wing, where it is that of several.

    What the rules would have built is held against the rules of the design. Their access points
    get the best places that a greedy search finds: each next one where it serves the most cells
    that are left.
    """
    taken = taken or Taken.of(solution)
    if taken.cost_gbp <= ruled.cost_gbp:
        return None
    wing = taken.wing
    broken = (
        *_unserved(ruled, wing, radio),
        *_overfull(ruled, wing),
        *_overloaded(ruled, wing),
        *_undrilled(taken.holes),
    )
    return Dearer(broken=broken, items=tuple(_differences(ruled, taken)))


def _differences(ruled: ByRule, taken: Taken) -> list[ItemDifference]:
    """Return how much more of each item the design takes, the dearest difference first."""
    catalogue = taken.wing.catalogue
    found = []
    for item in sorted({*ruled.items, *taken.items}):
        more = round(taken.items.get(item, 0.0) - ruled.items.get(item, 0.0), 3)
        cost_gbp = more * catalogue.unit_gbp(item)
        if abs(cost_gbp) >= _LEAST_GBP:
            found.append(
                ItemDifference(
                    item=item,
                    label=catalogue.rates[item].label,
                    unit=catalogue.rates[item].unit,
                    more=more,
                    cost_gbp=pounds(cost_gbp),
                )
            )
    return sorted(found, key=lambda difference: (-difference.cost_gbp, difference.item))


def _unserved(ruled: ByRule, wing: WingProblem, radio: RadioAtHand) -> Iterator[str]:
    """Yield what cells would lack of the access points by rule, at the best places found."""
    for option, count in sorted(ruled.access_points.items()):
        if radio.reach is None:
            yield f"put {_counted(count, 'access point')}, of which each {radio.too_dear[option]}"
            continue
        columns = {cell: column for column, cell in enumerate(radio.reach.cells)}
        cells = {
            columns[cell.space_id] for cell in wing.cells if ruled.options[cell.floor] == option
        }
        kind = "cell" if option == Option.CELL_ACCESS_POINTS else "landing"
        rows = [row for row, place in enumerate(radio.candidates) if place.kind == kind]
        chosen, left = _placed(radio.reach, rows, cells, count)
        if left:
            without = _without(radio.reach, chosen, left, is_noisy=radio.is_noisy)
            yield (
                f"put {count} {LABELS[option]}: at the best places found for them {len(left)} of "
                f"{_counted(len(cells), 'cell')} would have no service, {without}"
            )


def _placed(
    reach: Reach, rows: Sequence[int], cells: Iterable[int], count: int
) -> tuple[list[int], set[int]]:
    """Return where so many access points would hang, and the cells that none of them serves."""
    loads: np.ndarray = reach.loads["likely"].toarray()
    left, chosen = set(cells), list[int]()
    for _ in range(count):
        served = {
            row: heard_best({cell: float(loads[row, cell]) for cell in left if loads[row, cell]})
            for row in rows
        }
        best = max(served, key=lambda row: (len(served[row]), -row), default=None)
        if best is None or not served[best]:
            break
        chosen.append(best)
        left -= served[best].keys()
    return chosen, left


def _without(reach: Reach, chosen: Sequence[int], left: Iterable[int], *, is_noisy: bool) -> str:
    """Return what the cells that are left lack: a signal, or airtime for what they ask."""
    case = reach.cases["likely"]
    signal_dbm = reach.signal_dbm - case.margin_db
    best_dbm = {cell: float(signal_dbm[list(chosen), cell].max(initial=-300)) for cell in left}
    short_db = [case.target_dbm - dbm for dbm in best_dbm.values() if dbm < case.target_dbm]
    busy = len(best_dbm) - len(short_db)
    noise = ", with the noise that they make each other" if is_noisy else ""
    airtime = f"for want of airtime ({busy * case.demand_mbps:.0f} Mbit/s unserved{noise})"
    signal = f"with a signal up to {max(short_db, default=0):.1f} dB below the budget"
    if busy and short_db:
        return f"{busy} {airtime} and {len(short_db)} {signal}"
    return airtime if busy else signal


def _overfull(ruled: ByRule, wing: WingProblem) -> Iterator[str]:
    """Yield by how much existing containment would be too full of the outlets' cables."""
    ways = wing.containment.ways
    lengths = [way.span.length_m for way in ways]
    distances, before = wing.room_routes
    used: Counter[int] = Counter()
    for cell, tap in zip(wing.cells, wing.taps, strict=True):
        nearest = int(distances[:, tap.node].argmin())
        wired = ruled.options[cell.floor] == Option.OUTLETS and not wing.has_data(cell)
        if wired and isfinite(distances[nearest, tap.node]):
            used.update(walked(wing, before[nearest], tap.node, lengths))
    over = [
        used[number] - way.capacity
        for number, way in enumerate(ways)
        if not way.is_new and used[number] > way.capacity
    ]
    if over:
        yield (
            f"drew up to {max(over):.0f} cables more through {_counted(len(over), 'existing span')}"
            f" than the final fill of {wing.rules['fill.final']:.0%} allows"
        )


def _overloaded(ruled: ByRule, wing: WingProblem) -> Iterator[str]:
    """Yield by how much cabinets would hold more switches than rack, heat and power allow."""
    limits = switches_per_cabinet(poe_ports=wing.rules["switch.ports"], rules=wing.rules)
    limit, most = min(limits.items(), key=lambda pair: (pair[1], pair[0]))
    switches, cabinets = ruled.items["switch_48_poe"], ruled.items["cabinet"]
    most = max(1, min(most, floor(wing.catalogue.assumptions["switches_per_cabinet"].likely)))
    if switches > cabinets * most:
        yield (
            f"put {_counted(int(switches), 'switch', 'switches')} into "
            f"{_counted(int(cabinets), 'cabinet')} of {most} each ({limit})"
        )


def _undrilled(holes: int) -> Iterator[str]:
    """Yield how many holes the routes themselves need: the rules drilled for outlets alone."""
    if holes:
        yield f"left {_counted(holes, 'wall or floor', 'walls and floors')} on the way undrilled"


def _counted(count: int, noun: str, plural: str = "") -> str:
    return f"{count} {noun if count == 1 else plural or noun + 's'}"

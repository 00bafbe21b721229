"""A better bound from settling the modes of families, and how many modules there are in all.

A fractional answer mixes the modes of a family so that they just fill the modules, and takes parts
of a module. Settled one after the other, the part with the least bound first, there are few such.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from math import floor, inf
from typing import TYPE_CHECKING

from estate.optimise.arrays import Floats
from estate.optimise.programme import Programme
from estate.optimise.relaxation import relaxed, with_rows

if TYPE_CHECKING:
    from estate.optimise.connected.cuts import Cuts
    from estate.optimise.connected.formulation import Formulation
    from estate.optimise.effort import Budget

_WHOLE = 1e-6
_ROUNDS = 5


@dataclass(frozen=True, eq=False)
class Split:
    """The programme with further rows, the bound, and the settlement that promises most.

    `tops` are the most that each variable may be under that settlement; every other one costs at
    least `others`.
    """

    programme: Programme
    bound: float
    tops: Floats
    others: float


def split(
    formulation: Formulation, programme: Programme, cuts: Cuts, budget: Budget, *, times: int
) -> Split:
    """Return the bound that so many settlements of modes prove, the most promising first."""
    heap: list[tuple[float, int, Floats]] = [(-inf, 0, programme.tops)]
    done: list[tuple[float, int, Floats]] = []
    for number in range(1, times + 1):
        if not heap or budget.seconds_left <= 0:
            break
        bound, _, tops = heappop(heap)
        programme, bound, values = _settled(programme, cuts, budget, tops=tops, bound=bound)
        parts = [] if values is None else _parts(formulation, values, tops)
        if not parts:
            done.append((bound, number, tops))
        for each, settled in enumerate(parts):
            heappush(heap, (bound, -number * len(tops) - each, settled))
    leaves = [*heap, *done]
    heapify(leaves)
    bound, _, tops = heappop(leaves)
    return Split(programme, bound, tops, leaves[0][0] if leaves else inf)


def _settled(
    programme: Programme, cuts: Cuts, budget: Budget, *, tops: Floats, bound: float
) -> tuple[Programme, float, Floats | None]:
    """Return the programme with the rows broken under a settlement, and the bound of that."""
    values = None
    for _ in range(_ROUNDS):
        found = relaxed(replace(programme, most=tops), seconds=budget.seconds_left)
        if found is None:
            break
        bound = max(bound, found.bound)
        if bound == inf:
            return programme, inf, None
        values = found.values
        rows = cuts.broken(values)
        if not rows.shape[0]:
            break
        programme = with_rows(programme, rows)
    return programme, bound, values


def _parts(formulation: Formulation, values: Floats, tops: Floats) -> list[Floats]:
    """Return the parts that an answer's mixture leads to; none where nothing is mixed.

    The family that mixes its modes most gets one of them in each part. Where none does, fewer
    modules than the answer's fraction in all are one part, and more the other.
    """
    families: dict[int, list[int]] = {}
    for (family, _), variable in sorted(formulation.mode.items()):
        families.setdefault(family, []).append(variable)
    mixed = {family: 1 - float(values[modes].max()) for family, modes in families.items()}
    worst = max(mixed, key=lambda family: mixed[family])
    if mixed[worst] > _WHOLE:
        modes = families[worst]
        return [_with(tops, [each for each in modes if each != mode]) for mode in modes]
    if formulation.total is None:
        return []
    total, spare, most = formulation.total
    fewer = floor(values[total] + _WHOLE)
    if values[total] - fewer <= _WHOLE:
        return []
    return [_with(tops, [total], most=fewer), _with(tops, [spare], most=most - fewer - 1)]


def _with(tops: Floats, variables: list[int], *, most: float = 0.0) -> Floats:
    changed = tops.copy()
    changed[variables] = most
    return changed

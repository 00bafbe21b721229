"""The cheapest design of a wing, and what each landing would cost with another technology."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estate.cabling.bounding import Search, least_gbp
from estate.cabling.covering import beside, nothing_built
from estate.cabling.joint import Joint
from estate.cabling.options import BUILT, Option
from estate.cabling.posing import posed
from estate.cabling.solution import Solution
from estate.optimise import connected_cover

if TYPE_CHECKING:
    from collections.abc import Iterable

# A design that is proven to be this near to the best is not searched further. Searches end by
# counted work; the clock is there for what nobody has seen.
_GAP = 0.02
_EFFORT = 0.1
_SECONDS_MAX = 300.0
_PENNY = 0.01
_PASSES_MAX = 4

# What a wing is solved on where cores are idle, as when a single prison is planned.
_THREADS = 2

# What landings take beside a rest of a joint problem, None where they find no room.
Known = dict[object, Solution | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Solved:
    """The best design found, the proven bound, and the alternatives of each landing.

    An alternative is the whole wing with another option on that landing alone, the rest as
    designed: it is a design that could be built.
    """

    solution: Solution
    bound_gbp: float
    stopped_by: str
    alternatives: Mapping[tuple[int, Option], Solution]


def solved(joint: Joint, *, seed: int, known: Known | None = None) -> Solved:
    """Return the design of a wing; `known` is what an earlier search of it found.

    First all landings take one option, whichever is cheapest; then each landing in turn takes
    what is cheapest beside the others, until none changes. From there the joint problem is
    solved as a whole, which also proves what any design costs at least.

    Raises
    ------
    InfeasibleError
        When no design keeps every rule.
    """
    offered = _offered(joint)
    search = _Search(joint=joint, offered=offered, seed=seed, known={} if known is None else known)
    best, alternatives = search.improved(search.first())
    problem = posed(joint, offered)
    certain_gbp = joint.cost_gbp(joint.constant)
    answer = connected_cover(
        problem.cover,
        start=problem.known(best),
        gap=_GAP,
        effort=_EFFORT,
        seconds=_SECONDS_MAX,
        seed=seed,
        threads=_THREADS,
    )
    bound_gbp = certain_gbp + answer.bound
    out_of_time = answer.stopped_by == "time_cap"
    whole = problem.solution(answer)
    if whole.cost_gbp < best.cost_gbp - _PENNY:
        best, alternatives = search.improved(whole)
    wings = len(joint.wing.wings)
    if wings > 1 and best.cost_gbp - bound_gbp > _GAP * best.cost_gbp:
        how = Search(gap=_GAP, effort=_EFFORT, seconds=_SECONDS_MAX / wings, seed=seed)
        bound_gbp = max(bound_gbp, certain_gbp + least_gbp(best, offered, how))
    return Solved(
        solution=best,
        bound_gbp=min(bound_gbp, best.cost_gbp),
        stopped_by=_stopped_by(best.cost_gbp, bound_gbp, out_of_time=out_of_time),
        alternatives={
            (family, option): found
            for (family, option), found in alternatives.items()
            if option != best.options[family]
        },
    )


def design_in_turn(joint: Joint, *, seed: int, known: Known | None = None) -> Solution:
    """Return a good design in a moment, without any bound; `known` keeps what was tried.

    Raises
    ------
    InfeasibleError
        When no design keeps every rule.
    """
    search = _Search(
        joint=joint, offered=_offered(joint), seed=seed, known={} if known is None else known
    )
    return search.improved(search.first())[0]


def _offered(joint: Joint) -> dict[int, list[Option]]:
    families = range(len(joint.wing.landings))
    return {f: [o for o in BUILT if joint.is_offered(f, o)] for f in families}


def _stopped_by(cost_gbp: float, bound_gbp: float, *, out_of_time: bool) -> str:
    if cost_gbp - bound_gbp < _PENNY:
        return "optimal"
    if cost_gbp - bound_gbp <= _GAP * cost_gbp:
        return "gap"
    return "time_cap" if out_of_time else "effort"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Search:
    """Designs a wing landing by landing, each beside the rest of it.

    `known` keeps what was found beside a rest, which often comes again, also in a later search.
    """

    joint: Joint
    offered: Mapping[int, Sequence[Option]]
    seed: int
    known: Known

    def first(self) -> Solution:
        """Return the cheapest design with one option for all landings of a wing that have it.

        Wings that are one problem come one after the other, each beside those before it. Where
        there is no such design, the whole is solved at once.
        """
        wings = [[f for f in wing if f in self.offered] for wing in self.joint.wing.wings]
        orders = [wings] if len(wings) == 1 else [wings, wings[::-1]]
        designs = [design for order in orders if (design := self._in_turn(order)) is not None]
        if designs:
            return _cheapest(designs)
        problem = posed(self.joint, self.offered)
        answer = connected_cover(problem.cover, effort=1.0, seconds=_SECONDS_MAX, seed=self.seed)
        return problem.solution(answer)

    def _in_turn(self, wings: Iterable[Sequence[int]]) -> Solution | None:
        """Return a design of one wing after the other, None where one finds no room."""
        design = nothing_built(self.joint)
        for families in wings:
            options = sorted({o for f in families for o in self.offered[f]}, key=BUILT.index)
            designs = [d for o in options if (d := self._uniform(o, families, design)) is not None]
            if not designs:
                return None
            design = _cheapest(designs)
        return design

    def _uniform(self, option: Option, families: Sequence[int], rest: Solution) -> Solution | None:
        """Return a design with the option wherever it is offered, and there alone what is else."""
        having = [family for family in families if option in self.offered[family]]
        design = self._beside(rest, having, option)
        for family in families:
            options = self.offered[family]
            if design is not None and family not in having:
                rest = design
                found = (self._beside(rest, [family], other) for other in options)
                others = (each for each in found if each is not None)
                design = min(others, key=lambda each: each.cost_gbp, default=None)
        return design

    def improved(self, design: Solution) -> tuple[Solution, dict[tuple[int, Option], Solution]]:
        """Return a design that no change of one landing makes cheaper, and all such changes."""
        alternatives: dict[tuple[int, Option], Solution] = {}
        for _ in range(_PASSES_MAX):
            alternatives = {}
            for family, options in self.offered.items():
                rest = design.without(family)
                for option in options:
                    found = self._beside(rest, [family], option)
                    if found is not None:
                        alternatives[family, option] = found
            best = _cheapest((design, *alternatives.values()))
            if best.cost_gbp > design.cost_gbp - _PENNY:
                break
            design = best
        return design, alternatives

    def _beside(self, rest: Solution, families: Sequence[int], option: Option) -> Solution | None:
        """Return landings with an option beside the rest, None where they find no room."""
        key = (rest.joint, rest.links, rest.servers, tuple(families), option)
        if key not in self.known:
            self.known[key] = beside(rest, families, option)
        return self.known[key]


def _cheapest(designs: Iterable[Solution]) -> Solution:
    return min(designs, key=lambda design: design.cost_gbp)

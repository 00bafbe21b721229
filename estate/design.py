"""The network of a wing, or of several as one: the cheapest within the rules, and how sure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from math import fsum
from typing import TYPE_CHECKING, TypeVar

from estate.block import Block, Member
from estate.cabling.airing import Air
from estate.cabling.by_rule import by_rule
from estate.cabling.calming import calmed
from estate.cabling.comparison import RadioAtHand, Taken, dearer
from estate.cabling.describing import Description
from estate.cabling.infeasible import no_design
from estate.cabling.joint import Joint
from estate.cabling.options import WIRELESS, Option
from estate.cabling.reaching import access_points_in_all
from estate.cabling.screening import dear_access_points
from estate.cabling.solving import Known, Solved, design_in_turn, solved
from estate.cabling.values import WingDesign, pounds
from estate.cabling.wing import WingProblem
from estate.network import moved, shift_between
from estate.optimise import InfeasibleError
from estate.radio.candidates import Candidate, candidates_of
from estate.radio.cases import band_use
from estate.radio.leakage import LEAKAGE_RULE
from estate.radio.serving import reach_of, together
from estate.radio.sharing import SHARING_RULE
from estate.typology import lay_out, read_typologies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from estate.cabling.solution import Solution
    from estate.catalogue import Catalogue
    from estate.model import Network, WingShape

T = TypeVar("T")

RULES = (
    (
        "Each wing is a problem of its own, unless a survey shows that it can share a distributor "
        "with another, and wings of one shape are designed once; what the problems of a prison "
        "cost at least adds up. No public plan shows which wings could share a cabinet. Cables end "
        "in the comms room or in a new cabinet at a riser, in a hub or, where the link limit asks "
        "for one, on a landing."
    ),
    (
        "A landing has one technology, chosen by whole-life cost together with all containment, "
        "cables, cabinets and switches of the wing. Its runner-up is that landing alone solved "
        "again with each other technology, the rest of the wing as designed."
    ),
    (
        "Where access points could not pay even if a wing were as its middle landing is, the rest "
        "of it is not traced by radio."
    ),
    (
        "Fibre to a new cabinet, and from splitters to cells, has containment of its own wherever "
        "it is not certain that cables build it. A distributor that a survey draws as new, beside "
        "one that stands or has a duct, is such a cabinet."
    ),
    (
        "Existing containment takes cables up to 40 % of its section where a survey says how full "
        "it is, and any number where it does not; new containment is as large as it must be."
    ),
    (
        "A cell is served where the weaker of up- and downlink meets the target with its margin "
        "and its demand fits into the access point's airtime. An access point is counted for the "
        "cells that it hears best, as many as fit. Where interference breaks a first design, its "
        "noise is taken into account; what still fails then is said."
    ),
    SHARING_RULE,
    LEAKAGE_RULE,
    (
        "Rules and limits use the likely value of their assumption; the radio's best and worst "
        "case give the range of access points, and choose nothing anew."
    ),
    (
        "Replacing equipment later is priced at its rate alone, without escorts, preliminaries or "
        "decant."
    ),
    (
        "Segregation from power is met by new containment, which is priced as solid steel. No "
        "input says where power runs: where cables use open containment that stands, the design "
        "says how much of it is to be checked."
    ),
    (
        "What a survey found standing costs nothing and is used up to what it holds: containment, "
        "outlets, ports, rack units and power of distributors, pairs that passed a test, access "
        "points, each of which needs a port, and data cables from a distributor to a cell or a "
        "landing that are no longer than a link may be and not in use throughout; other cables "
        "are named. They are taken to be as good as new ones."
    ),
    (
        "Where no signal was measured, or what was measured of access points of stated power lies "
        "further off throughout than the margin, a design is not for construction. No design takes "
        "that into account: a device may read low."
    ),
)


def design_wing(
    shape: WingShape, catalogue: Catalogue, network: Network | None = None, *, seed: int = 1
) -> WingDesign:
    """Return the cheapest design found for a wing, with what no design costs less than.

    `network` is that of a survey, landing n on floor n - 1; without one the shape is laid out.

    Raises
    ------
    NoPlanError
        When no design keeps every rule; it names the cells or rules at odds and a way out.
    """
    (design,) = design_block(Block.of(shape, network or lay_out(shape)), catalogue, seed=seed)
    return design


def design_block(block: Block, catalogue: Catalogue, *, seed: int = 1) -> tuple[WingDesign, ...]:
    """Return the cheapest design found for wings that are one problem, wing by wing.

    What they cost adds up to what the design costs, and so does what no design costs less than.

    Raises
    ------
    NoPlanError
        When no design keeps every rule; it names the cells or rules at odds and a way out.
    """
    wing = WingProblem.of_block(block, catalogue)
    wired = Joint.of(wing)
    fabrics = _fabrics(block, wing)
    standing = _kinds_that_stand(wing, [place for fabric in fabrics for place in fabric.candidates])
    first = _explained(design_in_turn, wired, seed=seed)
    heights = ((fabric.member.network, fabric.storey_height_m) for fabric in fabrics)
    too_dear = {
        option: why
        for option, why in dear_access_points(first, heights).items()
        if option not in standing
    }
    radios: list[RadioAtHand] = []
    if set(too_dear) == WIRELESS:
        found = _explained(solved, wired, seed=seed)
    else:
        radios = [fabric.radio(catalogue, too_dear) for fabric in fabrics]
        known: Known = {}
        joint, radios = _quiet(wing, radios, fabrics, seed=seed, known=known)
        found = _explained(solved, joint, seed=seed, known=known)
        found = replace(found, solution=_calmed(found.solution, radios))
    return _described(block, found, fabrics, radios, too_dear)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fabric:
    """One wing as its radio meets it; `first` is the floor of its lowest landing in the block."""

    member: Member
    first: int
    candidates: tuple[Candidate, ...]

    @property
    def storey_height_m(self) -> float:
        return read_typologies()[self.member.shape.typology].storey_height_m

    def radio(self, catalogue: Catalogue, too_dear: Mapping[Option, str]) -> RadioAtHand:
        """Return what places in the wing reach of its own cells."""
        reach = reach_of(
            self.member.network,
            self.candidates,
            storey_height_m=self.storey_height_m,
            assumptions=catalogue.assumptions,
        )
        return RadioAtHand(candidates=self.candidates, reach=reach, too_dear=too_dear)

    def in_block(self) -> list[Candidate]:
        """Return the places with the floors that they have in the block."""
        return [replace(place, floor=place.floor + self.first) for place in self.candidates]


def _fabrics(block: Block, wing: WingProblem) -> list[_Fabric]:
    """Return each wing with the places for access points in it.

    The ends of cables that stand on landings are among them.
    """
    height_m = wing.catalogue.assumptions["radio_access_point_height_m"].likely
    standing = wing.standing.candidates(height_m=height_m)
    return [
        _Fabric(
            member=member,
            first=first,
            candidates=(
                *_places_in(member, height_m),
                *(
                    replace(place, floor=place.floor - first)
                    for place in standing
                    if wing.wing_of_floor(place.floor) == number
                ),
            ),
        )
        for number, (member, first) in enumerate(zip(block.members, block.firsts, strict=True))
    ]


def _places_in(member: Member, height_m: float) -> Iterator[Candidate]:
    """Yield the places for access points, found where the wing's shape is laid out.

    Which side of a landing comes first hangs on the last digits of its coordinates: a wing is to
    be designed alike wherever it lies.
    """
    east, north = shift_between(lay_out(member.shape), member.network)
    home = moved(member.network, (-east, -north)) if east or north else member.network
    for place in candidates_of(home, height_m=height_m):
        yield replace(place, at=(place.at[0] + east, place.at[1] + north))


def _described(
    block: Block,
    found: Solved,
    fabrics: Sequence[_Fabric],
    radios: Sequence[RadioAtHand],
    too_dear: Mapping[Option, str],
) -> tuple[WingDesign, ...]:
    """Return what was found for each wing of a block."""
    solution = found.solution
    spreads = [
        access_points_in_all(solution, radio.candidates, radio.reach) if radio.reach else None
        for radio in radios
    ] or [None] * len(fabrics)
    costs_gbp = [
        solution.joint.cost_gbp(solution.items_of(number)) for number in range(len(fabrics))
    ]
    bounds_gbp = _bounds(costs_gbp, found.bound_gbp)
    designs = []
    for number, fabric in enumerate(fabrics):
        radio = radios[number] if radios else RadioAtHand(too_dear=too_dear)
        description = Description(
            solved=found, access_points=spreads, too_dear=too_dear, keys=block.keys, wing=number
        )
        designs.append(
            _design(
                description, fabric, radio, cost_gbp=costs_gbp[number], bound_gbp=bounds_gbp[number]
            )
        )
    return tuple(designs)


def _bounds(costs_gbp: Sequence[float], bound_gbp: float) -> list[Decimal]:
    """Return the bound of each wing, as a share of its cost; they add up to that of all."""
    total = fsum(costs_gbp)
    if not total:
        return [pounds(0.0) for _ in costs_gbp]
    ends = [pounds(bound_gbp * fsum(costs_gbp[:n]) / total) for n in range(1, len(costs_gbp))]
    ends = [pounds(0.0), *ends, pounds(bound_gbp)]
    return [end - start for start, end in pairwise(ends)]


def _design(
    description: Description,
    fabric: _Fabric,
    radio: RadioAtHand,
    *,
    cost_gbp: float,
    bound_gbp: Decimal,
) -> WingDesign:
    """Return the design of one wing as a value."""
    solution, wing = description.solution, description.joint.wing
    network, assumptions = fabric.member.network, wing.catalogue.assumptions
    alone = wing if not wing.counts else WingProblem.of(network, wing.catalogue)
    ruled = by_rule(fabric.member.shape, alone, limit_m=description.joint.limit_m)
    cost = pounds(cost_gbp)
    bound = min(bound_gbp, cost)
    air = radio.reach and Air.of(solution, radio.candidates, radio.reach)
    return WingDesign(
        landings=description.landings(),
        shared=description.shared(),
        points=description.points(),
        spans=description.spans(),
        distributors=description.distributors(),
        longest_link_m=description.longest_m(),
        link_limit_m=description.joint.limit_m,
        radio=band_use(assumptions).reason,
        distributor=description.where(),
        warnings=description.warnings(),
        cost_gbp=cost,
        bound_gbp=bound,
        gap=round(float((cost - bound) / cost), 6) if cost else 0.0,
        stopped_by=description.solved.stopped_by,
        by_rule_gbp=pounds(ruled.cost_gbp),
        by_rule=ruled.chosen,
        air=air.value(
            network,
            description.names,
            storey_height_m=fabric.storey_height_m,
            assumptions=assumptions,
        )
        if air
        else None,
        dearer=dearer(ruled, solution, radio, Taken.of(solution, description.wing, alone)),
    )


def _kinds_that_stand(wing: WingProblem, candidates: Sequence[Candidate]) -> set[Option]:
    """Return the kinds of access points of which some hang, or have their cable, already."""
    return {
        Option.CELL_ACCESS_POINTS if place.kind == "cell" else Option.LANDING_ACCESS_POINTS
        for place in candidates
        if place.stands or place.candidate_id in wing.standing.places
    }


def _quiet(
    wing: WingProblem,
    radios: Sequence[RadioAtHand],
    fabrics: Sequence[_Fabric],
    *,
    seed: int,
    known: Known,
) -> tuple[Joint, list[RadioAtHand]]:
    """Return the problem, with some of the noise of a first design where that breaks it."""
    reaches = [radio.reach for radio in radios if radio.reach is not None]
    too_dear = radios[0].too_dear
    places = [place for fabric in fabrics for place in fabric.in_block()]
    joint = Joint.of(wing, places, together(reaches), too_dear)
    first = _explained(design_in_turn, joint, seed=seed, known=known)
    airs = [
        Air.of(first, radio.candidates, reach) for radio, reach in zip(radios, reaches, strict=True)
    ]
    if all(air.holds for air in airs):
        return joint, list(radios)
    noisy = [
        radio if air.holds else replace(radio, reach=air.noisy(reach), is_noisy=True)
        for radio, reach, air in zip(radios, reaches, airs, strict=True)
    ]
    again = together([radio.reach for radio in noisy if radio.reach is not None])
    return Joint.of(wing, places, again, too_dear), noisy


def _calmed(solution: Solution, radios: Sequence[RadioAtHand]) -> Solution:
    """Return the solution with the access points of each wing within their airtime, if they can."""
    for radio in radios:
        if radio.reach is not None:
            solution = calmed(solution, radio.candidates, radio.reach)
    return solution


def _explained(
    solve: Callable[..., T], joint: Joint, *, seed: int, known: Known | None = None
) -> T:
    """Return what a search finds; where there is nothing to find, say so in site words."""
    try:
        return solve(joint, seed=seed, known=known)
    except InfeasibleError as error:
        raise no_design(joint, error) from None

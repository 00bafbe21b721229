"""The network of one wing: the cheapest that reaches every cell within the rules, and how sure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from estate.cabling.airing import Air
from estate.cabling.by_rule import by_rule
from estate.cabling.comparison import RadioAtHand, dearer
from estate.cabling.describing import Description
from estate.cabling.infeasible import no_design
from estate.cabling.joint import Joint
from estate.cabling.options import WIRELESS, Option
from estate.cabling.reaching import access_points_in_all
from estate.cabling.screening import dear_access_points
from estate.cabling.solving import Known, design_in_turn, solved
from estate.cabling.values import WingDesign, pounds
from estate.cabling.wing import WingProblem
from estate.optimise import InfeasibleError
from estate.radio.candidates import candidates_of
from estate.radio.cases import band_use
from estate.radio.leakage import LEAKAGE_RULE
from estate.radio.serving import reach_of
from estate.radio.sharing import SHARING_RULE
from estate.typology import lay_out, read_typologies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from estate.catalogue import Catalogue
    from estate.model import Network, WingShape
    from estate.radio.candidates import Candidate

T = TypeVar("T")

RULES = (
    (
        "Each wing is a problem of its own, and wings of one shape are designed once; what the "
        "wings of a prison cost at least adds up. No public plan shows which wings could share a "
        "cabinet, so none does. Cables end in the comms room or in a new "
        "cabinet at a riser, in a hub or, where the link limit asks for one, on a landing."
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
        "noise, less what listening saves (radio_less_noise_db), is taken into account; what still "
        "fails then is said."
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
    ("Where no signal was measured, a design is not for construction."),
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
    network = network or lay_out(shape)
    storey_height_m = read_typologies()[shape.typology].storey_height_m
    wing = WingProblem.of(network, catalogue)
    wired = Joint.of(wing)
    candidates = _places(wing)
    standing = _kinds_that_stand(wing, candidates)
    too_dear = {
        option: why
        for option, why in dear_access_points(
            _explained(design_in_turn, wired, seed=seed), storey_height_m=storey_height_m
        ).items()
        if option not in standing
    }
    air, radio, access_points = None, RadioAtHand(too_dear=too_dear), None
    if set(too_dear) == WIRELESS:
        found = _explained(solved, wired, seed=seed)
    else:
        reach = reach_of(
            network,
            candidates,
            storey_height_m=storey_height_m,
            assumptions=catalogue.assumptions,
        )
        radio = RadioAtHand(candidates=candidates, reach=reach, too_dear=too_dear)
        known: Known = {}
        joint, radio = _quiet(wing, radio, seed=seed, known=known)
        found = _explained(solved, joint, seed=seed, known=known)
        air = Air.of(found.solution, candidates, reach)
        access_points = access_points_in_all(found.solution, candidates, reach)
    description = Description(solved=found, access_points=access_points, too_dear=too_dear)
    ruled = by_rule(shape, wing, limit_m=found.solution.joint.limit_m)
    cost_gbp, bound_gbp = pounds(found.solution.cost_gbp), pounds(found.bound_gbp)
    return WingDesign(
        landings=description.landings(),
        shared=description.shared(),
        points=description.points(),
        spans=description.spans(),
        distributors=description.distributors(),
        longest_link_m=description.longest_m(),
        link_limit_m=found.solution.joint.limit_m,
        radio=band_use(catalogue.assumptions).reason,
        distributor=description.where(),
        warnings=description.warnings(),
        cost_gbp=cost_gbp,
        bound_gbp=bound_gbp,
        gap=round(float((cost_gbp - bound_gbp) / cost_gbp), 6) if cost_gbp else 0.0,
        stopped_by=found.stopped_by,
        by_rule_gbp=pounds(ruled.cost_gbp),
        by_rule=ruled.chosen,
        air=air.value(network, storey_height_m=storey_height_m, assumptions=catalogue.assumptions)
        if air
        else None,
        dearer=dearer(ruled, found.solution, radio),
    )


def _places(wing: WingProblem) -> tuple[Candidate, ...]:
    """Return where access points may hang, the ends of cables that stand on landings included."""
    height_m = wing.catalogue.assumptions["radio_access_point_height_m"].likely
    return (
        *candidates_of(wing.network, height_m=height_m),
        *wing.standing.candidates(height_m=height_m),
    )


def _kinds_that_stand(wing: WingProblem, candidates: Sequence[Candidate]) -> set[Option]:
    """Return the kinds of access points of which some hang, or have their cable, already."""
    return {
        Option.CELL_ACCESS_POINTS if place.kind == "cell" else Option.LANDING_ACCESS_POINTS
        for place in candidates
        if place.stands or place.candidate_id in wing.standing.places
    }


def _quiet(
    wing: WingProblem, radio: RadioAtHand, *, seed: int, known: Known
) -> tuple[Joint, RadioAtHand]:
    """Return the problem, with some of the noise of a first design where that breaks it."""
    if radio.reach is None:
        raise ValueError("the radio of the wing was not traced")
    candidates, reach = radio.candidates, radio.reach
    joint = Joint.of(wing, candidates, reach, radio.too_dear)
    air = Air.of(_explained(design_in_turn, joint, seed=seed, known=known), candidates, reach)
    if air.holds:
        return joint, radio
    noisy = air.noisy(reach, less_db=wing.catalogue.assumptions["radio_less_noise_db"].likely)
    return (
        Joint.of(wing, candidates, noisy, radio.too_dear),
        replace(radio, reach=noisy, is_noisy=True),
    )


def _explained(
    solve: Callable[..., T], joint: Joint, *, seed: int, known: Known | None = None
) -> T:
    """Return what a search finds; where there is nothing to find, say so in site words."""
    try:
        return solve(joint, seed=seed, known=known)
    except InfeasibleError as error:
        raise no_design(joint, error) from None

"""Cells that move between the access points of a solved wing until each keeps its airtime."""

from collections import Counter
from dataclasses import replace
from types import MappingProxyType

import pytest

from estate.cabling.airing import Air
from estate.cabling.calming import calmed


@pytest.fixture(scope="module")
def crowded(air):
    """Return the wing with a budget of airtime that the busiest access points just miss."""
    likely = air.reach.cases["likely"]
    tight = replace(likely, airtime_max=air.shared.airtime.max() - 1e-3)
    reach = replace(air.reach, cases=MappingProxyType({**air.reach.cases, "likely": tight}))
    return Air.of(air.solution, air.candidates, reach)


def test_crowded_access_points_give_cells_to_those_that_have_room(crowded):
    calm = calmed(crowded.solution, crowded.candidates, crowded.reach)

    assert crowded.shared.overloaded
    assert Air.of(calm, crowded.candidates, crowded.reach).holds
    assert set(calm.servers) == set(crowded.solution.servers)


def test_cells_that_move_are_heard_and_find_room(crowded):
    calm = calmed(crowded.solution, crowded.candidates, crowded.reach)
    points, before = calm.joint.points, crowded.solution.servers
    came = {now for now, then in zip(calm.servers, before, strict=True) if now != then}
    loads = Counter()
    for cell, server in enumerate(calm.servers):
        loads[server] += points[server].serves[cell]

    assert came
    assert all(loads[server] <= 1 + 1e-9 for server in came)


def test_nothing_is_built_or_paid_for_it(crowded):
    calm = calmed(crowded.solution, crowded.candidates, crowded.reach)

    assert calm.links == crowded.solution.links
    assert calm.cost_gbp == crowded.solution.cost_gbp


def test_a_design_that_holds_stays_as_it_is(air):
    assert calmed(air.solution, air.candidates, air.reach) is air.solution


def test_a_cell_stays_where_no_other_access_point_has_room_for_it(crowded):
    joint = crowded.solution.joint
    full = replace(
        joint,
        points=tuple(replace(p, serves=dict.fromkeys(p.serves, 0.5)) for p in joint.points),
    )
    solution = replace(crowded.solution, joint=full)

    assert calmed(solution, crowded.candidates, crowded.reach) is solution

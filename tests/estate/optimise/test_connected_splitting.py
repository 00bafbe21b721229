"""Parts of a connected cover: put together again for the search, then searched in turn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from estate.optimise import ConnectedCover
from estate.optimise.connected import search, splitting
from estate.optimise.connected.formulation import Formulation, choices_of
from estate.optimise.connected.network import Network
from estate.optimise.connected.problem import checked
from estate.optimise.connected.search import Effort
from estate.optimise.connected.splitting import Part, Split, split
from estate.optimise.connected.ways import Ways
from estate.optimise.effort import Budget
from estate.optimise.programme import Found
from estate.optimise.relaxation import relaxed

INF = float("inf")


@pytest.fixture
def families() -> int:
    return 1


@pytest.fixture
def formulation(families):
    """Pose a customer of each family, all served in one of two modes from between two hubs."""
    cover = checked(
        ConnectedCover(
            node_count=3,
            tails=[0, 0],
            heads=[1, 2],
            build_costs=[1, 1],
            lengths=[3, 3],
            capacities=[INF, INF],
            hub_nodes=[1, 2],
            hub_costs=[5, 5],
            module_size=8,
            module_costs=[2, 2],
            module_limits=[2, 2],
            free_ports=[0, 0],
            point_nodes=[0, 0],
            point_costs=[20.0, 21.0],
            point_lengths=[0.0, 0.0],
            point_capacities=[INF, INF],
            cable_cost=0,
            length_limit=90,
            loads=csr_array(np.ones((2, families))),
            families=list(range(families)),
            modes=[0, 1],
            mode_costs=[[0.0, 0.0]] * families,
        )
    )
    network = Network(cover)
    ways = Ways(network, cover)
    return Formulation(cover, network, choices_of(cover, network, ways, vague=False))


def split_of(formulation, *parts: tuple[float, list[int]], drawn=0, is_hopeless=False) -> Split:
    """Return parts with their bounds, each without some variables."""
    programme = formulation.draft.programme()
    found = []
    for bound, left_out in parts:
        tops = programme.tops.copy()
        tops[left_out] = 0
        found.append(Part(bound, tops, fractional=1000))
    return Split(programme, found, None, drawn, is_hopeless)


def test_parts_that_differ_in_hubs_alone_are_searched_as_one(formulation):
    one, other = formulation.opened.values()

    joined = split_of(formulation, (3.0, [one]), (4.0, [other])).rejoined(formulation, below=9)

    assert [part.bound for part in joined.parts] == [3.0]
    assert np.array_equal(joined.parts[0].tops, joined.programme.tops)


def test_parts_of_other_modes_and_those_with_a_bound_that_is_enough_stay_apart(formulation):
    one, other = formulation.opened.values()
    mode, _ = formulation.mode.values()
    parts = split_of(formulation, (3.0, [one]), (4.0, [other, mode]), (9.0, [other]))

    joined = parts.rejoined(formulation, below=9)

    assert [part.bound for part in joined.parts] == [3.0, 4.0, 9.0]
    assert all(
        np.array_equal(part.tops, same.tops)
        for part, same in zip(joined.parts, parts.parts, strict=True)
    )


def test_a_drawn_part_proven_but_for_rounding_does_not_end_the_search(formulation, monkeypatch):
    enough = 98.0
    proven = Found(values=None, bound=enough * (1 - 1e-9), nodes=1)
    monkeypatch.setattr(search, "_cheaper_than", lambda *_rows, **_limits: proven)
    parts = split_of(formulation, (50.0, []), (60.0, []), drawn=1)
    effort = Effort(1.0, Budget(1, seconds=60), 0, gap=0.02)

    found = search.searched_parts(parts.programme, parts, effort, ceiling=100.0)

    assert found.bound == pytest.approx(enough)


def test_what_wide_diagrams_left_open_in_a_large_programme_is_not_branched(formulation):
    effort = Effort(1.0, Budget(1, seconds=60), 0, gap=0.02)
    parts = split_of(formulation, (50.0, []), is_hopeless=True)

    found = search.searched_parts(parts.programme, parts, effort, ceiling=INF)

    assert found.values is None
    assert found.bound == pytest.approx(50)


class Asked:
    """Components of nothing, which note what they are asked for."""

    drawn = 0

    def __init__(self, *, is_hopeless: bool) -> None:
        self.is_hopeless = is_hopeless
        self.bounds: list[float] = []

    def __call__(self, *_given, **_limits) -> Asked:
        return self

    def settled(self, part, **_how) -> None:
        self.bounds.append(part.bound)


@pytest.fixture
def asked(formulation, monkeypatch):
    """Split the problem with components that leave all open, and return what they were asked."""

    def of(*, is_hopeless: bool) -> tuple[Asked, Split]:
        components = Asked(is_hopeless=is_hopeless)
        monkeypatch.setattr(splitting, "Components", components)
        monkeypatch.setattr(splitting, "FRACTIONAL", -1)  # Settle all that may be settled.
        programme = formulation.draft.programme()
        return components, split(formulation, programme, Budget(1, seconds=60), width=1)

    return of


def test_what_falls_apart_is_asked_for_the_part_that_promises_most(asked):
    components, _ = asked(is_hopeless=False)

    assert len(components.bounds) > 2
    assert components.bounds == sorted(components.bounds)


def test_no_part_beyond_one_left_open_is_settled_where_that_helps_no_bound(asked):
    every, whole = asked(is_hopeless=False)
    first, stopped = asked(is_hopeless=True)

    assert len(first.bounds) < len(every.bounds)
    assert stopped.bound == whole.bound


def test_a_part_that_keeps_the_best_answer_of_the_one_before_it_is_not_solved_again(
    asked, monkeypatch
):
    solved = []
    monkeypatch.setattr(
        splitting,
        "relaxed",
        lambda programme, **limits: solved.append(programme.most) or relaxed(programme, **limits),
    )
    _, whole = asked(is_hopeless=False)
    often = len(solved)
    monkeypatch.setattr("estate.optimise.connected.splitting._Solved.fits", lambda *_: False)
    _, again = asked(is_hopeless=False)

    assert whole.bound == again.bound
    assert often < len(solved) - often


@pytest.mark.parametrize("families", [2])
def test_what_rounding_leaves_of_a_whole_mode_does_not_end_the_settling_of_others(
    asked, formulation, monkeypatch
):
    _, exact = asked(is_hopeless=False)
    modes = list(formulation.mode.values())

    def rounded(programme, **limits):
        found = relaxed(programme, **limits)
        alone = [
            m for pair in (modes[:2], modes[2:]) for m in pair if programme.most[pair].min() == 0
        ]
        found.values[alone] *= 1 - 1e-9
        return found

    monkeypatch.setattr(splitting, "relaxed", rounded)
    _, found = asked(is_hopeless=False)

    assert len(found.parts) == len(exact.parts)


def test_a_part_whose_mode_costs_too_much_beyond_the_best_fraction_is_not_solved(
    formulation, monkeypatch
):
    dear = list(formulation.mode.values())[1]
    solved = []

    def priced(programme, **limits):
        solved.append(programme.most)
        found = relaxed(programme, **limits)
        found.reduced[dear] = 1000.0  # Every answer with that mode costs so much more.
        return found

    monkeypatch.setattr(splitting, "relaxed", priced)
    monkeypatch.setattr(splitting, "FRACTIONAL", -1)  # Settle all that may be settled.
    programme = formulation.draft.programme()

    split(formulation, programme, Budget(1, seconds=60), width=1, ceiling=100.0)

    others = [mode for mode in formulation.mode.values() if mode != dear]
    assert len(solved) > 1
    assert all(tops[others].any() for tops in solved)

"""Relaxations from nothing, from the basis of another, and where the engine goes astray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pybind11_abseil.status import StatusNotOk, internal_error
from scipy.optimize import linprog
from scipy.sparse import csr_array

from estate.optimise import simplex
from estate.optimise.programme import Programme
from estate.optimise.relaxation import least_prices, relaxed, with_rows
from estate.optimise.simplex import Simplex

INF = np.inf

# Two things of which one is needed, the second cheaper; a third that nothing asks for.
ONE = Programme(
    costs=np.array([4.0, 3.0, 1.0]),
    whole=np.ones(3, dtype=np.bool_),
    rows=csr_array(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, -1.0]])),
    floor=np.array([1.0, -INF]),
    ceiling=np.array([INF, 0.0]),
)


@st.composite
def programmes(draw) -> Programme:
    size, count = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    factors = st.lists(st.integers(-2, 3), min_size=size, max_size=size)
    floor = draw(st.lists(st.sampled_from([-INF, 0.0, 1.0]), min_size=count, max_size=count))
    room = draw(st.lists(st.sampled_from([0.0, 1.0, INF]), min_size=count, max_size=count))
    return Programme(
        costs=np.array(draw(factors), dtype=np.float64),
        whole=np.ones(size, dtype=np.bool_),
        rows=csr_array(np.array([draw(factors) for _ in range(count)], dtype=np.float64)),
        floor=np.array(floor),
        ceiling=np.maximum(floor, 0) + np.array(room),
        most=np.array(draw(st.lists(st.sampled_from([1.0, 2.0]), min_size=size, max_size=size))),
    )


@st.composite
def narrower(draw, programme: Programme) -> Programme:
    """Draw a programme with fewer of some variables and with one more row."""
    size = programme.costs.size
    kept = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    row = draw(st.lists(st.integers(-2, 2), min_size=size, max_size=size))
    more = with_rows(programme, csr_array(np.array([row], dtype=np.float64)))
    return replace(more, most=np.where(kept, programme.tops, 0))


def bound_of(programme: Programme) -> float:
    """Return the bound by another engine, from nothing."""
    dense = programme.rows.toarray()
    above, below = np.isfinite(programme.floor), np.isfinite(programme.ceiling)
    found = linprog(
        programme.costs,
        A_ub=np.vstack((dense[below], -dense[above])),
        b_ub=np.concatenate((programme.ceiling[below], -programme.floor[above])),
        bounds=np.column_stack((np.zeros(programme.costs.size), programme.tops)),
    )
    return INF if found.status == 2 else float(found.fun)


@given(programmes().flatmap(lambda wide: st.tuples(st.just(wide), narrower(wide))))
def test_from_the_basis_of_a_wider_one_a_programme_has_the_bound_that_it_has_from_nothing(both):
    wide, narrow = both
    first = relaxed(wide, seconds=60)
    again = relaxed(narrow, seconds=60, start=first.start)
    at_once = first.start and first.start.with_all(narrow.floor.size)
    all_rows = relaxed(narrow, seconds=60, start=at_once)

    assert first.bound == pytest.approx(bound_of(wide), abs=1e-6)
    assert again.bound == pytest.approx(bound_of(narrow), abs=1e-6)
    assert all_rows.bound == pytest.approx(bound_of(narrow), abs=1e-6)


@given(programmes())
def test_an_answer_with_a_variable_costs_at_least_the_bound_and_what_that_adds(programme):
    found = relaxed(programme, seconds=60)
    for variable in np.flatnonzero(found.reduced):
        row = np.zeros((1, programme.costs.size))
        row[0, variable] = -1.0  # A whole one of it is taken.
        taken = with_rows(programme, csr_array(row), np.array([-1.0]))

        assert bound_of(taken) >= found.bound + found.reduced[variable] - 1e-6


@given(programmes(), st.floats(-10, 10))
def test_a_bound_that_is_enough_is_no_more_than_the_best(programme, enough):
    best = bound_of(programme)
    found = relaxed(programme, seconds=60, enough=enough)

    assert min(best, enough) - 1e-6 <= found.bound
    assert found.bound <= best + 1e-6


@given(programmes())
def test_where_the_engine_goes_astray_another_one_finds_the_same(programme):
    best = relaxed(programme, seconds=60)
    with pytest.MonkeyPatch.context() as lost:
        lost.setattr(Simplex, "solved", lambda *_, **__: None)
        found = relaxed(programme, seconds=60)

    assert found.bound == pytest.approx(best.bound, abs=1e-6)
    assert found.start is None


@given(programmes())
def test_without_a_pivot_the_interior_point_finds_the_same(programme):
    best = relaxed(programme, seconds=60)
    found = relaxed(programme, seconds=60, pivots=0)

    assert found.bound == pytest.approx(best.bound, abs=1e-6)
    assert found.start is None


def test_an_engine_that_gives_up_leaves_no_vertex(monkeypatch):
    class Spoilt:
        def solve(self, *_):
            raise StatusNotOk(internal_error("Unexpected GLOP termination reason: ABNORMAL"))

    monkeypatch.setattr(simplex.solver, "new", lambda *_: Spoilt())

    assert Simplex(ONE).solved(start=None, enough=INF, seconds=60) is None
    assert relaxed(ONE, seconds=60).bound == pytest.approx(3)


def test_from_a_basis_fewer_steps_are_made_than_from_nothing():
    rng = np.random.default_rng(1)
    programme = Programme(
        costs=rng.random(60),
        whole=np.ones(60, dtype=np.bool_),
        rows=csr_array((rng.random((40, 60)) < 0.2).astype(np.float64)),
        floor=np.ones(40),
        ceiling=np.full(40, INF),
    )
    first = relaxed(programme, seconds=60)
    most = np.ones(60)
    most[int(np.argmax(first.values))] = 0
    narrow = replace(programme, most=most)

    nothing = relaxed(narrow, seconds=60)
    again = relaxed(narrow, seconds=60, start=first.start)

    assert again.bound == pytest.approx(nothing.bound)
    assert again.steps < nothing.steps / 2


@pytest.mark.parametrize("factors", [(1.0, 2.0), (2.0, 1.0)])
def test_of_prices_that_prove_the_same_the_least_are_found(factors):
    # Both rows ask for the one thing; who pays half for each unit asks for twice as many.
    programme = Programme(
        costs=np.array([3.0]),
        whole=np.ones(1, dtype=np.bool_),
        rows=csr_array(np.array(factors)[:, np.newaxis]),
        floor=np.array(factors),
        ceiling=np.full(2, INF),
    )
    found = least_prices(programme, None, seconds=60)

    assert found.bound == pytest.approx(3.0, abs=1e-3)
    assert found.prices.tolist() == pytest.approx([1.5 * (factor == 2) for factor in factors])


def test_what_has_no_answer_has_no_least_prices():
    assert least_prices(replace(ONE, most=np.zeros(3)), None, seconds=60) is None

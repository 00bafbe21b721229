"""Small covers beside HiGHS, and long ones whose answers are known by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from estate.optimise import diagram
from estate.optimise.diagram import Covering, Diagram, Drawn, layers, order, wide
from estate.optimise.diagram.covering import needed
from estate.optimise.diagram.dominance import dominated
from estate.optimise.diagram.line import Line
from estate.optimise.diagram.order import Openings, narrow_order
from estate.optimise.diagram.windows import cheap, improved

INF = float("inf")
NONE = np.zeros((0, 2), dtype=np.int64)
WIDE = 100_000


def covering(costs, covers, pairs=NONE, implied=None) -> Covering:
    size = len(costs)
    rows = np.zeros((0, size)) if implied is None else np.asarray(implied, dtype=np.float64)
    return Covering(
        costs=np.asarray(costs, dtype=np.float64),
        covers=csr_array(np.asarray(covers, dtype=np.float64)),
        implications=np.asarray(pairs, dtype=np.int64).reshape(-1, 2),
        implied=csr_array(rows),
    )


@st.composite
def coverings(draw) -> Covering:
    size = draw(st.integers(2, 12))
    numbers = st.integers(0, size - 1)
    rows = draw(st.lists(st.sets(numbers, min_size=1), min_size=1, max_size=8))
    pairs = draw(st.lists(st.tuples(numbers, numbers).filter(lambda two: two[0] != two[1])))
    costs = draw(st.lists(st.integers(-2, 9), min_size=size, max_size=size))
    covers = np.array([[column in row for column in range(size)] for row in rows])
    more = np.array([[column in draw(st.sets(numbers)) for column in range(size)]])
    return covering(costs, covers, pairs, covers[:1] | more)


def least(problem: Covering, *, width: int, ceiling: float = INF, enough: float = INF) -> Drawn:
    """Return the answer of a diagram, and its bound as far as is enough."""
    drawn = Diagram(problem)
    answer = drawn.answer(width=width, ceiling=ceiling)
    bound = drawn.bound(width=width, enough=min(enough, ceiling))
    return replace(bound, values=answer.values, bound=max(answer.bound, bound.bound))


def least_of(line: Line) -> float:
    """Return what a line costs at least by layers as wide as it needs."""
    start = layers.Layers.of(line)
    return INF if start is None else start.drawn(WIDE, INF, is_priced=True).bound


def cheapest(problem: Covering) -> float:
    follows = np.zeros((len(problem.implications), problem.costs.size))
    for row, (first, second) in zip(follows, problem.implications, strict=True):
        row[first], row[second] = -1, 1
    limits = [LinearConstraint(problem.covers.toarray(), 1, INF)]
    if len(follows):
        limits.append(LinearConstraint(follows, 0, INF))
    found = milp(
        problem.costs,
        integrality=np.ones(problem.costs.size),
        bounds=Bounds(0, 1),
        constraints=limits,
    )
    return float(found.fun)


def keeps(problem: Covering, values) -> bool:
    pairs = problem.implications
    covered = bool((problem.covers @ values >= 1).all())
    return covered and bool((values[pairs[:, 0]] <= values[pairs[:, 1]]).all())


@pytest.fixture
def thinned(monkeypatch):
    """Thin out layers from the first state on, as those of large problems are."""
    monkeypatch.setattr(layers, "_MANY", 0)
    monkeypatch.setattr(layers, "_DOMINATED_EVERY", 1)
    monkeypatch.setattr(layers, "_PRICED_EVERY", 1)


@given(coverings())
def test_a_small_cover_gets_the_answer_and_the_bound_of_branch_and_bound(problem):
    found = least(problem, width=WIDE)

    assert found.bound == pytest.approx(cheapest(problem), abs=1e-6)
    assert keeps(problem, found.values)
    assert problem.costs @ found.values == pytest.approx(cheapest(problem), abs=1e-6)


@pytest.mark.usefixtures("thinned")
@given(problem=coverings())
def test_what_is_thinned_out_is_never_the_best(problem):
    found = least(problem, width=WIDE)

    assert found.bound == pytest.approx(cheapest(problem), abs=1e-6)
    assert problem.costs @ found.values == pytest.approx(cheapest(problem), abs=1e-6)


@pytest.mark.usefixtures("thinned")
@given(problem=coverings(), width=st.integers(1, 4))
def test_a_narrow_diagram_still_proves_a_bound(problem, width):
    found = least(problem, width=width)

    assert found.bound <= cheapest(problem) + 1e-6
    if found.values is not None:
        assert keeps(problem, found.values)
        assert problem.costs @ found.values >= cheapest(problem) - 1e-6


@given(coverings(), st.integers(0, 20))
def test_a_bound_is_sought_as_far_as_is_enough(problem, enough):
    found = least(problem, width=WIDE, ceiling=-INF, enough=enough)

    assert found.bound <= cheapest(problem) + 1e-6


def test_a_bound_is_sought_no_further_than_the_answer_that_was_found(monkeypatch):
    # Of ten in a ring a third of each is less than the four that cover them.
    ring = sum(np.roll(np.eye(10), step, axis=1) for step in range(3))
    diagram_of_ring, asked = Diagram(covering([2.0] * 10, ring)), []
    drawn = layers.Layers.drawn

    def noted(start, width, ceiling, **how):
        asked.append(ceiling)
        return drawn(start, width, ceiling, **how)

    answer = diagram_of_ring.answer(width=WIDE)
    monkeypatch.setattr(layers.Layers, "drawn", noted)

    found = diagram_of_ring.bound(width=WIDE, enough=100.0)

    assert asked == [answer.bound] == [8.0]
    assert found.bound == 8.0


@pytest.mark.parametrize("better", ["there", "back"])
def test_a_line_is_drawn_widely_from_the_end_where_a_narrow_diagram_proves_more(
    better, monkeypatch
):
    ring = [[place in (row, (row + 1) % 10) for place in range(10)] for row in range(10)]
    drawn = Diagram(covering([2.0] * 10, ring))
    ends = {}

    def told(layers, width, _enough, **_):
        ends.setdefault("there", layers)
        end = "there" if layers is ends["there"] else "back"
        ends[end, width] = True
        return Drawn(None, 1.0 + (end == better), 5)

    there = drawn.along
    monkeypatch.setattr(layers.Layers, "drawn", told)
    found = drawn.bound(width=1000, enough=100.0)

    assert found.bound == 2.0
    assert [key[0] for key in ends if key[1] == 1000] == [better]
    assert found.states == 3 * 5
    assert (drawn.along == (there if better == "there" else 9 - there)).all()


@given(coverings())
def test_a_line_from_its_other_end_is_the_same_covering(problem):
    line = Line.of(problem)
    back = line.reversed()

    assert (back.unordered(back.costs) == line.unordered(line.costs)).all()
    assert back.reversed().rows.toarray().tolist() == line.rows.toarray().tolist()
    assert least_of(back) == pytest.approx(least_of(line))


def test_a_long_ring_is_proven_that_leaves_a_fraction_open():
    # Each of 91 places is covered by itself and by one on either side: 31 are needed, and a
    # third of each is 30 and a third.
    size = 91
    at = np.arange(size)
    rows = np.zeros((size, size))
    for step in (-1, 0, 1):
        rows[at, (at + step) % size] = 1

    found = least(covering(np.ones(size), rows), width=WIDE)

    assert found.bound == pytest.approx(31)
    assert found.values.sum() == 31


def test_links_to_what_is_taken_are_paid_once():
    # Three places in a row, a link before each; the farther ways need the nearer links.
    costs = [1, 1, 1, 5, 5, 5]
    pairs = [(0, 3), (1, 4), (2, 5), (5, 4), (4, 3)]
    rows = [[1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]

    found = least(covering(costs, rows, pairs), width=WIDE)

    assert found.bound == pytest.approx(2 * 1 + 3 * 5)
    assert found.values.tolist() == [1, 0, 1, 1, 1, 1]


def every_two_of(size) -> Covering:
    """Return a cover in which each two share a row: all but one are needed, the dearest."""
    rows = [np.isin(range(size), (a, b)) for a in range(size) for b in range(a)]
    return covering(np.ones(size) + np.arange(size) / 100, rows)


def test_more_open_rows_than_a_word_has_bits_are_searched():
    # A hundred rows are open half way.
    found = least(every_two_of(20), width=WIDE)

    assert found.bound == pytest.approx(19 + sum(range(19)) / 100)
    assert found.values.tolist() == [1] * 19 + [0]


def test_of_what_is_too_wide_the_fewest_that_every_cover_takes_are_known():
    found = least(every_two_of(20), width=WIDE)

    assert found.fewest == 19


@pytest.fixture
def too_wide(monkeypatch):
    """Take every line for one that is too wide for layers."""
    monkeypatch.setattr(diagram, "WIDE", 0)


@pytest.mark.usefixtures("too_wide")
@given(problem=coverings(), width=st.sampled_from((100, WIDE)))
def test_what_is_too_wide_for_layers_gets_a_bound_and_the_fewest_too(problem, width):
    found = least(problem, width=width)

    in_rows = replace(problem, costs=(problem.covers.sum(axis=0) > 0).astype(float))
    assert found.bound <= cheapest(problem) + 1e-6
    assert found.fewest <= cheapest(in_rows) + 1e-6
    if found.values is not None:
        assert keeps(problem, found.values)
    if width == WIDE:
        assert found.bound == pytest.approx(cheapest(problem), abs=1e-6)


@pytest.mark.usefixtures("too_wide")
@pytest.mark.parametrize("states", [1e9, 0], ids=["by a diagram", "by an engine"])
def test_the_fewest_are_counted_by_a_diagram_of_covers_if_that_is_not_too_wide(states, monkeypatch):
    monkeypatch.setattr(wide, "WIDE", states)

    assert least(every_two_of(12), width=WIDE).fewest == 11  # Six by halves.


@given(coverings())
def test_a_cover_that_windows_made_cheap_is_one_and_costs_no_less_than_the_best(problem):
    line = Line.of(problem)
    found = cheap(line)

    assert keeps(problem, line.unordered(found))
    assert line.costs @ found >= cheapest(problem) - 1e-6


def test_windows_find_what_is_cheap_in_each_and_leave_the_rest():
    # Forty places in a row: each is covered by itself, and by one that covers the next too.
    rows = np.eye(40)
    rows = np.hstack((rows, (np.eye(40) + np.eye(40, k=1))[:, 1:]))
    line = Line.of(covering([2] * 40 + [3] * 39, rows))
    alone = line.rows.sum(axis=0) == 1

    found = cheap(line, np.where(alone, 1.0, 0.0))

    assert line.costs @ found == 20 * 3  # Instead of 40 times 2.


def test_what_is_open_is_counted_from_its_first_variable_to_its_last():
    # A row over all three; the first asks for the third, which is open between them.
    openings = Openings(csr_array(np.ones((1, 3))), np.array([[0, 2]]))

    found = openings.states(np.array([[0, 1, 2], [2, 1, 0], [0, 2, 1]]))

    assert found[0] == pytest.approx(2 + 2 + 1 + 1)
    # The third is left out before the first may ask for it.
    assert found[1] == pytest.approx(2 + 2 + 1 + 1)
    # With nothing between them: two are open after one variable, the row alone after two.
    assert found[2] == pytest.approx(2 + 2**0.5 + 1 + 1)


@given(coverings())
def test_an_order_has_each_variable_once_and_moves_leave_no_more_states(problem):
    openings = Openings(problem.covers, problem.implications)
    found = narrow_order(problem.covers, problem.implications)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "_MOVES", 0)
        unmoved = narrow_order(problem.covers, problem.implications)

    assert sorted(found.tolist()) == list(range(problem.costs.size))
    moved, still = openings.states(np.array([found, unmoved]))
    assert moved <= still


def test_an_order_along_another_line_has_what_is_new_amid_what_it_shares_rows_with(monkeypatch):
    monkeypatch.setattr(order, "_MOVES", 0)
    path = csr_array(np.eye(6)[:5] + np.eye(6, k=1)[:5])  # Each row has a variable and the next.
    along = np.array([50.0, 40.0, np.nan, 20.0, 10.0, 0.0])

    found = narrow_order(path, NONE, along=along)

    assert found.tolist() == [5, 4, 3, 2, 1, 0]


def test_windows_end_where_costs_are_below_nothing():
    seen = []

    def within(values, window):
        seen.append(window)
        return values

    found = improved(np.full(9, -1.0), np.ones(9), 9, within, share=1 / 3)

    assert found.tolist() == [1.0] * 9
    assert len(seen) == len({window.start for window in seen})


def test_a_path_that_closes_at_its_ends_has_little_open_once_moves_make_it_better():
    # On a ring of rows two are open at once; by number, as many as half of them.
    size = 24
    at = np.random.default_rng(5).permutation(size)
    rows = np.zeros((size, size))
    for row in range(size):
        rows[row, [at[row], at[(row + 1) % size]]] = 1
    covers = csr_array(rows)

    found = narrow_order(covers, NONE)

    assert Openings(covers, NONE).states(found[np.newaxis]) <= 2 * size + 1


STATES = st.dictionaries(st.integers(0, 2**6 - 1), st.integers(0, 4), min_size=1, max_size=40)


@given(STATES, st.integers(0, 9))
def test_a_needless_state_has_one_left_that_has_done_as_much_for_no_more(states, seed):
    done = np.array(list(states), dtype=np.uint64)
    cost = np.array(list(states.values()), dtype=np.float64)

    needless = dominated(done, cost, seed=seed)

    left = [(int(d), c) for d, c in zip(done[~needless], cost[~needless], strict=True)]
    for mine, price in zip(done[needless].tolist(), cost[needless].tolist(), strict=True):
        assert any(mine & other == mine and c <= price for other, c in left)


@given(STATES, st.integers(0, 9))
def test_of_few_states_all_that_are_needless_are_found(states, seed):
    done = np.array(list(states), dtype=np.uint64)
    cost = np.array(list(states.values()), dtype=np.float64)

    found = dominated(done, cost, seed=seed)

    better = (done[:, np.newaxis] & ~done == 0) & (cost[:, np.newaxis] >= cost)
    np.fill_diagonal(better, val=False)
    assert found.tolist() == better.any(axis=1).tolist()


def test_a_row_that_nothing_can_cover_has_no_answer():
    assert least(covering([1, 1], [[1, 1], [0, 0]]), width=WIDE).bound == INF


def test_no_rows_ask_for_nothing_but_what_pays():
    assert least(covering([3, -2, 1], np.zeros((0, 3))), width=WIDE).bound == -2


def test_what_another_does_for_no_more_is_not_needed():
    # The second is in all rows of the first for less; the third costs less than either.
    problem = covering([3, 2, 1], [[1, 1, 0], [0, 1, 0], [0, 0, 1]])

    fewer, left = needed(problem)

    assert left.tolist() == [1, 2]
    assert fewer.covers.toarray().tolist() == [[1, 0], [0, 1]]


def test_of_equals_one_stays():
    _, left = needed(covering([2, 2, 2], [[1, 1, 1]]))

    assert left.tolist() == [0]


def test_what_implies_more_is_not_beaten_by_what_implies_less_for_more():
    # The first is cheaper and asks for the third, the second asks for nothing.
    _, left = needed(covering([1, 2, 5], [[1, 1, 0]], [(0, 2)]))

    assert left.tolist() == [0, 1, 2]


def test_rows_beside_each_other_come_to_lie_side_by_side():
    # A path whose rows come in any order: two variables to a row, so one row is open at a time.
    size = 12
    at = np.random.default_rng(1).permutation(size)
    rows = np.zeros((size - 1, size))
    for row, (one, other) in enumerate(pairwise(at)):
        rows[row, [one, other]] = 1

    line = Line.of(covering(np.arange(size) + 1, rows))

    assert line.bits.rows[: line.hard].max() <= 1

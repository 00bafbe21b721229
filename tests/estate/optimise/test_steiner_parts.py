from __future__ import annotations

from itertools import chain, combinations, pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.optimise.effort import Budget
from estate.optimise.steiner.ascent import dual_ascent
from estate.optimise.steiner.core import Core, Reduction
from estate.optimise.steiner.cuts import Relaxation
from estate.optimise.steiner.hung import HungTree
from estate.optimise.steiner.improvement import improved
from estate.optimise.steiner.pruning import useless
from estate.optimise.steiner.search import grown, joins, tree_on


def plenty() -> Budget:
    return Budget(1e9, seconds=600)


def core_of(ends, weights, terminals, *, node_count) -> Core:
    tails, heads = np.array(ends).T
    return Core(
        node_count=node_count,
        tails=tails,
        heads=heads,
        weights=np.array(weights, dtype=float),
        terminals=tuple(terminals),
        names=tuple(range(len(ends))),
    )


@st.composite
def cores(draw, *, nodes=7):
    """Return a connected core with a circle through all nodes, and two terminals or more."""
    count = draw(st.integers(3, nodes))
    chords = [pair for pair in combinations(range(count), 2) if abs(pair[0] - pair[1]) > 1]
    ends = [*pairwise(range(count)), *draw(st.lists(st.sampled_from(chords), unique=True))]
    weights = draw(st.lists(st.integers(1, 9), min_size=len(ends), max_size=len(ends)))
    terminals = draw(st.sets(st.integers(0, count - 1), min_size=2))
    return core_of(ends, weights, sorted(terminals), node_count=count)


def trees(core: Core) -> list[frozenset[int]]:
    """Return every tree with all terminals whose leaves are terminals."""
    found = []
    edges = range(len(core.ends))
    for chosen in chain.from_iterable(combinations(edges, k) for k in range(1, core.node_count)):
        tree = frozenset(chosen)
        graph = nx.Graph(core.ends[edge] for edge in tree)
        leaves = {node for node, degree in graph.degree if degree == 1}
        if nx.is_forest(graph) and joins(core, tree) and leaves <= core.is_terminal:
            found.append(tree)
    return found


def as_arcs(core: Core, tree: frozenset[int], root: int) -> set[int]:
    """Return the arcs of a tree that leaves the root."""
    edge_of = {frozenset(core.ends[edge]): edge for edge in tree}
    arcs = set()
    for near, far in nx.bfs_edges(nx.Graph(core.ends[edge] for edge in tree), root):
        edge = edge_of[frozenset((near, far))]
        arcs.add(2 * edge + (core.ends[edge][0] != near))
    return arcs


@given(cores())
def test_an_ascent_is_no_dearer_than_any_tree_and_its_slack_pays_the_rest(core):
    root = core.terminals[0]

    ascent = dual_ascent(core, root, plenty())

    for tree in trees(core):
        arcs = as_arcs(core, tree, root)
        rest = sum(ascent.slack[arc] for arc in arcs)
        assert core.cost(tree) >= ascent.bound + rest - 1e-9
        assert all(arcs & set(cut.tolist()) for cut in ascent.cuts)


@given(cores())
def test_pruning_keeps_every_tree_up_to_the_ceiling(core):
    root = core.terminals[-1]
    ascent = dual_ascent(core, root, plenty())
    known = trees(core)
    ceiling = min(core.cost(tree) for tree in known) + 2

    dead = useless(core, ascent.slack, root=root, bound=ascent.bound, ceiling=ceiling)

    for tree in known:
        if core.cost(tree) <= ceiling:
            assert not any(dead[arc] for arc in as_arcs(core, tree, root))


@given(cores())
def test_the_relaxation_is_no_dearer_than_any_tree_and_its_slack_pays_the_rest(core):
    root = core.terminals[0]
    relaxation = Relaxation(core, root, ())
    best = min(core.cost(tree) for tree in trees(core))

    while True:
        found = relaxation.solve(plenty())
        assert found.bound <= best + 1e-6
        if not relaxation.separate(found.use, plenty()):
            break

    for tree in trees(core):
        if core.cost(tree) <= best:
            rest = sum(found.slack[arc] for arc in as_arcs(core, tree, root))
            assert core.cost(tree) >= found.bound + rest - 1e-6


def test_the_simplex_and_the_interior_point_prove_the_same_bound(monkeypatch):
    # The four corners of a grid of 3 x 3 with steps of 1: a tree takes six of them.
    grid = [(n, n + 1) for n in range(9) if n % 3 < 2] + [(n, n + 3) for n in range(6)]
    core = core_of(grid, [1] * 12, [0, 2, 6, 8], node_count=9)
    cuts = dual_ascent(core, 0, plenty()).cuts

    bounds = []
    for pivots in (4000, 0):  # Without any pivot allowed it is left to the interior point.
        monkeypatch.setattr("estate.optimise.steiner.cuts._PIVOTS_MAX", pivots)
        relaxation = Relaxation(core, 0, cuts)
        while relaxation.separate((found := relaxation.solve(plenty())).use, plenty()):
            pass
        bounds.append(found.bound)

    assert bounds == pytest.approx([bounds[0]] * 2)
    assert 5 <= bounds[0] <= 6 + 1e-6


@given(cores())
def test_whole_arcs_under_all_cuts_are_the_best_tree(core):
    relaxation = Relaxation(core, core.terminals[0], ())
    best = min(core.cost(tree) for tree in trees(core))

    while True:
        use, bound = relaxation.solve_whole(plenty(), ceiling=best + 5)
        if not relaxation.separate(use, plenty()):
            break

    assert bound == pytest.approx(best)
    assert use @ np.repeat(core.weights, 2) == pytest.approx(best)


def test_there_are_no_whole_arcs_below_the_best_tree():
    core = core_of([(0, 1), (1, 2)], [3, 4], [0, 2], node_count=3)
    relaxation = Relaxation(core, 0, [np.array([0])])  # The cut behind the first edge.

    assert relaxation.solve_whole(plenty(), ceiling=6.5) == (None, np.inf)


@given(cores())
def test_a_reduction_keeps_a_best_tree_and_writes_it_in_the_first_edges(core):
    reduction = Reduction(core.ends, core.lengths, core.terminals, node_count=core.node_count)
    left = reduction.core()
    best = min(core.cost(tree) for tree in trees(core))
    candidates = trees(left) if len(left.terminals) > 1 else [frozenset()]

    tree = min(candidates, key=left.cost)

    edges = reduction.first_edges(left.names[edge] for edge in tree)
    assert left.cost(tree) + reduction.forced_cost == best == core.cost(edges)


@given(cores(nodes=8))
def test_an_improved_tree_is_a_tree_and_no_dearer(core):
    fragments = [[terminal] for terminal in core.terminals]
    first = tree_on(core, grown(core, fragments, lengths=core.lengths, budget=plenty()), plenty())

    better = improved(core, first, plenty())

    assert joins(core, first)
    assert joins(core, better)
    assert core.cost(better) <= core.cost(first)


def test_growing_ends_where_the_ways_are_longer_than_the_limit():
    core = core_of([(0, 1), (1, 2)], [3, 4], [0, 2], node_count=3)

    assert 2 not in grown(core, [[0], [2]], lengths=core.lengths, budget=plenty(), limit=6)


def hung() -> HungTree:
    # 0 – 1 – 2 – 3 with 4 hanging from 2; terminals are 0, 3 and 4.
    core = core_of([(0, 1), (1, 2), (2, 3), (2, 4)], [1, 5, 2, 3], [0, 3, 4], node_count=5)
    return HungTree(core, frozenset(range(4)))


def test_a_fork_matters_and_a_node_on_the_way_does_not():
    assert [node for node in range(5) if hung().matters(node)] == [0, 2, 3, 4]
    assert hung().is_fork(2)


def test_the_way_up_ends_at_the_next_node_that_matters():
    assert hung().path_up(2) == ([1, 0], {1})
    assert hung().path_up(3) == ([2], set())


def test_the_longest_part_of_a_way_ends_where_something_branches_off():
    # From 0 to 4: 1 and 5 to the fork, then 3.
    assert hung().longest_between(0, 4, plenty()) == (6, frozenset({1}))
    # From the middle of that part only its rest counts.
    assert hung().longest_between(1, 4, plenty()) == (5, frozenset())


def test_without_its_fork_a_tree_falls_into_pieces():
    gone, pieces = hung().without(2)

    assert sorted(gone) == [0, 1, 2, 3]
    assert sorted(map(list, pieces)) == [[0], [3], [4]]

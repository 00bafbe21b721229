"""The solvers against published optima that lie outside the repository.

A quick part of each set; `benchmarks/solvers.py` goes through all of it.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.solver_instances import (
    ap_cover,
    incidence,
    published,
    read_holmberg,
    read_set_cover,
    read_steinlib,
    read_warehouses,
    site,
)
from estate.optimise import capacitated_cover, capacitated_facilities, steiner_tree

BENCH = Path(__file__).resolve().parents[3] / "shared" / "bench"
STEINLIB, CFL, ORLIB = BENCH / "steinlib", BENCH / "cfl", BENCH / "orlib"

needs_bench = pytest.mark.skipif(
    not BENCH.is_dir() and not os.environ.get("CI"), reason="../shared/bench is not here"
)

# Two to three of each kind: grids with holes, dear drops, incidence weights, many terminals.
TREES = [
    "berlin52",
    "diw0250",
    "dmxa1109",
    "e02",
    "es100fst08",
    "gap1810",
    "i080-231",
    "i160-205",
    "lin05",
    "lin12",
    "msm0654",
    "msm4190",
    "rc02",
    "st70fst",
    "taq0920",
    "wrp3-12",
    "wrp4-13",
]
HOLMBERG = ("p1", "p3", "p5", "p7", "p11", "p21", "p47")
WAREHOUSES = ("cap71", "cap101", "cap133")
COVERS = ("scp41", "scp43", "scp53", "scp57")


@needs_bench
@pytest.mark.parametrize("name", TREES)
def test_a_published_steiner_tree_is_found_and_proven(name):
    graph, terminals = read_steinlib(STEINLIB / f"{name}.stp")

    tree = steiner_tree(graph, terminals, seconds=900)

    assert tree.cost == tree.bound == published(STEINLIB)[f"{name}.stp"]


@needs_bench
@pytest.mark.parametrize("name", ["cc3-5p", "fl417fst", "i640-313"])
def test_a_hard_steiner_tree_lies_between_its_bound_and_three_per_cent(name):
    graph, terminals = read_steinlib(STEINLIB / f"{name}.stp")

    tree = steiner_tree(graph, terminals, seconds=900)

    optimum = published(STEINLIB)[f"{name}.stp"]
    assert tree.bound <= optimum <= tree.cost <= 1.03 * optimum


@needs_bench
@pytest.mark.parametrize("name", HOLMBERG)
def test_published_facilities_with_whole_customers_are_proven(name):
    answer = capacitated_facilities(*read_holmberg(CFL / f"holmberg_{name}.txt"), seconds=900)

    assert answer.cost == answer.bound == published(CFL)[f"holmberg_{name}.txt"]


@needs_bench
@pytest.mark.parametrize("name", WAREHOUSES)
def test_published_warehouses_are_proven(name):
    answer = capacitated_facilities(*read_warehouses(ORLIB / f"{name}.txt"), single_source=False)

    # The published values have three decimals.
    assert answer.cost == pytest.approx(published(ORLIB)[f"{name}.txt"], rel=1e-8)
    assert answer.gap <= 1e-6


@needs_bench
@pytest.mark.parametrize("name", COVERS)
def test_published_set_covers_are_proven(name):
    cover = capacitated_cover(*read_set_cover(ORLIB / f"{name}.txt"))

    assert cover.cost == cover.bound == published(ORLIB)[f"{name}.txt"]


@pytest.mark.parametrize(
    ("terminals", "more_edges"), [(193, 0), (193, 0.1), (2881, 0), (2881, 0.1)]
)
def test_the_containment_of_a_site_is_proven(terminals, more_edges):
    instance = site(seed=1, terminals=terminals, more_edges=more_edges)
    assert instance.graph.number_of_nodes() == 4673
    assert instance.graph.number_of_edges() == round(4838 * (1 + more_edges))

    tree = steiner_tree(instance.graph, instance.terminals, weight="cost_gbp", seconds=900)

    assert (tree.bound, tree.stopped_by) == (tree.cost, "optimal")


def test_what_is_needless_from_one_root_is_not_mixed_with_what_is_from_another():
    # Once a mixture called 201,882.98 proven. By an older search and by this one it costs less.
    instance = site(seed=6, terminals=400, more_edges=0.1)

    tree = steiner_tree(instance.graph, instance.terminals, weight="cost_gbp", seconds=900)

    assert (tree.cost, tree.bound) == (pytest.approx(201_863.97), tree.cost)


def test_access_points_with_24_clients_are_within_one_per_cent_of_the_bound():
    instance = ap_cover(seed=1)
    loads = incidence(instance.cells, instance.cell_count)

    cover = capacitated_cover(instance.costs_gbp, loads, np.full(360, 24), seconds=900)

    assert np.bincount(cover.assignment).max() <= 24
    assert cover.gap <= 0.01

"""Measure the solvers on published instances and on drawn ones, beside other ways.

Usage: python benchmarks/solvers.py [SECTION...]; the sections are those of SECTIONS, all of them
without a name. Published instances are read from ../shared/bench, and left out where that is
absent. Times are CPU seconds of the process, all its threads together: they depend least on what
else the machine does. Every answer is stopped by counted effort, not by these seconds.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from time import process_time
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
from networkx.algorithms.approximation import steiner_tree as networkx_steiner_tree
from scipy.sparse import csr_array

from benchmarks.measuring import aligned
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
from benchmarks.solver_wings import shape_of, wing
from estate.optimise import (
    capacitated_cover,
    capacitated_facilities,
    connected_cover,
    routes_within,
    steiner_tree,
)
from estate.optimise.constraint import minimise_whole
from estate.optimise.cover import Covering, cover_programme
from estate.optimise.effort import Budget
from estate.optimise.facilities import Problem, facilities_programme
from estate.optimise.programme import Found, Programme, minimise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BENCH = Path(__file__).resolve().parents[2] / "shared" / "bench"
CAP_S = 1200.0  # Only there for safety; a busy machine must not change an answer.
PLAIN_NODES = 50  # Branch and bound nodes of a plain model.
KOU_SIZE = 200_000  # Nodes times terminals beyond which networkx's other method takes minutes.
LINK_M = 90.0
ROUNDING = 1e-6

# What is aimed at: per cent, shares and CPU seconds.
STEINER_MEAN, STEINER_WORST, STEINER_S = 0.5, 3.0, 10
SITE_S = 3
FACILITIES_GAP, FACILITIES_S = 1e-3, 60
COVER_S = 60
CLIENTS, CLIENTS_GAP, CLIENTS_SAVING, CLIENTS_S = 24, 0.01, 0.15, 30
WINGS_MEAN, WINGS_WORST = 1.5, 4.0


@dataclass(frozen=True)
class Timed:
    """What a call returned, and the CPU time it took."""

    answer: Any
    cpu_s: float


def timed(call: Callable[[], Any]) -> Timed:
    """Return a call's answer with its CPU time."""
    start = process_time()
    answer = call()
    return Timed(answer, process_time() - start)


def per_cent(cost: float, reference: float) -> float:
    """Return how far a cost is above a reference, in per cent."""
    return 100 * (cost / reference - 1)


def _verdict(name: str, *, met: bool) -> str:
    return f"{'met' if met else 'MISSED'}: {name}"


def steiner() -> str:
    """Compare trees on SteinLib with networkx's better one of its two methods."""
    folder = BENCH / "steinlib"
    optima = published(folder)
    rows, gaps, theirs, times, dearer = [], [], [], [], 0
    for name in sorted(optima):
        graph, terminals = read_steinlib(folder / name)
        ours = timed(lambda g=graph, t=terminals: steiner_tree(g, t, seconds=CAP_S))
        other = timed(lambda g=graph, t=terminals: _networkx_tree(g, t))
        tree = ours.answer
        gaps.append(per_cent(tree.cost, optima[name]))
        theirs.append(per_cent(other.answer, optima[name]))
        times.append(ours.cpu_s)
        dearer += tree.cost > other.answer
        rows.append(
            [
                name.removesuffix(".stp"),
                str(graph.number_of_nodes()),
                str(len(terminals)),
                f"{gaps[-1]:.2f} %",
                f"{100 * tree.gap:.2f} %",
                tree.stopped_by,
                f"{theirs[-1]:.1f} %",
                f"{ours.cpu_s:.2f}",
                f"{other.cpu_s:.2f}",
            ]
        )
    headings = "instance nodes terminals above_optimum gap stopped_by networkx CPU_s nx_CPU_s"
    table = aligned([word.replace("_", " ") for word in headings.split()], rows)
    return "\n".join(
        [
            table,
            (
                f"mean {mean(gaps):.2f} % above the optimum, networkx {mean(theirs):.1f} %;"
                f" {sum(times):.0f} CPU s in all"
            ),
            _verdict(
                "mean gap at most 0.5 %, none above 3 %",
                met=mean(gaps) <= STEINER_MEAN and max(gaps) <= STEINER_WORST,
            ),
            _verdict("never dearer than networkx's best", met=not dearer),
            _verdict("at most 10 s each", met=max(times) <= STEINER_S),
        ]
    )


def _networkx_tree(graph: nx.Graph[Any], terminals: list[Any]) -> float:
    """Return the cost of the cheaper tree of networkx; its slow method where that is bearable."""
    methods = ["mehlhorn"] if graph.number_of_nodes() * len(terminals) > KOU_SIZE else []
    trees = [
        networkx_steiner_tree(graph, terminals, method=method)
        for method in methods or ("mehlhorn", "kou")
    ]
    return min(tree.size(weight="weight") for tree in trees)


def sites() -> str:
    """Prove the containment of a whole site."""
    rows, met = [], True
    for terminals, more in ((193, 0.0), (193, 0.1), (2881, 0.0), (2881, 0.1)):
        case = site(seed=1, terminals=terminals, more_edges=more)
        nx.set_edge_attributes(
            case.graph, {(a, b): c for a, b, c in case.graph.edges(data="cost_gbp")}, "weight"
        )
        ours = timed(lambda c=case: steiner_tree(c.graph, c.terminals, seconds=CAP_S))
        other = timed(lambda c=case: networkx_steiner_tree(c.graph, c.terminals, method="mehlhorn"))
        tree = ours.answer
        met &= tree.cost == tree.bound and ours.cpu_s <= SITE_S
        rows.append(
            [
                f"{terminals} terminals, {case.graph.number_of_edges()} edges",
                f"{tree.cost:.2f}",
                tree.stopped_by,
                f"{ours.cpu_s:.2f}",
                f"{per_cent(other.answer.size(weight='weight'), tree.cost):.2f} %",
                f"{other.cpu_s:.2f}",
            ]
        )
    headings = ["site", "cost", "stopped by", "CPU s", "mehlhorn dearer by", "its CPU s"]
    return f"{aligned(headings, rows)}\n{_verdict('exact in at most 3 s each', met=met)}"


def facilities() -> str:
    """Prove facility location: whole customers (Holmberg), split ones (warehouses)."""
    readers = {"cfl": (read_holmberg, True), "orlib": (read_warehouses, False)}
    rows, met = [], True
    for folder, (read, single) in readers.items():
        for name, optimum in sorted(published(BENCH / folder).items()):
            if folder == "orlib" and not name.startswith("cap"):
                continue
            tables = read(BENCH / folder / name)
            ours = timed(
                lambda t=tables, s=single: capacitated_facilities(
                    *t, single_source=s, seconds=CAP_S
                )
            )
            plain = timed(lambda t=tables, s=single: _plain(_facilities_of(t, single=s)))
            found = ours.answer
            met &= found.gap <= FACILITIES_GAP and ours.cpu_s <= FACILITIES_S
            rows.append(
                [
                    name.removesuffix(".txt"),
                    f"{per_cent(found.cost, optimum):.3f} %",
                    f"{100 * found.gap:.3f} %",
                    found.stopped_by,
                    f"{ours.cpu_s:.1f}",
                    _gap(plain.answer),
                    f"{plain.cpu_s:.1f}",
                ]
            )
    headings = "instance,above published,proven gap,stopped by,CPU s,plain HiGHS gap,its CPU s"
    verdict = _verdict("proven, or within 0.1 %, in at most 60 s each", met=met)
    return f"{aligned(headings.split(','), rows)}\n{verdict}"


def _facilities_of(tables: Iterable[Any], *, single: bool) -> Programme:
    problem = Problem(*(np.asarray(table, dtype=float) for table in tables), single)
    return facilities_programme(problem, problem.possible)[0]


def _plain(programme: Programme) -> tuple[float, float]:
    """Return cost and bound of HiGHS on the programme as it stands."""
    found = minimise(programme, nodes=PLAIN_NODES, seconds=60)
    cost = float("nan") if found.values is None else float(programme.costs @ found.values)
    return cost, found.bound


def _gap(found: tuple[float, float]) -> str:
    cost, bound = found
    return "none" if np.isnan(cost) else f"{100 * max(0.0, 1 - bound / cost):.2f} %"


def covers() -> str:
    """Prove the set covers of OR-Library."""
    rows, met = [], True
    for name, optimum in sorted(published(BENCH / "orlib").items()):
        if not name.startswith("scp"):
            continue
        costs, loads = read_set_cover(BENCH / "orlib" / name)
        ours = timed(lambda c=costs, x=loads: capacitated_cover(c, x, seconds=CAP_S))
        covering = Covering(np.array(costs, dtype=float), loads, None)
        plain = timed(lambda c=covering: _plain(cover_programme(c)[0]))
        greedy = _greedy(covering)
        cover = ours.answer
        met &= cover.cost == cover.bound == optimum and ours.cpu_s <= COVER_S
        rows.append(
            [
                name.removesuffix(".txt"),
                f"{cover.cost:.0f}",
                f"{optimum:.0f}",
                cover.stopped_by,
                f"{ours.cpu_s:.2f}",
                _gap(plain.answer),
                f"{plain.cpu_s:.2f}",
                f"{per_cent(greedy, cover.cost):.0f} %",
            ]
        )
    headings = "instance,cost,optimum,stopped by,CPU s,plain HiGHS gap,its CPU s,greedy dearer by"
    verdict = _verdict("all optimal in at most 60 s each", met=met)
    return f"{aligned(headings.split(','), rows)}\n{verdict}"


def _greedy(covering: Covering) -> float:
    """Return the cost of taking sets by cost for each newly covered element, as far as they bear.

    A set takes first those whom the fewest sets hold. An element whose sets are all full takes
    the place of one that can still go elsewhere.
    """
    loads = covering.loads
    choices = np.bincount(loads.indices, minlength=loads.shape[1])
    members = [
        sorted(loads.indices[slice(*loads.indptr[i : i + 2])].tolist(), key=lambda e: choices[e])
        for i in range(covering.costs.size)
    ]
    room = [len(each) for each in members]
    if covering.capacity is not None:
        room = np.minimum(room, covering.capacity).astype(int).tolist()
    left = set(range(loads.shape[1]))
    served: dict[int, int] = {}
    unused = set(range(len(members)))
    while left:
        fresh = {i: [e for e in members[i] if e in left][: room[i]] for i in unused}
        useful = [i for i in sorted(unused) if fresh[i]]
        if not useful:
            stuck = min(left)
            gone = next(
                e
                for e, i in sorted(served.items())
                if stuck in members[i] and any(e in members[other] for other in unused)
            )
            served[stuck] = served.pop(gone)
            left = left - {stuck} | {gone}
            continue
        best = min(useful, key=lambda i: covering.costs[i] / len(fresh[i]))
        left -= set(fresh[best])
        served |= dict.fromkeys(fresh[best], best)
        unused.discard(best)
    return float(covering.costs[sorted(set(served.values()))].sum())


def access_points() -> str:
    """Place access points with at most 24 and at most 16 clients each."""
    rows, met = [], True
    for most in (CLIENTS, 16):
        case = ap_cover(seed=1)
        loads = incidence(case.cells, case.cell_count)
        limits = np.full(len(case.costs_gbp), most)
        costs = np.array(case.costs_gbp, dtype=float)
        ours = timed(lambda x=loads, c=limits, p=costs: capacitated_cover(p, x, c, seconds=CAP_S))
        covering = Covering(costs, csr_array(loads), limits.astype(float))
        programme = cover_programme(covering)[0]
        greedy = timed(lambda c=covering: _greedy(c))
        plain = timed(lambda p=programme: _plain(p))
        start = Found(values=None, bound=0.0)
        whole = timed(
            lambda p=programme, s=start: minimise_whole(p, s, Budget(20, seconds=CAP_S), seed=0)
        )
        values = whole.answer.values
        counted = float("nan") if values is None else float(programme.costs @ values)
        cover = ours.answer
        if most == CLIENTS:
            saving = 1 - cover.cost / greedy.answer
            quick = ours.cpu_s <= CLIENTS_S
            met = cover.gap <= CLIENTS_GAP and quick and saving >= CLIENTS_SAVING
        rows += [
            [
                f"{most} clients: ours",
                f"{cover.cost:.0f}",
                f"{100 * cover.gap:.2f} %",
                f"{ours.cpu_s:.1f}",
            ],
            [
                "greedy",
                f"{greedy.answer:.0f}",
                f"{per_cent(greedy.answer, cover.cost):.0f} % dearer",
                f"{greedy.cpu_s:.1f}",
            ],
            ["plain HiGHS", f"{plain.answer[0]:.0f}", _gap(plain.answer), f"{plain.cpu_s:.1f}"],
            [
                "plain CP-SAT",
                f"{counted:.0f}",
                _gap((counted, whole.answer.bound)),
                f"{whole.cpu_s:.1f}",
            ],
        ]
    verdict = _verdict("24 clients: 1 % in 30 s, 15 % below greedy", met=met)
    return f"{aligned(['700 cells, 360 places', 'cost', 'gap', 'CPU s'], rows)}\n{verdict}"


def routes() -> str:
    """Route from 30 cabinets over some 5,000 nodes within 90 m, networkx's graph and all."""
    graph = site(seed=1, terminals=2).graph
    cabinets = sorted(node for node in graph if node[0] == "riser")[:30]
    ours = [
        timed(lambda: routes_within(graph, cabinets, limit=LINK_M, weight="length_m"))
        for _ in range(5)
    ]
    theirs = [timed(lambda: _networkx_routes(graph, cabinets)) for _ in range(3)]
    found, other = ours[0].answer, theirs[0].answer
    same = all(
        abs(found.length_to(source, node) - length) < ROUNDING
        for source, lengths in other.items()
        for node, length in lengths.items()
    )
    quick, slow = min(each.cpu_s for each in ours), min(each.cpu_s for each in theirs)
    full = timed(
        lambda: [
            nx.single_source_dijkstra_path_length(graph, source, weight="length_m")
            for source in cabinets
        ]
    )
    rows = [
        ["ours, conversion included", f"{1000 * quick:.1f}", "1.0"],
        ["networkx with a cutoff", f"{1000 * slow:.1f}", f"{slow / quick:.1f}"],
        ["networkx without", f"{1000 * full.cpu_s:.1f}", f"{full.cpu_s / quick:.1f}"],
    ]
    headings = [f"30 cabinets, {graph.number_of_nodes()} nodes", "CPU ms", "times ours"]
    met = same and slow >= 5 * quick
    return f"{aligned(headings, rows)}\n{_verdict('the same lengths, 5 times faster', met=met)}"


def _networkx_routes(graph: nx.Graph[Any], sources: list[Any]) -> dict[Any, dict[Any, float]]:
    return {
        source: nx.single_source_dijkstra(graph, source, cutoff=LINK_M, weight="length_m")[0]
        for source in sources
    }


def wings() -> str:
    """Serve and connect wings; the tight ones take twice the airtime for each cell."""
    rows, gaps, times = [], [], []
    for airtime in (1.0, 2.0):
        for number, cells in enumerate((40, 80, 120, 180, 180, 240)):
            case = wing(replace(shape_of(cells, number=number), airtime=airtime), seed=number)
            ours = timed(lambda c=case: connected_cover(c, seconds=CAP_S))
            answer = ours.answer
            gaps.append(100 * answer.gap)
            times.append(ours.cpu_s)
            rows.append(
                [
                    f"{case.customer_count} cells{', tight' if airtime > 1 else ''}",
                    str(case.point_nodes.size),
                    str(case.tails.size),
                    f"{answer.cost:.0f}",
                    f"{gaps[-1]:.2f} %",
                    answer.stopped_by,
                    str(len(answer.connections)),
                    f"{ours.cpu_s:.1f}",
                ]
            )
    headings = "wing,points,edges,cost,proven gap,stopped by,cables,CPU s"
    return "\n".join(
        [
            aligned(headings.split(","), rows),
            f"mean gap {mean(gaps):.2f} %, largest {max(gaps):.2f} %",
            _verdict(
                "mean gap at most 1.5 %, none above 4 %",
                met=mean(gaps) <= WINGS_MEAN and max(gaps) <= WINGS_WORST,
            ),
        ]
    )


SECTIONS = {
    "routes": routes,
    "sites": sites,
    "covers": covers,
    "access_points": access_points,
    "wings": wings,
    "facilities": facilities,
    "steiner": steiner,
}
_NEED_BENCH = {"covers", "facilities", "steiner"}


def main() -> None:
    """Print one table after the other."""
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    if unknown := [name for name in sys.argv[1:] if name not in SECTIONS]:
        sys.exit(f"no section {unknown[0]}; there are {', '.join(SECTIONS)}")
    for name in sys.argv[1:] or SECTIONS:
        if name in _NEED_BENCH and not BENCH.is_dir():
            print(f"\n{name}: left out, {BENCH} is not here", flush=True)
            continue
        print(f"\n{name}\n{SECTIONS[name]()}", flush=True)


if __name__ == "__main__":
    main()

"""The connected cover problem, and what an answer to it holds."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import fsum
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from estate.optimise.answer import StoppedBy
from estate.optimise.arrays import Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, eq=False, kw_only=True)
class ConnectedCover:
    """Customers to serve from points, points to connect to hubs, and a graph to carry the cables.

    Each customer is served by one chosen point whose mode is that of the customer's family.
    Each chosen point has one cable of its own: a route through the graph to an open hub, at most
    `length_limit` long. Paid are the edges that carry a cable, open hubs and their modules, chosen
    points, cables by length, the families' modes, and serving.

    Parameters
    ----------
    node_count
        Nodes of the graph, numbered from 0.
    tails, heads
        The two ends of each of k edges, which carry cables both ways; shape (k,). Edges may be
        parallel.
    build_costs, lengths, capacities
        What an edge costs once if any cable uses it, how long it is, and how many cables it holds
        at most, infinite for no limit; shape (k,).
    hub_nodes, hub_costs
        Where each of h hubs is, and what it costs to open; shape (h,).
    module_size, module_costs, module_limits, free_ports
        Cables that end in one module; what a module costs at each hub, how many it has room for,
        and how many cables end there without a module; shape (h,).
    point_nodes, point_costs, point_lengths, point_capacities
        Where each of p points is, what choosing it costs, the length from the point to its node,
        and the load that it bears, infinite for no limit; shape (p,).
    cable_cost, length_limit
        What a unit of length of cable costs, and how long a cable may be from point to hub.
    loads
        Which of n customers each point may serve: a stored number, 0 included, is the load that
        puts on it; sparse, shape (p, n).
    families, modes, mode_costs
        The family of each customer, the mode of each point, and what a mode costs a family,
        infinite where it is not offered; shapes (n,), (p,) and (families, modes).
    serving_costs
        What it costs that a point serves a customer, 0 where nothing is stored; shape (p, n).
    """

    node_count: int
    tails: Ints
    heads: Ints
    build_costs: Floats
    lengths: Floats
    capacities: Floats
    hub_nodes: Ints
    hub_costs: Floats
    module_size: float
    module_costs: Floats
    module_limits: Ints
    free_ports: Ints
    point_nodes: Ints
    point_costs: Floats
    point_lengths: Floats
    point_capacities: Floats
    cable_cost: float
    length_limit: float
    loads: csr_array
    families: Ints
    modes: Ints
    mode_costs: Floats
    serving_costs: csr_array | None = None

    @property
    def customer_count(self) -> int:
        """Return how many customers there are."""
        return int(self.families.size)

    def price(self, connections: Iterable[Connection], serving: Iterable[int]) -> float:
        """Return what an answer costs, from its cables and who serves whom alone."""
        cables = list(connections)
        points = [cable.point for cable in cables]
        used = sorted({edge for cable in cables for edge in cable.edges})
        modules = self.modules_for(cables)
        served_by = np.array(list(serving), dtype=np.int64)
        modes = mode_of_families(self, served_by)
        parts = [
            *self.build_costs[used],
            *self.hub_costs[sorted({cable.hub for cable in cables})],
            *(self.module_costs * modules),
            *self.point_costs[points],
            *(self.cable_cost * cable.length for cable in cables),
            *self.mode_costs[np.arange(modes.size), modes][modes >= 0],
        ]
        if self.serving_costs is not None:
            costs = self.serving_costs.toarray()
            parts += costs[served_by, np.arange(served_by.size)].tolist()
        return fsum(map(float, parts))

    def modules_for(self, connections: Iterable[Connection]) -> Ints:
        """Return how many modules each hub needs for the cables that end there."""
        ends = np.array([cable.hub for cable in connections], dtype=np.int64)
        count = np.bincount(ends, minlength=self.hub_nodes.size)
        beyond = np.maximum(count - self.free_ports, 0)
        return np.asarray(-(-beyond // self.module_size), dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The cable of a chosen point: the edges from the point to its hub, and its whole length."""

    point: int
    hub: int
    edges: tuple[int, ...]
    length: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Connected:
    """Who serves whom, over which cables, and what every answer costs at least.

    `serving[j]` is the point that serves customer j and `modes[f]` the mode of family f (-1 for
    one without customers); `built` are the edges that carry a cable, `cables` how many each edge
    carries; `modules[i]` those of hub i. `gap` is the share of the cost that a better answer
    could save at most.
    """

    connections: tuple[Connection, ...]
    serving: tuple[int, ...]
    modes: tuple[int, ...]
    built: tuple[int, ...]
    cables: tuple[int, ...]
    open_hubs: tuple[int, ...]
    modules: tuple[int, ...]
    cost: float
    bound: float
    gap: float
    stopped_by: StoppedBy


def customers_of(problem: ConnectedCover, point: int) -> list[tuple[int, float]]:
    """Return the customers that a point may serve, with the load of each."""
    span = slice(problem.loads.indptr[point], problem.loads.indptr[point + 1])
    columns = problem.loads.indices[span].tolist()
    return list(zip(columns, problem.loads.data[span].tolist(), strict=True))


def mode_of_families(problem: ConnectedCover, serving: Ints) -> Ints:
    """Return the mode of each family from who serves its customers; -1 where it has none."""
    modes = np.full(problem.mode_costs.shape[0], -1, dtype=np.int64)
    modes[problem.families] = problem.modes[serving]
    return modes


def checked(problem: ConnectedCover) -> ConnectedCover:
    """Return the problem with its tables as arrays of the right kind.

    Raises
    ------
    ValueError
        When shapes differ, a number is negative or not a number, or an index is out of range.
    """
    loads = csr_array(problem.loads).astype(np.float64)
    loads.sum_duplicates()
    arrays: dict[str, Any] = {"loads": loads}
    if problem.serving_costs is not None:
        arrays["serving_costs"] = csr_array(problem.serving_costs).astype(np.float64)
    for each in fields(problem):
        if each.name not in {"loads", "serving_costs"} and each.type in {"Ints", "Floats"}:
            kind = np.int64 if each.type == "Ints" else np.float64
            arrays[each.name] = np.asarray(getattr(problem, each.name), dtype=kind)
    found = replace(problem, **arrays)
    _check_shapes(found)
    _check_numbers(found)
    _check_indices(found)
    return replace(found, loads=_possible(found))


def _possible(problem: ConnectedCover) -> csr_array:
    """Return the loads without the pairs that no answer can use."""
    pairs = problem.loads.tocoo()
    offered = np.isfinite(problem.mode_costs)[problem.families[pairs.col], problem.modes[pairs.row]]
    fits = pairs.data <= problem.point_capacities[pairs.row]
    kept = offered & fits
    return csr_array(
        (pairs.data[kept], (pairs.row[kept], pairs.col[kept])), shape=problem.loads.shape
    )


_SHAPES = {
    "edges": ("tails", "heads", "build_costs", "lengths", "capacities"),
    "hubs": ("hub_nodes", "hub_costs", "module_costs", "module_limits", "free_ports"),
    "points": ("point_nodes", "point_costs", "point_lengths", "point_capacities", "modes"),
    "customers": ("families",),
}
_MAY_BE_INFINITE = {"capacities", "point_capacities", "mode_costs", "length_limit"}


def _check_shapes(problem: ConnectedCover) -> None:
    points, customers = problem.loads.shape
    if not customers:
        raise ValueError("there is no customer")
    if not problem.hub_nodes.size:
        raise ValueError("there is no hub")
    if problem.mode_costs.ndim != 2:  # noqa: PLR2004 - families by modes
        raise ValueError("mode_costs needs a row for each family and a column for each mode")
    sizes = {
        "edges": problem.tails.size,
        "hubs": problem.hub_nodes.size,
        "points": points,
        "customers": customers,
    }
    for kind, names in _SHAPES.items():
        for name in names:
            shape = getattr(problem, name).shape
            if shape != (sizes[kind],):
                raise ValueError(
                    f"{name} has shape {shape}, expected one for each of {sizes[kind]} {kind}"
                )
    costs = problem.serving_costs
    if costs is not None and costs.shape != problem.loads.shape:
        raise ValueError(f"serving_costs has shape {costs.shape}, expected {problem.loads.shape}")


def _check_numbers(problem: ConnectedCover) -> None:
    if problem.module_size < 1:
        raise ValueError(f"module_size is {problem.module_size}, expected 1 or more")
    for each in fields(problem):
        value = getattr(problem, each.name)
        if value is None:
            continue
        numbers = np.asarray(value.data if isinstance(value, csr_array) else value)
        finite = each.name not in _MAY_BE_INFINITE
        if not (numbers >= 0).all() or (finite and not np.isfinite(numbers).all()):
            raise ValueError(f"{each.name} has a number that is negative, or not a number")


def _check_indices(problem: ConnectedCover) -> None:
    families, modes = problem.mode_costs.shape
    limits = {
        "tails": problem.node_count,
        "heads": problem.node_count,
        "hub_nodes": problem.node_count,
        "point_nodes": problem.node_count,
        "families": families,
        "modes": modes,
    }
    for name, limit in limits.items():
        if (getattr(problem, name) >= limit).any():
            raise ValueError(f"{name} has a number that is not below {limit}")

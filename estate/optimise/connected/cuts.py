"""Rows that a fractional answer breaks: whoever serves a customer is connected as a whole.

A customer may be served by parts of several points. Each set of nodes that holds some of them has
to let out as much as the others do not serve: over links that are used, or to hubs inside that are
open. So a customer whose points are all behind a link pays all of it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from ortools.graph.python.max_flow import SimpleMaxFlow
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from estate.optimise.arrays import Floats, Ints
    from estate.optimise.connected.formulation import Formulation

# Flows are counted in whole millionths; a cut is broken when it lacks a hundredth.
_WHOLE = 1_000_000
_BROKEN = 10_000

# Pairs of cuts for one customer in one round, each apart from the ones before.
_CUTS_PER_CUSTOMER = 6

_FREE = -1


class Cuts:
    """The network of a formulation as arcs, and the cuts found in it so far."""

    def __init__(self, formulation: Formulation) -> None:
        self._nodes_of_points = formulation.problem.point_nodes.tolist()
        self._width = len(formulation.draft.names)
        self._known: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        self._sink = formulation.problem.node_count
        self._source = self._sink + 1
        tails, heads, pays = [], [], []
        for index, link in enumerate(formulation.network.links):
            if link.is_costly and index not in formulation.uses:
                continue  # No way leads here.
            pay = formulation.uses[index] if link.is_costly else _FREE
            tails += [link.one, link.other]
            heads += [link.other, link.one]
            pays += [pay, pay]
        for hub in formulation.network.alike:
            tails.append(formulation.network.hubs[hub])
            heads.append(self._sink)
            pays.append(formulation.opened.get(hub, _FREE))
        self._tails = np.array(tails, dtype=np.int64)
        self._heads = np.array(heads, dtype=np.int64)
        self._pays = np.array(pays, dtype=np.int64)
        problem, modes = formulation.problem, formulation.problem.modes.tolist()
        families = problem.families.tolist()
        self._servers: defaultdict[int, defaultdict[int, list[tuple[int, int]]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for (point, customer), variable in formulation.serve.items():
            mode = formulation.mode[families[customer], modes[point]]
            self._servers[customer][mode].append((self._nodes_of_points[point], variable))

    def broken(self, values: Floats) -> csr_array:
        """Return new rows, each at most 0, that an answer breaks."""
        open_to = np.where(self._pays == _FREE, 1.0, values[self._pays])
        room = np.rint(np.clip(open_to, 0, 1) * _WHOLE).astype(np.int64) + 1
        columns: list[int] = []
        factors: list[float] = []
        ends = [0]
        for customer in sorted(self._servers):
            for inside, out in self._customer(customer, values, room):
                columns += [*inside, *out]
                factors += [1.0] * len(inside) + [-1.0] * len(out)
                ends.append(len(columns))
        rows = csr_array((factors, columns, ends), shape=(len(ends) - 1, self._width))
        rows.sum_duplicates()
        return rows

    def _customer(
        self, customer: int, values: Floats, room: Ints
    ) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Yield modes that serve a customer, and what has to let that out or serve it outside."""
        servers = self._servers[customer]
        flow, arcs = self._flow(servers, values, room)
        asked = sum(_counted(values[mode]) for mode in servers)
        for _ in range(_CUTS_PER_CUSTOMER):
            flow.solve(self._source, self._sink)
            if flow.optimal_flow() >= asked - _BROKEN:
                return
            within = np.zeros((2, self._source + 1 + len(servers)), dtype=np.bool_)
            within[0, list(flow.get_source_side_min_cut())] = True
            within[1] = True
            within[1, list(flow.get_sink_side_min_cut())] = False
            crossings = [np.flatnonzero(near[self._tails] & ~near[self._heads]) for near in within]
            for near, crossing in zip(within, crossings, strict=True):
                inside = [m for place, m in enumerate(servers, self._source + 1) if near[place]]
                outside = {v for m in inside for node, v in servers[m] if not near[node]}
                out = tuple(sorted(outside.union(self._pays[crossing].tolist())))
                if (tuple(inside), out) not in self._known:
                    self._known.add((tuple(inside), out))
                    yield tuple(inside), out
            crossing = np.unique(np.concatenate(crossings))
            if not crossing.size:
                return
            filled = np.full(crossing.size, _WHOLE, dtype=np.int64)
            flow.set_arcs_capacity(arcs[crossing], filled)

    def _flow(
        self, servers: Mapping[int, list[tuple[int, int]]], values: Floats, room: Ints
    ) -> tuple[SimpleMaxFlow, Ints]:
        """Return a customer's flow, from its modes over what serves it, and the network's arcs."""
        flow = SimpleMaxFlow()
        arcs: Ints = flow.add_arcs_with_capacity(self._tails, self._heads, room)
        for place, (mode, points) in enumerate(servers.items(), self._source + 1):
            flow.add_arc_with_capacity(self._source, place, _counted(values[mode]))
            for node, variable in points:
                if values[variable] > 1 / _WHOLE:
                    flow.add_arc_with_capacity(place, node, _counted(values[variable]))
        return flow, arcs


def _counted(value: float) -> int:
    return round(float(value) * _WHOLE)

"""Rows that a fractional answer breaks: whoever serves a customer is connected as a whole.

A customer may be served by parts of several points. Each set of nodes that holds some of them has
to let out as much as serves the customer: over links that are used, or to hubs inside that are
open. So a customer whose points are all behind a link pays all of it.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from ortools.graph.python.max_flow import SimpleMaxFlow
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        for hub, node in enumerate(formulation.network.hubs):
            tails.append(node)
            heads.append(self._sink)
            pays.append(formulation.opened.get(hub, _FREE))
        self._tails = np.array(tails, dtype=np.int64)
        self._heads = np.array(heads, dtype=np.int64)
        self._pays = np.array(pays, dtype=np.int64)
        self._servers: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for (point, customer), variable in formulation.serve.items():
            self._servers[customer].append((self._nodes_of_points[point], variable))

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
        """Yield what serves a customer within a set of nodes, and what has to let it out."""
        at: defaultdict[int, float] = defaultdict(float)
        for node, variable in self._servers[customer]:
            at[node] += values[variable]
        starts = np.array([node for node, value in at.items() if value > 1 / _WHOLE])
        served = np.array([at[node] for node in starts.tolist()])
        served = np.rint(served * _WHOLE).astype(np.int64)
        flow = SimpleMaxFlow()
        arcs = flow.add_arcs_with_capacity(self._tails, self._heads, room)
        flow.add_arcs_with_capacity(np.full(starts.size, self._source), starts, served)
        for _ in range(_CUTS_PER_CUSTOMER):
            flow.solve(self._source, self._sink)
            if flow.optimal_flow() >= served.sum() - _BROKEN:
                return
            within = np.zeros((2, self._source + 1), dtype=np.bool_)
            within[0, list(flow.get_source_side_min_cut())] = True
            within[1] = True
            within[1, list(flow.get_sink_side_min_cut())] = False
            crossings = [np.flatnonzero(near[self._tails] & ~near[self._heads]) for near in within]
            for near, crossing in zip(within, crossings, strict=True):
                inside = tuple(v for node, v in self._servers[customer] if near[node])
                out = tuple(sorted(set(self._pays[crossing].tolist())))
                if (inside, out) not in self._known:
                    self._known.add((inside, out))
                    yield inside, out
            crossing = np.unique(np.concatenate(crossings))
            filled = np.full(crossing.size, _WHOLE, dtype=np.int64)
            flow.set_arcs_capacity(arcs[crossing], filled)

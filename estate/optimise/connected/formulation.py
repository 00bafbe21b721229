"""The connected cover as a programme: who serves, which way each cable goes, what that needs.

What a cable uses is told apart as a best fractional answer needs it: a link of a tree is used
if one beyond it is; the links of a chain from a node to the chain's end likewise, one way and
the other; and a chain as a whole by those who come through. So the rows for each point are few,
and imply that every link on its way is paid as a whole, not by the share of its capacity.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from math import floor, fsum, inf
from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.answer import Remedy
from estate.optimise.connected.draft import Draft
from estate.optimise.connected.filling import Servers, overfilling, servers_of
from estate.optimise.connected.network import Network
from estate.optimise.connected.problem import ConnectedCover, customers_of
from estate.optimise.connected.ways import Way

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estate.optimise.arrays import Bools, Ints
    from estate.optimise.connected.network import Link
    from estate.optimise.connected.ways import Ways

# A load counts in whole parts of a point's capacity, so that engines add it up without rounding.
_PARTS = 1_000_000

# What a product of parts of a port may lack of a whole one.
_ROUNDING = 1e-9

Piece = tuple[str, int, int]  # A chain, an arc in a chain, or a link.


@dataclass(frozen=True, eq=False)
class Choice:
    """A point that can be connected: its links to the core, and its ways from there."""

    point: int
    tree: list[int]
    length: float  # From the point to the core.
    ways: list[Way]


def choices_of(
    problem: ConnectedCover, network: Network, ways: Ways, *, vague: bool
) -> dict[int, Choice]:
    """Return the points that reach a hub within the limit, with vague ways or without."""
    found = {}
    for point, node in enumerate(problem.point_nodes.tolist()):
        tree, at = network.way_to_core(node)
        if not customers_of(problem, point):
            continue
        length = float(problem.point_lengths[point])
        length += sum(network.links[link].length for link in tree)
        limit = problem.length_limit * (1 + 1e-12) - length
        usable = [
            way for way in ways.at.get(at, ()) if way.length <= limit and (vague or not way.vague)
        ]
        if usable:
            found[point] = Choice(point, tree, length, usable)
    return found


@dataclass(eq=False)
class Formulation:
    """The programme, and what its variables stand for."""

    problem: ConnectedCover
    network: Network
    choices: dict[int, Choice]
    elastic: bool = False
    draft: Draft = field(default_factory=Draft)
    take: dict[int, int] = field(default_factory=dict)
    serve: dict[tuple[int, int], int] = field(default_factory=dict)
    send: dict[tuple[int, int], int] = field(default_factory=dict)
    mode: dict[tuple[int, int], int] = field(default_factory=dict)
    modules: dict[int, int] = field(default_factory=dict)
    opened: dict[int, int] = field(default_factory=dict)
    given: dict[int, Remedy] = field(default_factory=dict)
    loaded: bool = False
    counts: list[tuple[int, int, int]] = field(default_factory=list)
    uses: dict[int, int] = field(default_factory=dict)
    _pieces: dict[Piece, int] = field(default_factory=dict)
    _flows: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _passing: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self._add_points()
        self._add_modes()
        self._add_service()
        self._add_trees()
        self._add_ways()
        self._add_hubs()
        self._add_capacities()

    def shared(self) -> set[int]:
        """Return the variables of the core, of ways there, of modes, hubs and modules."""
        core = {link for chain in self.network.chains for link in chain}
        return {
            *self.send.values(),
            *self.mode.values(),
            *self.opened.values(),
            *self.modules.values(),
            *(variable for count in self.counts for variable in count[:2]),
            *(variable for variable in self._pieces.values() if variable >= 0),
            *(variable for link, variable in self.uses.items() if link in core),
        }

    def idle(self, modes: Bools) -> Bools:
        """Return the variables of points and pairs that serve nobody under some modes.

        Both are masks of all variables. No best answer takes what is idle.
        """
        takes, pairs, needs = self._served
        idle = np.zeros(modes.size, dtype=np.bool_)
        idle[list(self.take.values())] = idle[pairs] = True
        served = modes[needs]
        idle[takes[served]] = idle[pairs[served]] = False
        return idle

    @cached_property
    def _served(self) -> tuple[Ints, Ints, Ints]:
        """Return of each point and customer the point's variable, the pair's and the mode's."""
        families, modes = self.problem.families.tolist(), self.problem.modes.tolist()
        found = [
            (self.take[point], pair, self.mode[families[customer], modes[point]])
            for (point, customer), pair in self.serve.items()
        ]
        takes, pairs, needs = np.array(found, dtype=np.int64).reshape(-1, 3).T
        return takes, pairs, needs

    def _add_points(self) -> None:
        problem = self.problem
        for point, choice in self.choices.items():
            cable = problem.cable_cost * choice.length
            cost = float(problem.point_costs[point]) + cable
            self.take[point] = self.draft.variable(f"take_{point}", cost)

    def _add_modes(self) -> None:
        """Give each family one mode of those that are offered and can serve all of it."""
        able = able_modes(self.problem, self.choices)
        for family in np.unique(self.problem.families).tolist():  # Others need no mode.
            offered = np.flatnonzero(able[family]).tolist()
            for mode in offered:
                cost = float(self.problem.mode_costs[family, mode])
                self.mode[family, mode] = self.draft.variable(f"mode_{family}_{mode}", cost)
            modes = [(self.mode[family, mode], 1.0) for mode in offered]
            self.draft.row(modes, floor=1.0, ceiling=1.0)

    def _add_service(self) -> None:
        """Serve each customer from one point of its family's mode, within what points bear."""
        problem = self.problem
        servers: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for point in self.choices:
            mode = int(problem.modes[point])
            for customer, _ in customers_of(problem, point):
                if (int(problem.families[customer]), mode) in self.mode:
                    servers[customer, mode].append(point)
                    self._add_pair(point, customer)
        for customer, family in enumerate(problem.families.tolist()):
            for mode in range(problem.mode_costs.shape[1]):
                if (family, mode) in self.mode:
                    points = servers[customer, mode]
                    pairs = [self.serve[point, customer] for point in points]
                    terms = [*((pair, 1.0) for pair in pairs), (self.mode[family, mode], -1.0)]
                    shared = any(self._serves_all(point) for point in points)
                    self.draft.row(terms, floor=0.0, ceiling=inf if shared else 0.0)
        for point in self.choices:
            self._limit_load(point)

    def _serves_all(self, point: int) -> bool:
        """Return whether a point serves all its customers at once, at no cost for each."""
        found, costs = customers_of(self.problem, point), self.problem.serving_costs
        free = costs is None or not any(costs[point, customer] for customer, _ in found)
        return free and len(found) > 1 and self._load(point) <= 1

    def _load(self, point: int) -> float:
        """Return the load of all customers of a point as a share of its capacity."""
        return fsum(share for _, share in self._shares(point))

    def _shares(self, point: int) -> list[tuple[int, float]]:
        capacity = float(self.problem.point_capacities[point])
        return [
            (customer, floor(load / capacity * _PARTS * (1 + 1e-12)) / _PARTS)
            for customer, load in customers_of(self.problem, point)
            if load
        ]

    def _add_pair(self, point: int, customer: int) -> None:
        """Add a variable for a point and a customer.

        A point with one customer, or with room for all it may serve, serves whom it can if taken.
        """
        problem = self.problem
        costs = problem.serving_costs
        cost = 0.0 if costs is None else float(costs[point, customer])
        if self._serves_all(point):
            self.serve[point, customer] = self.take[point]
            return
        if len(customers_of(problem, point)) == 1:
            self.serve[point, customer] = self.take[point]
            self.draft.pay(self.take[point], cost)
            return
        pair = self.draft.variable(f"serve_{point}_{customer}", cost)
        self.serve[point, customer] = pair
        self.draft.at_most([pair], self.take[point])

    def _limit_load(self, point: int) -> None:
        """Keep the load of a point within its capacity, counted in millionths of it."""
        borne = [
            (self.serve[point, customer], share)
            for customer, share in self._shares(point)
            if (point, customer) in self.serve
        ]
        if len(borne) > 1 and sum(share for _, share in borne) > 1:
            terms = [*borne, (self.take[point], -1.0)]
            capacity = float(self.problem.point_capacities[point])
            self._give(terms, Remedy(kind="load", index=point, amount=capacity))
            self.loaded = True
            self.draft.row(terms, ceiling=0.0)

    def _give(self, terms: list[tuple[int, float]], remedy: Remedy) -> None:
        """Let a row give way for a price, where that is asked for."""
        if self.elastic:
            name = f"give_{remedy.kind}_{remedy.index}"
            given = self.draft.variable(name, 1.0, whole=remedy.kind != "load", most=_PARTS)
            terms.append((given, -1.0))
            self.given[given] = remedy

    def _add_trees(self) -> None:
        """Pay the links of trees: one is used if the next one outwards is, or a point there."""
        links = self.network.links
        beyond: defaultdict[int, list[int]] = defaultdict(list)
        for point, choice in self.choices.items():
            for link in choice.tree:
                beyond[link].append(self.take[point])
                if links[link].is_capped:
                    self._flows[link].append(self.take[point])
                    self._passing[link].add(point)
        shared: set[tuple[int, int]] = set()
        for point, choice in self.choices.items():
            costly = [link for link in choice.tree if links[link].is_costly]
            users = [self.take[point], *(self._use(link, beyond[link]) for link in costly)]
            for inner, outer in zip(users[1:], users, strict=False):
                if inner != outer and (inner, outer) not in shared:
                    shared.add((inner, outer))
                    self.draft.at_most([outer], inner)

    def _use(self, index: int, beyond: list[int] | None = None) -> int:
        """Return the variable that says whether a costly link is used.

        A link that leads to a single point is used if that is taken.
        """
        if index in self.uses:
            return self.uses[index]
        link = self.network.links[index]
        if beyond is not None and len(beyond) == 1:
            self.draft.pay(beyond[0], link.lanes[0].cost)
            found = beyond[0]
        elif len(link.lanes) == 1:
            lane = link.lanes[0]
            found = self.draft.variable(f"build_{lane.edge}", lane.cost)
        else:
            found = self.draft.variable(f"use_{index}", 0.0, whole=False)
        self.uses[index] = found
        return found

    def _add_ways(self) -> None:
        """Send a cable from each point that is taken over one of its ways."""
        for points in self.bundles:
            ways, count = self.choices[points[0]].ways, len(points)
            pieces: defaultdict[Piece, list[int]] = defaultdict(list)
            sent = []
            for number, way in enumerate(ways):
                cost = self.problem.cable_cost * way.length
                name = f"send_{points[0]}_{way.hub}_{number}"
                variable = self.draft.variable(name, cost, most=count)
                self.send[points[0], number] = variable
                sent.append(variable)
                for piece in self._pieces_of(way):
                    pieces[piece].append(variable)
                for link in way.links():
                    if self.network.links[link].is_capped:
                        self._flows[link].append(variable)
                        self._passing[link].update(points)
            terms = [(variable, 1.0) for variable in sent]
            terms += [(self.take[point], -1.0) for point in points]
            self.draft.row(terms, floor=0.0, ceiling=0.0)
            for piece in sorted(pieces):
                self._add_users(piece, pieces[piece], times=count)

        if any(way.vague for choice in self.choices.values() for way in choice.ways):
            self._use_all()

    @cached_property
    def bundles(self) -> list[list[int]]:
        """Return the points whose cables are counted together, by their first one.

        Points at one node of the core that are all taken or none, each for a customer who has no
        other in its mode, need not be told apart: that is as tight, and far smaller.
        """
        servers: Counter[tuple[int, int]] = Counter()
        for point, customer in self.serve:
            servers[customer, int(self.problem.modes[point])] += 1
        found: defaultdict[object, list[int]] = defaultdict(list)
        for point, choice in self.choices.items():
            mode = int(self.problem.modes[point])
            served = [c for c, _ in customers_of(self.problem, point) if (point, c) in self.serve]
            key: object = point
            if len(served) == 1 and servers[served[0], mode] == 1:
                ways = tuple(id(way) for way in choice.ways)
                key = (int(self.problem.families[served[0]]), mode, ways)
            found[key].append(point)
        return list(found.values())

    def _use_all(self) -> None:
        """Give each costly link of the core a variable: those a vague way may use are not known."""
        for chain in self.network.chains:
            for link in chain:
                if self.network.links[link].is_costly:
                    self._use(link)

    def _pieces_of(self, way: Way) -> Iterable[Piece]:
        """Return what a way uses: whole chains, an arc of the first, links of a vague last one."""
        chains = self.network.chains
        groups: dict[int, list[int]] = {}
        for link in way.links():
            groups.setdefault(self.network.chain_of[link][0], []).append(link)
        for number, (chain, links) in enumerate(groups.items()):
            if len(links) == len(chains[chain]):
                yield ("chain", chain, 0)
            elif number == 0 and links[-1] in {chains[chain][0], chains[chain][-1]}:
                yield ("arc", links[0], -1 if links[-1] == chains[chain][0] else 1)
            else:
                yield from (("link", link, 0) for link in links)

    def _add_users(self, piece: Piece, users: list[int], *, times: int) -> None:
        used = self._piece(piece)
        if used >= 0:
            self.draft.at_most(users, used, times=times)

    def _piece(self, piece: Piece) -> int:
        """Return the variable that says whether a piece is used, or -1 where that is free."""
        if piece not in self._pieces:
            self._pieces[piece] = self._new_piece(piece)
        return self._pieces[piece]

    def _new_piece(self, piece: Piece) -> int:
        kind, index, direction = piece
        links = self.network.links
        if kind == "link":
            return self._use(index) if links[index].is_costly else -1
        if kind == "chain":
            costly = [link for link in self.network.chains[index] if links[link].is_costly]
            if len(costly) < 2:  # noqa: PLR2004 - a variable of its own is for several
                return self._use(costly[0]) if costly else -1
            used = self.draft.variable(f"through_{index}", 0.0, whole=False)
            for link in costly:
                self.draft.at_most([used], self._use(link))
            return used
        chain, place = self.network.chain_of[index]
        after = place + direction
        ends = 0 <= after < len(self.network.chains[chain])
        beyond = self._piece(("arc", self.network.chains[chain][after], direction)) if ends else -1
        if not links[index].is_costly:
            return beyond
        if beyond < 0:
            return self._use(index)
        used = self.draft.variable(
            f"along_{index}_{'+' if direction > 0 else '-'}", 0.0, whole=False
        )
        self.draft.at_most([used], beyond)
        self.draft.at_most([used], self._use(index))
        return used

    def _add_hubs(self) -> None:
        problem = self.problem
        ends: defaultdict[int, list[tuple[list[int], int]]] = defaultdict(list)
        for points in self.bundles:
            sent: defaultdict[int, list[int]] = defaultdict(list)
            for number, way in enumerate(self.choices[points[0]].ways):
                sent[way.hub].append(self.send[points[0], number])
            for hub, variables in sent.items():
                ends[hub].append((variables, len(points)))
        for hub, bundles in sorted(ends.items()):
            self._add_hub(hub, bundles, int(problem.free_ports[hub]))
        most = [min(int(limit), len(self.take)) for limit in self.problem.module_limits]
        self._count("hubs", list(self.opened.values()), most=len(self.problem.hub_nodes))
        self._count("modules", list(self.modules.values()), most=sum(most))

    def _count(self, name: str, variables: list[int], *, most: int) -> None:
        """Count what is built of a kind, and what could be more: the total may be settled."""
        if len(variables) < 2:  # noqa: PLR2004 - one is its own total
            return
        total = self.draft.variable(name, 0.0, most=most)
        spare = self.draft.variable(f"{name}_more", 0.0, most=most)
        each = [(variable, 1.0) for variable in variables]
        self.draft.row([*each, (total, -1.0)], floor=0.0, ceiling=0.0)
        self.draft.row([(total, 1.0), (spare, 1.0)], floor=float(most), ceiling=float(most))
        self.counts.append((total, spare, most))

    def _add_hub(self, hub: int, bundles: list[tuple[list[int], int]], free: int) -> None:
        """Open a hub if a cable ends there, and give it the modules that its cables need.

        Hubs alike are opened as one, as many of them as needed.
        """
        problem, draft = self.problem, self.draft
        size, alike = problem.module_size, len(self.network.alike[hub])
        limit, points = int(problem.module_limits[hub]), sum(count for _, count in bundles)
        most = min(limit * alike, -(-max(points - free, 0) // size))
        modules = -1
        if most:
            cost = float(problem.module_costs[hub])
            modules = draft.variable(f"modules_{hub}", cost, most=most)
            self.modules[hub] = modules
        opened = -1
        cost = float(problem.hub_costs[hub])
        if cost or (modules >= 0 and not free and problem.module_costs[hub]):
            opened = draft.variable(f"open_{hub}", cost, most=alike)
            self.opened[hub] = opened
            for sent, count in bundles:
                draft.at_most(sent, opened, times=count)
            if modules >= 0:
                draft.row([(modules, 1.0), (opened, -float(min(limit, most)))], ceiling=0.0)
                if not free:
                    draft.at_most([opened], modules)
        if points > free or not most:
            ported = [(variable, 1.0) for sent, _ in bundles for variable in sent]
            ports = alike * floor(limit * size + _ROUNDING)
            if floor(alike * limit * size + _ROUNDING) > ports:  # A part of a port in each.
                draft.row(ported, ceiling=float(ports))
            if modules >= 0:
                ported.append((modules, -float(size)))
            self._give(ported, Remedy(kind="ports", index=hub, amount=1.0))
            if opened >= 0 and free:
                draft.row([*ported, (opened, -float(free))], ceiling=0.0)
            else:
                draft.row(ported, ceiling=float(free))

    def _add_capacities(self) -> None:
        """Keep cables within the lanes of each link that may be full."""
        for index, flows in sorted(self._flows.items()):
            self._limit_flow(index, self.network.links[index], flows)

    def _limit_flow(self, index: int, link: Link, flows: list[int]) -> None:
        used = self.uses.get(index, -1)
        if flows == [used]:
            return
        terms = [(flow, 1.0) for flow in flows]
        most = float(len(self._passing[index]))
        total = sum(lane.capacity for lane in link.lanes if not lane.cost)
        if total >= most:
            return
        lanes: list[tuple[int, float]] = []
        for lane in link.lanes:
            room = min(lane.capacity, most - total)
            if lane.cost and len(link.lanes) == 1:
                lanes.append((used, room))
            elif lane.cost:
                lanes.append((self.draft.variable(f"build_{lane.edge}", lane.cost), room))
        self._give(terms, Remedy(kind="cables", index=link.lanes[0].edge, amount=1.0))
        self.draft.row([*terms, *((lane, -room) for lane, room in lanes)], ceiling=total)
        if total and index in self._trees and not self.elastic:
            families = self.problem.families.tolist()
            for key in overfilling(self._servers, families, self._passing[index], total):
                built = [(lane, -1.0) for lane, _ in lanes]
                self.draft.row([(self.mode[key], 1.0), *built], ceiling=0.0)
        if used >= 0 and len(link.lanes) > 1:
            self.draft.row([(used, 1.0), *((lane, -1.0) for lane, _ in lanes)], ceiling=0.0)

    @cached_property
    def _trees(self) -> set[int]:
        return {link for choice in self.choices.values() for link in choice.tree}

    @cached_property
    def _servers(self) -> Servers:
        return servers_of(self.serve, self.problem.modes.tolist())


def able_modes(problem: ConnectedCover, points: Iterable[int]) -> Bools:
    """Return which modes are offered to each family and have a point for each customer."""
    customers, modes = problem.customer_count, problem.mode_costs.shape[1]
    served = np.zeros((customers, modes), dtype=np.bool_)
    for point in points:
        for customer, _ in customers_of(problem, point):
            served[customer, problem.modes[point]] = True
    able: Bools = np.isfinite(problem.mode_costs)
    for customer, family in enumerate(problem.families.tolist()):
        able[family] &= served[customer]
    return able

"""Which wings that meet can share a distributor, and so are one problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from estate.block import Block
from estate.cabling.distributors import hubs_of
from estate.cabling.trunk import Fibres
from estate.cabling.wing import WingProblem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.catalogue import Catalogue

Traced = Callable[[Sequence[str]], Block]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The place for a distributor that is nearest to cells of two wings.

    `away_m` is how far it is along containment from the nearest cell of the farther of the two.
    """

    place: str
    away_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Wings that meet, as the problems that they are, and why, in words by location key."""

    blocks: tuple[Block, ...]
    because: Mapping[str, str]


def joined(keys: Sequence[str], traced: Traced, catalogue: Catalogue) -> Joined:
    """Return wings whose containment meets as blocks.

    Two wings are in one block if cells of both reach a place for a distributor within the link
    limit, or if both are with a third. `traced` returns wings as one block by their keys.
    """
    whole = traced(keys)
    problem = WingProblem.of_block(whole, catalogue)
    shared = _shared(whole, problem)
    blocks = tuple(_divided(whole, traced, catalogue))
    together = {key: block.keys for block in blocks for key in block.keys}
    return Joined(
        blocks=blocks,
        because={
            key: _words(key, together, shared, limit_m=problem.link_limit_m) for key in whole.keys
        },
    )


def _divided(block: Block, traced: Traced, catalogue: Catalogue) -> list[Block]:
    """Return a block in the parts of it that share distributors.

    What leads through wings of another part is no way of these, so each part is looked at again.
    """
    if len(block.members) == 1:
        return [block]
    problem = WingProblem.of_block(block, catalogue)
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(block.keys)
    graph.add_edges_from(
        pair
        for pair, found in _shared(block, problem).items()
        if found.away_m <= problem.link_limit_m
    )
    parts = [
        tuple(key for key in block.keys if key in group) for group in nx.connected_components(graph)
    ]
    if len(parts) == 1:
        return [block]
    return list(chain.from_iterable(_divided(traced(p), traced, catalogue) for p in parts))


def _shared(block: Block, problem: WingProblem) -> dict[tuple[str, str], Shared]:
    """Return for each two wings the place for a distributor that is nearest to both."""
    hubs = hubs_of(problem, Fibres(problem, frozenset()))
    lengths = [way.span.length_m for way in problem.containment.ways]
    distances, _ = problem.containment.shortest([hub.node for hub in hubs], lengths)
    nearest_m = np.full((len(block.members), len(hubs)), np.inf)
    for family, tap in zip(problem.families, problem.taps, strict=True):
        wing = problem.wing_of_family(family)
        nearest_m[wing] = np.minimum(nearest_m[wing], distances[:, tap.node] + tap.length_m)
    found = {}
    for one, other in combinations(range(len(block.members)), 2):
        farther_m = np.maximum(nearest_m[one], nearest_m[other])
        hub = int(np.argmin(farther_m))
        found[block.keys[one], block.keys[other]] = Shared(
            place=hubs[hub].name, away_m=round(float(farther_m[hub]), 3)
        )
    return found


def _words(
    key: str,
    together: Mapping[str, Sequence[str]],
    shared: Mapping[tuple[str, str], Shared],
    *,
    limit_m: float,
) -> str:
    """Return with which wings one is designed, with which it is not, and why."""
    others = {
        next(k for k in pair if k != key): found for pair, found in shared.items() if key in pair
    }
    mates = [other for other in others if other in together[key]]
    words = []
    if mates:
        near = [
            f"cells of it and of {other} reach one distributor ({found.place}) within {limit_m:g} m"
            for other, found in others.items()
            if other in mates and found.away_m <= limit_m
        ]
        words.append(f"designed as one with {' and '.join(mates)}: {'; '.join(near)}")
    apart = {other: found for other, found in others.items() if other not in mates}
    return "; ".join([*words, *_apart(apart, limit_m=limit_m)])


def _apart(others: Mapping[str, Shared], *, limit_m: float) -> Iterator[str]:
    """Yield why a wing is designed apart from others, by the one that is nearest to it."""
    if not others:
        return
    nearest = min(others, key=lambda other: others[other].away_m)
    place, away_m = others[nearest].place, others[nearest].away_m
    words = f"designed apart from {' and '.join(others)}, whose containment meets its own: "
    if away_m <= limit_m:
        yield f"{words}what leads to one distributor ({place}) is of a wing that shares none"
    else:
        yield (
            f"{words}the nearest place for a distributor of it and of {nearest} ({place}) is "
            f"{away_m:,.1f} m along it from the nearest cell of one, and a link may have "
            f"{limit_m:g} m"
        )

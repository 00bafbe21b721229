"""General problems in, answers with proven bounds out.

Nothing here knows what is planned: a graph and weights, costs and capacities come in, and every
answer says what it costs, what the best one costs at least, and why the search stopped. The
same input gives the same answer, because solvers stop on counted work and not on the clock.
"""

from __future__ import annotations

from estate.optimise.answer import InfeasibleError, Remedy, StoppedBy, UnfinishedError
from estate.optimise.connected import (
    Connected,
    ConnectedCover,
    Connection,
    Known,
    connected_cover,
)
from estate.optimise.cover import Cover, capacitated_cover
from estate.optimise.diverse import DiverseWays, diverse_ways, ways_between
from estate.optimise.facilities import Facilities, capacitated_facilities
from estate.optimise.routes import Routes, routes_within
from estate.optimise.steiner import SteinerTree, steiner_tree

__all__ = [
    "Connected",
    "ConnectedCover",
    "Connection",
    "Cover",
    "DiverseWays",
    "Facilities",
    "InfeasibleError",
    "Known",
    "Remedy",
    "Routes",
    "SteinerTree",
    "StoppedBy",
    "UnfinishedError",
    "capacitated_cover",
    "capacitated_facilities",
    "connected_cover",
    "diverse_ways",
    "routes_within",
    "steiner_tree",
    "ways_between",
]

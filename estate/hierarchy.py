"""The custodial tree, the physical tree, and the table between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import networkx as nx

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from estate.model import Network, Space

# Structural levels below the wing, by how many codes a location's path has there: HMPPS wings
# are [landing, cell] or [spur, landing, cell], and a cell may hang on its wing directly.
_LEVELS_BELOW_WING = {1: (), 2: ("landing",), 3: ("spur", "landing")}


def custodial_tree(prison_id: str, wings: Mapping[str, Network]) -> nx.DiGraph[str]:
    """Return establishment → wing → (spur →) landing → cell, by location key.

    `wings` maps a wing's code ("A") to its network, placed under the wing's key ("MDI-A"). Edges
    point down. A node has its `level` and `code`; that of a cell or room is its kind of space.

    Raises
    ------
    ValueError
        When a location key is not below its wing's key, is too deep, or comes twice.
    """
    tree: nx.DiGraph[str] = nx.DiGraph()
    tree.add_node(prison_id, level="establishment", code=prison_id)
    for code, network in wings.items():
        wing_key = f"{prison_id}-{code}"
        _grow(tree, prison_id, wing_key, level="wing", code=code)
        for space in _located([network]):
            _add_location(tree, wing_key, space)
    return tree


def physical_tree(
    prison_id: str, wings: Mapping[str, Network], *, buildings: Mapping[str, str] | None = None
) -> nx.DiGraph[str]:
    """Return establishment → building → floor → space.

    A houseblock is a building. `buildings` maps a wing's code to the name of the building that
    it is in; a wing that is not there is a building of its own name. Buildings are named "MDI/A"
    and floors "MDI/A/0"; spaces keep their identifiers. A node has its `level`.

    Raises
    ------
    ValueError
        When a space comes twice.
    """
    tree: nx.DiGraph[str] = nx.DiGraph()
    tree.add_node(prison_id, level="establishment", code=prison_id)
    for code, network in wings.items():
        building_code = (buildings or {}).get(code, code)
        building = f"{prison_id}/{building_code}"
        _grow(tree, prison_id, building, level="building", code=building_code)
        for space in network.spaces:
            floor = f"{building}/{space.floor}"
            _grow(tree, building, floor, level="floor", code=str(space.floor))
            _add_leaf(tree, floor, space.space_id, level=space.kind, code=space.space_id)
    return tree


def joins(wings: Mapping[str, Network]) -> tuple[tuple[str, str], ...]:
    """Return (location key, space identifier) of every space that both trees hold, in order."""
    return tuple(sorted((s.location_key, s.space_id) for s in _located(wings.values())))


def _located(networks: Iterable[Network]) -> Iterator[Space]:
    """Yield the spaces that HMPPS lists."""
    for network in networks:
        yield from (space for space in network.spaces if space.location_key)


def _add_location(tree: nx.DiGraph[str], wing_key: str, space: Space) -> None:
    """Hang a location below its wing, growing the levels between.

    A key is its parent's key, a hyphen and a code, which is all that is read from it: what the
    codes mean differs from prison to prison.
    """
    codes = space.location_key.removeprefix(f"{wing_key}-").split("-")
    if not space.location_key.startswith(f"{wing_key}-") or len(codes) not in _LEVELS_BELOW_WING:
        raise ValueError(f"{space.location_key} is not a landing and cell below {wing_key}")
    parent = wing_key
    for level, code in zip(_LEVELS_BELOW_WING[len(codes)], codes, strict=False):
        key = f"{parent}-{code}"
        _grow(tree, parent, key, level=level, code=code)
        parent = key
    _add_leaf(tree, parent, space.location_key, level=space.kind, code=codes[-1])


def _grow(tree: nx.DiGraph[str], parent: str, name: str, *, level: str, code: str) -> None:
    """Add a branch, unless it is there already."""
    if name not in tree:
        tree.add_node(name, level=level, code=code)
        tree.add_edge(parent, name)


def _add_leaf(tree: nx.DiGraph[str], parent: str, name: str, *, level: str, code: str) -> None:
    if name in tree:
        raise ValueError(f"{name} is in the tree twice")
    _grow(tree, parent, name, level=level, code=code)

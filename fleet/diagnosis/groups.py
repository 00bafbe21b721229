"""Which devices fall silent together: elements with the same devices are one group.

Groups that are nested or apart form a tree, on which the causes of silence can be weighed exactly.
What hangs from one parent each always does; a riser or a power supply that crosses the others is
kept apart.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet.topology import Element

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fleet.topology import Topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Elements of which each one's failure silences the same devices; the lowest is first."""

    elements: tuple[Element, ...]
    devices: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The groups of one site.

    `tree` lists a group after the one around it, whose position `parents` gives, -1 where there
    is none. `crossing` are the groups that overlap with one of the tree.
    """

    tree: tuple[Group, ...]
    parents: tuple[int, ...]
    crossing: tuple[Group, ...]


def groups_of(topology: Topology, served: Mapping[int, str]) -> Groups:
    """Return the groups of devices; `served` names the element that serves each of them."""
    ranks: dict[str, int] = {}
    below: defaultdict[str, set[int]] = defaultdict(set)
    by_element: defaultdict[str, set[int]] = defaultdict(set)
    for device, element in served.items():
        by_element[element].add(device)
    for element, devices in sorted(by_element.items()):
        for rank, needed in enumerate(_needs(topology, element)):
            below[needed] |= devices
            ranks[needed] = max(rank, ranks.get(needed, 0))
    alike: defaultdict[frozenset[int], list[str]] = defaultdict(list)
    for element in sorted(below, key=lambda name: (ranks[name], name)):
        alike[frozenset(below[element])].append(element)
    groups = [
        Group(elements=tuple(topology.by_id[name] for name in names), devices=devices)
        for devices, names in alike.items()
    ]
    groups.sort(key=lambda group: (-len(group.devices), group.elements[0].id))
    return _arranged(groups, _on_paths(topology, by_element))


def _needs(topology: Topology, element: str) -> list[str]:
    """Return an element and all that it cannot work without, the nearest first."""
    found = [element] if element in topology.by_id else []
    for name in found:  # It grows while it is walked.
        needed = topology.by_id[name]
        found += [n for n in (*needed.needs, needed.parent) if n and n not in found]
    return found


def _on_paths(topology: Topology, served: Iterable[str]) -> set[str]:
    """Return the elements on the paths to the uplinks; their groups never cross."""
    return {element.id for name in served for element in topology.path(name)}


def _arranged(groups: list[Group], on_paths: set[str]) -> Groups:
    plain = [g for g in groups if any(element.id in on_paths for element in g.elements)]
    others = [g for g in groups if all(element.id not in on_paths for element in g.elements)]
    # A group of a path may hold devices of a need elsewhere; then even paths can cross.
    tree: list[Group] = []
    crossing: list[Group] = []
    nested = all(not element.needs for group in groups for element in group.elements)
    for group in plain if nested else sorted(plain, key=lambda g: -len(g.devices)):
        (tree if nested or _fits(group, tree) else crossing).append(group)
    for group in others:
        (tree if _fits(group, tree) else crossing).append(group)
    tree.sort(key=lambda group: (-len(group.devices), group.elements[0].id))
    return Groups(tree=tuple(tree), parents=_parents(tree), crossing=tuple(crossing))


def _fits(group: Group, tree: Iterable[Group]) -> bool:
    """Return whether a group is within, around or apart from every group of a tree."""
    sizes = ((len(group.devices & other.devices), len(other.devices)) for other in tree)
    return all(common in {0, size, len(group.devices)} for common, size in sizes)


def _parents(tree: list[Group]) -> tuple[int, ...]:
    """Return the position of the smallest group around each, larger groups standing first."""
    innermost: dict[int, int] = {}
    parents = []
    for position, group in enumerate(tree):
        parents.append(innermost.get(next(iter(group.devices)), -1))
        innermost.update(dict.fromkeys(group.devices, position))
    return tuple(parents)

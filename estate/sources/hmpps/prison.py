"""What several exports state of one prison, made one: its wings, cells, places and conflicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from estate.sources.hmpps.export import CELL, ROOM, Capacity, Kind
from estate.sources.hmpps.spurs import (
    LANDING,
    SPUR,
    Cell,
    Level,
    WingLayout,
    natural,
    spur_rules,
    wing_layout,
)
from estate.sources.hmpps.statements import Statement, Use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from estate.errors import Problem
    from estate.sources.hmpps.statements import PrisonStatements

_STRUCTURE = {"WING", "BLOCK", SPUR, LANDING}
_INHERITED = {Use.INACTIVE, Use.DRAFT, Use.ARCHIVED}
_PLANNED = {Use.ACTIVE, Use.INACTIVE}  # An inactive cell is cabled with the others.


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A fact that two files state differently, and which of them is used."""

    location: str
    field: str
    used: str
    used_file: str
    other: str
    other_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One location as the files together state it; the first statement is the preferred one."""

    statements: tuple[Statement, ...]
    location_type: str
    name: str
    use: Use
    capacity: Capacity

    @property
    def path(self) -> str:
        """Return the path within the prison."""
        return self.statements[0].path

    @property
    def parent(self) -> str:
        """Return the path of the location that it stands in, "" at the top."""
        return self.statements[0].parent

    @property
    def is_certified_cell(self) -> bool:
        """Return whether a certificate has it as a cell."""
        first = self.statements[0]
        return first.document.kind is Kind.CERTIFICATE and first.use is None

    @property
    def sleeps(self) -> bool:
        """Return whether any places are stated for it."""
        return bool(self.capacity.max_capacity or self.capacity.certified_normal_accommodation)

    def listed(self, of: Callable[[Statement], tuple[str, ...]]) -> tuple[str, ...]:
        """Return the first list of words that is not empty."""
        return next(filter(None, map(of, self.statements)), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class WingCells:
    """The planned cells of a wing, rooms that people live in among them, and their layout."""

    node: Node
    cells: tuple[Node, ...]
    layout: WingLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The locations of one prison by their path, and how the files differ."""

    prison_id: str
    nodes: Mapping[str, Node]
    conflicts: tuple[Conflict, ...]

    @property
    def is_connected(self) -> bool:
        """Return whether every location stands in another or is the top of a wing."""
        return all(
            node.parent in self.nodes if node.parent else node.location_type != CELL
            for node in self.nodes.values()
        )

    def missing(self) -> Iterator[Problem]:
        """Yield a problem for each location that others stand in and no file holds."""
        absent: dict[str, list[Statement]] = {}
        for node in self.nodes.values():
            first = node.statements[0]
            if not node.parent and node.location_type == CELL:
                cure = "export the tree from its wing down"
                yield first.problem(f"the cell {node.path} stands in no wing", cure)
            elif node.parent and node.parent not in self.nodes and not first.nested:
                absent.setdefault(node.parent, []).append(first)
        for parent, statements in absent.items():
            count = len(statements)
            stand = "1 location stands" if count == 1 else f"{count} locations stand"
            what = f"{stand} in {self.prison_id}-{parent}, which no file holds"
            cure = "import the export that holds it together with this one"
            yield statements[0].problem(what, cure)

    def above(self, node: Node) -> tuple[Node, ...]:
        """Return the locations that a node stands in, from the top."""
        chain: list[Node] = []
        # A faulty export may put a location into itself; that is a problem told elsewhere.
        while node.parent and len(chain) < len(self.nodes):
            node = self.nodes[node.parent]
            chain.append(node)
        return tuple(reversed(chain))

    def leaves(self) -> list[Node]:
        """Return the locations that hold no others, in the order of their paths.

        What is inactive, a draft or archived, all within it is too.
        """
        parents = {node.parent for node in self.nodes.values()}
        ends = [node for path, node in self.nodes.items() if path not in parents]
        return [
            replace(node, use=max({node.use} | ({a.use for a in self.above(node)} & _INHERITED)))
            for node in sorted(ends, key=lambda node: natural(node.path))
        ]


def merged(prison: PrisonStatements) -> Tree:
    """Return the locations of a prison; the certificate is preferred, then the file named first.

    Numbers, names and types are the first ones stated. What a cell is used for is the last in
    order of `Use` that any file states, except that a certified cell is no draft any more.
    """
    by_path: dict[str, list[Statement]] = {}
    for statement in sorted(prison.statements, key=lambda statement: statement.document.kind):
        by_path.setdefault(statement.path, []).append(statement)
    conflicts: list[Conflict] = []
    nodes = {}
    for path, statements in by_path.items():
        conflicts += _conflicts(f"{prison.prison_id}-{path}", statements)
        nodes[path] = _node(statements)
    return Tree(prison_id=prison.prison_id, nodes=nodes, conflicts=tuple(conflicts))


def _node(statements: Sequence[Statement]) -> Node:
    uses = {statement.use for statement in statements if statement.use is not None}
    if statements[0].document.kind is Kind.CERTIFICATE:
        uses.discard(Use.DRAFT)
    capacities = [statement.capacity for statement in statements]
    return Node(
        statements=tuple(statements),
        location_type=statements[0].location_type,
        name=next((statement.name for statement in statements if statement.name), ""),
        use=max(uses, default=Use.ACTIVE),
        capacity=Capacity(
            certified_normal_accommodation=first_stated(
                [c.certified_normal_accommodation for c in capacities]
            ),
            working_capacity=first_stated([c.working_capacity for c in capacities]),
            max_capacity=first_stated([c.max_capacity for c in capacities]),
        ),
    )


def first_stated(numbers: Sequence[int | None]) -> int | None:
    """Return the first number that is not None."""
    return next((number for number in numbers if number is not None), None)


# Field → its value as text in a statement, "" where it is not stated.
_COMPARED: Mapping[str, Callable[[Statement], str]] = {
    "locationType": lambda s: s.location_type,
    "localName": lambda s: s.name,
    "status": lambda s: "" if s.use is None else s.use.name,
    "certifiedNormalAccommodation": lambda s: _text(s.capacity.certified_normal_accommodation),
    "workingCapacity": lambda s: _text(s.capacity.working_capacity),
    "maxCapacity": lambda s: _text(s.capacity.max_capacity),
}


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def _conflicts(location: str, statements: Sequence[Statement]) -> Iterator[Conflict]:
    """Yield each field on which a later statement differs from the one that is used."""
    for field, value_of in _COMPARED.items():
        stated = [(value_of(s), s.document.path.name) for s in statements if value_of(s)]
        if not stated:
            continue
        used = stated[0]
        if field == "status":
            used = max(stated, key=lambda value: Use[value[0]])
        for other in stated:
            if other[0].casefold() != used[0].casefold():
                yield Conflict(
                    location=location,
                    field=field,
                    used=used[0],
                    used_file=used[1],
                    other=other[0],
                    other_file=other[1],
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrisonCells:
    """The wings of a prison with their planned cells, and what else there is.

    `left_out` counts cells by why they are not planned for, in the words of `Use`; they are in
    `unplanned`. `other` counts leaves that are no cell and no room people live in.
    """

    wings: tuple[WingCells, ...]
    unplanned: tuple[Node, ...]
    left_out: Mapping[Use, int]
    other: int

    @property
    def cells(self) -> tuple[Node, ...]:
        """Return the planned cells of all wings."""
        return tuple(cell for wing in self.wings for cell in wing.cells)


def planned_cells(tree: Tree) -> PrisonCells:
    """Return the cells to plan for: those in use and those inactive, by wing.

    A room counts where people live in it: it has places, or its wing has no cell.
    """
    leaves = [(tree.above(node), node) for node in tree.leaves()]
    with_cells = {above[0].path for above, node in leaves if above and node.location_type == CELL}
    by_wing: dict[str, list[Node]] = {}
    unplanned: list[Node] = []
    other = 0
    for above, node in leaves:
        in_wing = bool(above) and node.location_type == ROOM
        lived_in = in_wing and (node.sleeps or above[0].path not in with_cells)
        if node.location_type != CELL and not lived_in:
            other += node.location_type not in _STRUCTURE
        elif node.use in _PLANNED:
            by_wing.setdefault(above[0].path, []).append(node)
        else:
            unplanned.append(node)
    wings = tuple(
        _wing_cells(tree, tree.nodes[path], by_wing[path]) for path in sorted(by_wing, key=natural)
    )
    left_out = Counter(node.use for node in unplanned)
    return PrisonCells(wings=wings, unplanned=tuple(unplanned), left_out=left_out, other=other)


def _wing_cells(tree: Tree, wing: Node, nodes: Sequence[Node]) -> WingCells:
    structure = wing.listed(lambda statement: statement.structure)
    cells = [
        Cell(code=node.statements[0].code, levels=_levels(tree.above(node)[1:], structure))
        for node in nodes
    ]
    rule = spur_rules().get((tree.prison_id, wing.path))
    return WingCells(node=wing, cells=tuple(nodes), layout=wing_layout(cells, rule))


def _levels(above: Sequence[Node], structure: Sequence[str]) -> tuple[Level, ...]:
    """Return the levels below a wing; a type that is no level takes the wing structure's word."""
    levels = []
    for depth, node in enumerate(above, start=1):
        role = node.location_type
        if role not in {SPUR, LANDING} and depth < len(structure):
            role = structure[depth]
        levels.append(Level(role, node.statements[0].code))
    return tuple(levels)

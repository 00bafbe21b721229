"""A wing's shape → its spaces, walls, doors, outlets and routes, in metres."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estate.errors import InputError
from estate.model import (
    Distributor,
    Door,
    Junction,
    Network,
    Outlet,
    Space,
    Span,
    Wall,
)
from estate.typology.hub import Axis, Hub, hub_between, rounded_m, spur_angles_deg
from estate.typology.table import Typology, read_typologies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estate.model import Point, WingShape

# Where things sit relative to the front wall; all assumed, and small beside the spans they end.
_RUN_TO_WALL_M = 0.15  # Half of a 300 mm tray against the wall.
_BACK_BOX_M = 0.05  # An outlet stands this far into its cell.
_DOOR_ALONG_CELL = 1 / 3
_OUTLET_ALONG_CELL = 3 / 4  # Beside the door, clear of its frame.


def lay_out(shape: WingShape, *, typologies: Mapping[str, Typology] | None = None) -> Network:
    """Return the network of a wing: metres from the hub's centre, y up, to the millimetre.

    Landing n is floor n - 1. Each spur has cells on both sides of its landing, an odd one on the
    left; they are numbered up the left side and then up the right, through the spurs in order.
    A run of containment follows each side, with a junction before each cell and a drop through
    the front wall to its outlet; runs of all landings meet in a riser at the hub's centre.

    The distributor is in a comms room beside the hub of the lowest floor. Where
    `distance_to_comms_m` is above zero the nearest comms room is elsewhere: the room drawn then
    stands for it, and the duct to it has that length. The hub's own walls, stairs and gates are
    not drawn.

    Raises
    ------
    InputError
        When no typology has the shape's name.
    """
    known = read_typologies() if typologies is None else typologies
    if shape.typology not in known:
        what = f"there is no typology {shape.typology!r}"
        raise InputError(what, hint=f"use one of {', '.join(known)}")
    drawing = _Drawing.of(shape, known[shape.typology])
    for landing in range(1, len(shape.layout) + 1):
        drawing.add_landing(landing)
    if shape.layout:
        drawing.add_comms_room()
    return drawing.network()


@dataclass(frozen=True, slots=True)
class _Section:
    """The cross-section of a spur: distances in metres across from its axis, and along it."""

    run: float
    front_face: float
    front_wall: float
    cell_near: float
    outlet: float
    cell_far: float
    rear_wall: float
    half_width: float
    wall: float
    pitch: float

    @classmethod
    def of(cls, typology: Typology, *, wall_m: float) -> _Section:
        """Return the section of a typology's spurs with walls of a thickness."""
        front_face = typology.landing_width_m / 2
        cell_near = front_face + wall_m
        cell_far = cell_near + typology.cell_length_m
        return cls(
            run=front_face - _RUN_TO_WALL_M,
            front_face=front_face,
            front_wall=front_face + wall_m / 2,
            cell_near=cell_near,
            outlet=cell_near + _BACK_BOX_M,
            cell_far=cell_far,
            rear_wall=cell_far + wall_m / 2,
            half_width=cell_far + wall_m,
            wall=wall_m,
            pitch=typology.cell_width_m + wall_m,
        )


@dataclass(frozen=True, slots=True)
class _Spur:
    """Where a spur stands: its axis, its inner end, and whether another continues it."""

    number: int
    angle_deg: float
    axis: Axis
    start_m: float
    is_last: bool


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a spur on one landing; `sign` is 1 on the left and -1 on the right."""

    name: str
    sign: int
    cells: int
    first_number: int


@dataclass(frozen=True, slots=True)
class _RunEnd:
    """A junction that a run may continue from, and where it is along and across the axis."""

    junction_id: str
    along_m: float
    across_m: float


@dataclass(slots=True)
class _Drawing:
    """The sheet on which one wing is drawn; features are kept in the order of drawing."""

    shape: WingShape
    typology: Typology
    section: _Section
    hub: Hub
    spurs: tuple[_Spur, ...]
    source: str
    spaces: list[Space] = field(default_factory=list)
    walls: list[Wall] = field(default_factory=list)
    doors: list[Door] = field(default_factory=list)
    junctions: list[Junction] = field(default_factory=list)
    distributors: list[Distributor] = field(default_factory=list)
    outlets: list[Outlet] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    @classmethod
    def of(cls, shape: WingShape, typology: Typology) -> _Drawing:
        """Return an empty sheet with hub and spurs set out."""
        section = _Section.of(typology, wall_m=shape.thickness_mm / 1000)
        count = max((len(landing) for landing in shape.layout), default=1)
        angles = spur_angles_deg(typology, spurs=count)
        hub = hub_between(angles, typology, half_width_m=section.half_width)
        return cls(
            shape=shape,
            typology=typology,
            section=section,
            hub=hub,
            spurs=_set_out(shape, angles, hub=hub, section=section),
            source=f"typology {typology.name}: typical, not this prison",
        )

    def network(self) -> Network:
        """Return what has been drawn."""
        return Network(
            spaces=tuple(self.spaces),
            walls=tuple(self.walls),
            doors=tuple(self.doors),
            junctions=tuple(self.junctions),
            distributors=tuple(self.distributors),
            outlets=tuple(self.outlets),
            spans=tuple(self.spans),
        )

    def add_landing(self, landing: int) -> None:
        """Draw the hub, riser and spurs of one landing."""
        floor = landing - 1
        self._space(f"hub-{landing}", floor, "hub", self.hub.outline)
        self._junction(f"riser-{landing}", floor, (0.0, 0.0), f"hub-{landing}")
        if landing > 1:
            ends = (f"riser-{landing - 1}", f"riser-{landing}")
            span_id = f"riser-{landing - 1}-{landing}"
            self._span(span_id, floor - 1, ends, self.typology.storey_height_m, "riser")
        runs: dict[tuple[float, str], _RunEnd] = {}
        number = 1
        for spur, cells in zip(self.spurs, self.shape.layout[floor], strict=False):
            if cells:
                self._add_spur(landing, spur, cells, number, runs)
                number += cells

    def add_comms_room(self) -> None:
        """Draw the comms room, its distributor, and the route to it from the foot of the riser."""
        outline = self.hub.comms_room(self.typology, wall_m=self.section.wall)
        centre = _middle(outline[0], outline[2])
        distance_m = self.shape.distance_to_comms_m
        source, length_m, containment = self.source, abs(complex(*centre)), "tray"
        if distance_m > 0:
            source = f"{self.source}; stands for the nearest comms room, {distance_m:g} m away"
            length_m, containment = distance_m, "duct"
        self.spaces.append(
            Space(space_id="comms-room", floor=0, kind="comms_room", outline=outline, source=source)
        )
        self.distributors.append(
            Distributor(
                distributor_id="distributor",
                floor=0,
                at=centre,
                space_id="comms-room",
                source=source,
            )
        )
        self._span("comms-link", 0, ("riser-1", "distributor"), length_m, containment)

"""A wing's shape → its spaces, walls, doors, outlets and routes, in metres."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING, Any

from estate.errors import InputError
from estate.model import (
    DATA_CABLING,
    Distributor,
    Door,
    Junction,
    Network,
    Outlet,
    Space,
    Span,
    Wall,
    WingShape,
)
from estate.typology.fabric import Fabric
from estate.typology.hub import Hub, hub_between, rounded_m, spur_angles_deg
from estate.typology.routes import Routes
from estate.typology.spur import Section, Spur, SpurLanding, spurs_of
from estate.typology.table import Typology, read_typologies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


Feature = Space | Wall | Door | Junction | Distributor | Outlet | Span


def lay_out(shape: WingShape, *, typologies: Mapping[str, Typology] | None = None) -> Network:
    """Return the network of a wing: metres from the hub's centre, y up, to the millimetre.

    Landing n is floor n - 1. Each spur has cells on both sides of its landing, an odd one on the
    left, numbered up the left side and then up the right, through the spurs in order. A run of
    containment follows each side, with a junction before each cell and a drop through the front
    wall to its outlet; the runs of all landings meet in a riser at the hub's centre.

    The distributor is in a comms room beside the hub of the lowest floor. Where the shape's
    `distance_to_comms_m` is above zero the nearest comms room is elsewhere: the room drawn
    stands for it, and the duct to it has that length. The hub's own walls, stairs and gates are
    not drawn.

    Raises
    ------
    InputError
        When no typology has the name that the shape gives.
    """
    known = read_typologies() if typologies is None else typologies
    if shape.typology not in known:
        what = f"there is no typology {shape.typology!r}"
        raise InputError(what, hint=f"use one of {', '.join(known)}")
    if not shape.cells:
        return Network()
    return _collected(_Wing.of(shape, known[shape.typology]).features())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wing:
    """A wing set out: its hub, and the place of its spurs on every landing."""

    shape: WingShape
    typology: Typology
    section: Section
    hub: Hub
    spurs: tuple[Spur, ...]
    source: str

    @classmethod
    def of(cls, shape: WingShape, typology: Typology) -> _Wing:
        section = Section.of(typology, wall_m=shape.thickness_mm / 1000)
        angles_deg = spur_angles_deg(typology, spurs=max(map(len, shape.layout)))
        hub = hub_between(angles_deg, typology, half_width_m=section.half_width_m)
        return cls(
            shape=shape,
            typology=typology,
            section=section,
            hub=hub,
            spurs=spurs_of(shape, section, angles_deg=angles_deg, hub_radius_m=hub.radius_m),
            source=f"typology {typology.name}: typical, not this prison",
        )

    def features(self) -> Iterator[Feature]:
        for landing, cells_of_spurs in enumerate(self.shape.layout, start=1):
            yield from self._core(landing)
            routes = self._routes(landing)
            number = 1
            for spur, cells in zip(self.spurs, cells_of_spurs, strict=False):
                if cells:
                    place = SpurLanding.of(
                        landing, spur, self.section, cells=cells, first_number=number
                    )
                    yield from self._fabric(place).features()
                    yield from routes.features(place)
                number += cells
        yield from self._comms_room()

    def _core(self, landing: int) -> Iterator[Feature]:
        """Yield the hub of a landing, the riser in it, and the riser's span from below."""
        floor = landing - 1
        yield Space(
            space_id=f"hub-{landing}",
            floor=floor,
            kind="hub",
            outline=self.hub.outline,
            source=self.source,
        )
        yield Junction(
            junction_id=f"riser-{landing}",
            floor=floor,
            at=(0.0, 0.0),
            space_id=f"hub-{landing}",
            source=self.source,
        )
        if floor > 0:
            yield Span(
                span_id=f"riser-{landing - 1}-{landing}",
                floor=floor - 1,
                start=f"riser-{landing - 1}",
                end=f"riser-{landing}",
                length_m=rounded_m(self.typology.storey_height_m),
                containment="riser",
                source=self.source,
            )

    def _fabric(self, place: SpurLanding) -> Fabric:
        return Fabric(place=place, typology=self.typology, shape=self.shape, source=self.source)

    def _routes(self, landing: int) -> Routes:
        # "partial" is read as the lowest landing only: a rule, since no source says which part.
        containment = self.shape.containment
        exists = containment == "full" or (containment == "partial" and landing == 1)
        return Routes(
            typology=self.typology,
            hub_radius_m=self.hub.radius_m,
            run_state="existing" if exists else "new",
            category=self.shape.cabling if self.shape.cabling in DATA_CABLING else "",
            source=self.source,
        )

    def _comms_room(self) -> Iterator[Feature]:
        """Yield the comms room, its distributor, and the span from the foot of the riser."""
        outline, centre = self.hub.comms_room(self.typology, wall_m=self.section.wall_m)
        elsewhere = self.shape.distance_to_comms_m > 0
        length_m = self.shape.distance_to_comms_m if elsewhere else hypot(*centre)
        source = self.source
        if elsewhere:
            source = f"{source}; stands for the nearest comms room, {length_m:g} m away"
        yield Space(
            space_id="comms-room", floor=0, kind="comms_room", outline=outline, source=source
        )
        yield Distributor(
            distributor_id="distributor", floor=0, at=centre, space_id="comms-room", source=source
        )
        yield Span(
            span_id="comms-link",
            floor=0,
            start="riser-1",
            end="distributor",
            length_m=rounded_m(length_m),
            containment="duct" if elsewhere else "tray",
            source=source,
        )


def _collected(features: Iterator[Feature]) -> Network:
    """Return a network of the features, each kind in the order in which it comes."""
    by_kind: defaultdict[type, list[Any]] = defaultdict(list)
    for feature in features:
        by_kind[type(feature)].append(feature)
    return Network(
        spaces=tuple(by_kind[Space]),
        walls=tuple(by_kind[Wall]),
        doors=tuple(by_kind[Door]),
        junctions=tuple(by_kind[Junction]),
        distributors=tuple(by_kind[Distributor]),
        outlets=tuple(by_kind[Outlet]),
        spans=tuple(by_kind[Span]),
    )

"""The spaces, walls and doors of one spur on one landing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from estate.model import Door, Space, Wall, WingShape
from estate.typology.spur import SpurLanding
from estate.typology.table import Typology

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.model import Point
    from estate.typology.spur import Cell, Side

_DOOR_ALONG_CELL = 1 / 3  # Leaves the rest of the front wall to the outlet; assumed.


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """What a spur on a landing is built of. Outlines are clear, so walls lie between them."""

    place: SpurLanding
    typology: Typology
    shape: WingShape
    source: str

    def features(self) -> Iterator[Space | Wall | Door]:
        """Yield the landing and its cells with their walls and doors."""
        yield from self._landing()
        yield from self._walls_of_landing()
        for side in self.place.sides:
            yield from self._walls_of(side)
            for cell in side.cells:
                yield self._cell(cell, side)
                yield self._door(cell, side)

    def _landing(self) -> Iterator[Space]:
        """Yield the landing; above the lowest it may be galleries round an atrium.

        The galleries join at a bridge at the far end, so that the void opens to the hub.
        """
        place, half_m = self.place, self.place.section.front_face_m
        near_m, far_m = place.spur.start_m, place.end_m
        void_m = self.typology.atrium_width_m / 2
        bridge_m = far_m - (half_m - void_m)
        at = place.axis.at
        outline = place.axis.rectangle(along_m=(near_m, far_m), across_m=(-half_m, half_m))
        if void_m > 0 and place.floor > 0 and bridge_m > near_m:
            void = place.axis.rectangle(along_m=(near_m, bridge_m), across_m=(-void_m, void_m))
            yield self._space(f"atrium-{place.name}", "atrium", void)
            inside = (at(near_m, void_m), at(bridge_m, void_m), at(bridge_m, -void_m))
            outline = (*outline, *inside, at(near_m, -void_m))
        yield self._space(f"landing-{place.name}", "landing", outline)

    def _cell(self, cell: Cell, side: Side) -> Space:
        section = self.place.section
        near_m, far_m = sorted((side.sign * section.cell_near_m, side.sign * section.cell_far_m))
        along_m = (cell.near_m, cell.near_m + self.typology.cell_width_m)
        outline = self.place.axis.rectangle(along_m=along_m, across_m=(near_m, far_m))
        return self._space(f"cell-{cell.key}", "cell", outline, location_key=cell.key)

    def _door(self, cell: Cell, side: Side) -> Door:
        along_m = cell.near_m + _DOOR_ALONG_CELL * self.typology.cell_width_m
        return Door(
            door_id=f"door-{cell.key}",
            floor=self.place.floor,
            at=self.place.axis.at(along_m, side.sign * self.place.section.front_wall_m),
            from_space=f"cell-{cell.key}",
            to_space=f"landing-{self.place.name}",
            source=self.source,
        )

    def _walls_of_landing(self) -> Iterator[Wall]:
        """Yield a front wall along each side of the landing, and the wall at its far end."""
        place, front_m = self.place, self.place.section.front_wall_m
        near_m = place.spur.start_m + place.section.wall_m / 2
        far_m = place.end_m + place.section.wall_m / 2
        for name, across_m in (("left", front_m), ("right", -front_m)):
            yield self._wall(f"front-{place.name}-{name}", (near_m, across_m), (far_m, across_m))
        if place.spur.is_last:
            yield self._wall(f"end-{place.name}", (far_m, front_m), (far_m, -front_m))

    def _walls_of(self, side: Side) -> Iterator[Wall]:
        """Yield the rear wall of a side, its two end walls, and a party wall between cells."""
        name, section = f"{self.place.name}-{side.name}", self.place.section
        front_m, rear_m = side.sign * section.front_wall_m, side.sign * section.rear_wall_m
        near_m = self.place.spur.start_m + section.wall_m / 2
        far_m = near_m + len(side.cells) * section.pitch_m
        yield self._wall(f"rear-{name}", (near_m, rear_m), (far_m, rear_m))
        yield self._wall(f"end-{name}-near", (near_m, front_m), (near_m, rear_m))
        yield self._wall(f"end-{name}-far", (far_m, front_m), (far_m, rear_m))
        for cell, beyond in pairwise(side.cells):
            along_m = beyond.near_m - section.wall_m / 2
            yield self._wall(f"party-{cell.key}", (along_m, front_m), (along_m, rear_m))

    def _space(
        self, space_id: str, kind: str, outline: tuple[Point, ...], *, location_key: str = ""
    ) -> Space:
        return Space(
            space_id=space_id,
            floor=self.place.floor,
            kind=kind,
            outline=outline,
            location_key=location_key,
            source=self.source,
        )

    def _wall(self, wall_id: str, start_m: Point, end_m: Point) -> Wall:
        """Return a wall between two points given along and across the axis."""
        return Wall(
            wall_id=wall_id,
            floor=self.place.floor,
            material=self.shape.material,
            thickness_mm=self.shape.thickness_mm,
            start=self.place.axis.at(*start_m),
            end=self.place.axis.at(*end_m),
            source=self.source,
        )

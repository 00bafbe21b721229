"""The junctions, outlets and spans of one landing: from its riser to every cell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from estate.model import Junction, Outlet, Span
from estate.typology.hub import rounded_m
from estate.typology.table import Typology

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.typology.spur import Side, SpurLanding

# Small beside the spans they end; all assumed.
_RUN_TO_WALL_M = 0.15  # Half of a 300 mm tray, fixed to the front wall.
_BACK_BOX_M = 0.05  # An outlet stands this far into its cell.
_OUTLET_ALONG_CELL = 3 / 4  # Beside the door, clear of its frame.

RouteFeature = Junction | Outlet | Span


@dataclass(frozen=True, slots=True)
class _RunEnd:
    """A junction from which a run goes on, with its place along and across the axis."""

    junction_id: str
    along_m: float
    across_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """The containment of one landing, drawn spur by spur from the hub outwards.

    `category` is that of the data cabling which reaches the cells already, "" for none.
    `run_ends` remembers by angle and side where a spur's runs ended, for a spur in line behind
    it. Lengths are rectilinear, as a tray is fixed.
    """

    typology: Typology
    hub_radius_m: float
    run_state: str
    category: str
    source: str
    run_ends: dict[tuple[float, str], _RunEnd] = field(default_factory=dict)

    def features(self, place: SpurLanding) -> Iterator[RouteFeature]:
        """Yield the way across the hub unless a spur in line has it, then the runs and drops."""
        if (place.spur.angle_deg, "left") not in self.run_ends:
            yield from self._across_hub(place)
        for side in place.sides:
            yield from self._side(place, side)

    def _across_hub(self, place: SpurLanding) -> Iterator[RouteFeature]:
        mouth = _RunEnd(f"mouth-{place.name}", self.hub_radius_m, 0.0)
        self.run_ends[place.spur.angle_deg, "left"] = mouth
        self.run_ends[place.spur.angle_deg, "right"] = mouth
        yield self._junction(place, mouth, space_id=f"hub-{place.landing}")
        yield Span(
            span_id=f"across-{place.name}",
            floor=place.floor,
            start=f"riser-{place.landing}",
            end=mouth.junction_id,
            length_m=rounded_m(self.hub_radius_m),
            containment="tray",
            source=self.source,
        )

    def _side(self, place: SpurLanding, side: Side) -> Iterator[RouteFeature]:
        across_m = side.sign * (place.section.front_face_m - _RUN_TO_WALL_M)
        for cell in side.cells:
            before = self.run_ends[place.spur.angle_deg, side.name]
            along_m = cell.near_m + _OUTLET_ALONG_CELL * self.typology.cell_width_m
            here = _RunEnd(f"junction-{cell.key}", along_m, across_m)
            self.run_ends[place.spur.angle_deg, side.name] = here
            yield self._junction(place, here, space_id=f"landing-{place.name}")
            yield Span(
                span_id=f"run-{cell.key}",
                floor=place.floor,
                start=before.junction_id,
                end=here.junction_id,
                length_m=rounded_m(along_m - before.along_m + abs(across_m - before.across_m)),
                containment="tray",
                state=self.run_state,
                source=self.source,
            )
            yield from self._drop(place, cell.key, here, sign=side.sign)

    def _drop(
        self, place: SpurLanding, key: str, run: _RunEnd, *, sign: int
    ) -> Iterator[RouteFeature]:
        """Yield the outlet of a cell and the span to it, down and through the front wall."""
        outlet_across_m = sign * (place.section.cell_near_m + _BACK_BOX_M)
        down_m = self.typology.containment_height_m - self.typology.outlet_height_m
        state = "existing" if self.category else "new"
        yield Outlet(
            outlet_id=f"outlet-{key}",
            floor=place.floor,
            at=place.axis.at(run.along_m, outlet_across_m),
            space_id=f"cell-{key}",
            state=state,
            category=self.category,
            source=self.source,
        )
        yield Span(
            span_id=f"drop-{key}",
            floor=place.floor,
            start=run.junction_id,
            end=f"outlet-{key}",
            length_m=rounded_m(abs(outlet_across_m - run.across_m) + down_m),
            containment="drop",
            state=state,
            source=self.source,
        )

    def _junction(self, place: SpurLanding, end: _RunEnd, *, space_id: str) -> Junction:
        return Junction(
            junction_id=end.junction_id,
            floor=place.floor,
            at=place.axis.at(end.along_m, end.across_m),
            space_id=space_id,
            source=self.source,
        )

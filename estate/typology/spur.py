"""One spur of a wing: its cross-section, where it stands, and its cells on each landing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estate.typology.hub import Axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estate.model import WingShape
    from estate.typology.table import Typology


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The cross-section that the spurs of a wing share.

    Metres from the spur's axis to the faces and centre lines of its walls, the same on both
    sides; `pitch_m` is from one cell to the next along the axis.
    """

    wall_m: float
    pitch_m: float
    front_face_m: float
    front_wall_m: float
    cell_near_m: float
    cell_far_m: float
    rear_wall_m: float
    half_width_m: float

    @classmethod
    def of(cls, typology: Typology, *, wall_m: float) -> Section:
        """Return the section of a typology's spurs with walls of a given thickness."""
        front_face_m = typology.landing_width_m / 2
        cell_near_m = front_face_m + wall_m
        cell_far_m = cell_near_m + typology.cell_length_m
        return cls(
            wall_m=wall_m,
            pitch_m=typology.cell_width_m + wall_m,
            front_face_m=front_face_m,
            front_wall_m=front_face_m + wall_m / 2,
            cell_near_m=cell_near_m,
            cell_far_m=cell_far_m,
            rear_wall_m=cell_far_m + wall_m / 2,
            half_width_m=cell_far_m + wall_m,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spur:
    """Where a spur stands on every landing: from one distance from the hub's centre to another.

    It ends where its longest landing does. `is_last` is false where another spur continues it in
    line from there.
    """

    number: int
    angle_deg: float
    start_m: float
    end_m: float
    is_last: bool

    @property
    def axis(self) -> Axis:
        """Return the spur's axis."""
        return Axis.towards(self.angle_deg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: its key within the wing, and where its clear width begins along the axis."""

    key: str
    near_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The cells of one side, from the hub outwards; `sign` is 1 on the left, -1 on the right."""

    name: str
    sign: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpurLanding:
    """One spur on one landing. Distances along the axis are from the hub's centre."""

    landing: int
    spur: Spur
    axis: Axis
    section: Section
    sides: tuple[Side, ...]

    @classmethod
    def of(
        cls, landing: int, spur: Spur, section: Section, *, cells: int, first_number: int
    ) -> SpurLanding:
        """Return a spur with so many cells on a landing, numbered up the left, then the right."""
        left = (cells + 1) // 2  # An odd cell stands on the left.
        numbers = range(first_number, first_number + cells)
        return cls(
            landing=landing,
            spur=spur,
            axis=spur.axis,
            section=section,
            sides=tuple(
                Side(name=name, sign=sign, cells=_cells(landing, spur, section, side_numbers))
                for name, sign, side_numbers in (
                    ("left", 1, numbers[:left]),
                    ("right", -1, numbers[left:]),
                )
                if side_numbers
            ),
        )

    @property
    def floor(self) -> int:
        """Return the floor, counted from 0 where landings count from 1."""
        return self.landing - 1

    @property
    def name(self) -> str:
        """Return the name within the wing, such as "2-s1"."""
        return f"{self.landing}-s{self.spur.number}"

    @property
    def end_m(self) -> float:
        """Return where the clear landing ends: at its end wall, or at the spur that goes on."""
        if not self.spur.is_last:
            return self.spur.end_m
        return self.spur.start_m + len(self.sides[0].cells) * self.section.pitch_m


def _cells(landing: int, spur: Spur, section: Section, numbers: range) -> tuple[Cell, ...]:
    first_m = spur.start_m + section.wall_m
    return tuple(
        Cell(key=f"{landing}-{number:03d}", near_m=first_m + place * section.pitch_m)
        for place, number in enumerate(numbers)
    )


def spurs_of(
    shape: WingShape, section: Section, *, angles_deg: Sequence[float], hub_radius_m: float
) -> tuple[Spur, ...]:
    """Return the spurs of a wing; one that shares another's angle starts where that one ends.

    It starts beyond the longest of its landings, so that the landings stand above each other.
    """
    starts_m = dict.fromkeys(angles_deg, hub_radius_m)
    spurs = []
    for index, angle_deg in enumerate(angles_deg):
        cells = max((landing[index] for landing in shape.layout if index < len(landing)), default=0)
        spur = Spur(
            number=index + 1,
            angle_deg=angle_deg,
            start_m=starts_m[angle_deg],
            end_m=starts_m[angle_deg] + (cells + 1) // 2 * section.pitch_m + section.wall_m,
            is_last=angle_deg not in angles_deg[index + 1 :],
        )
        starts_m[angle_deg] = spur.end_m
        spurs.append(spur)
    return tuple(spurs)

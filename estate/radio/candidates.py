"""Where an access point may hang: in each cell, and along each landing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from estate.model import Point
from estate.radio.scene import OPEN_KINDS, middle_of, points_along

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.model import Network, Space

_LANDING_EVERY_M = (
    2.5  # About one cell: in concrete a place serves hardly more than the doors before it.
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A place for an access point: `kind` is "cell" or "landing", `height_m` above its floor.

    `stands` says that one hangs there already.
    """

    candidate_id: str
    kind: str
    floor: int
    at: Point
    height_m: float
    space_id: str
    stands: bool = False


def candidates_of(network: Network, *, height_m: float) -> tuple[Candidate, ...]:
    """Return the places for access points: one in each cell, one each 2.5 m along each landing.

    All hang `height_m` above their floor. A void has none: there is nothing to hang it from. The
    order is that of the spaces; access points that a survey found come last, each where it hangs.
    """
    kinds = {space.space_id: space.kind for space in network.spaces}
    standing = (
        Candidate(
            candidate_id=found.access_point_id,
            kind="cell" if kinds.get(found.space_id) == "cell" else "landing",
            floor=found.floor,
            at=found.at,
            height_m=height_m,
            space_id=found.space_id,
            stands=True,
        )
        for found in network.access_points
        if found.state == "existing"
    )
    return (*(place for space in network.spaces for place in _in(space, height_m)), *standing)


def _in(space: Space, height_m: float) -> Iterator[Candidate]:
    if space.kind == "cell":
        yield _candidate(f"{space.space_id}/AP", space, middle_of(space), height_m)
    elif space.kind in OPEN_KINDS - {"atrium"}:
        points = points_along(space, every_m=_LANDING_EVERY_M)
        for number, at in enumerate(points, start=1):
            yield _candidate(f"{space.space_id}/AP-{number:02d}", space, at, height_m)


def _candidate(name: str, space: Space, at: Point, height_m: float) -> Candidate:
    return Candidate(
        candidate_id=name,
        kind="cell" if space.kind == "cell" else "landing",
        floor=space.floor,
        at=at,
        height_m=height_m,
        space_id=space.space_id,
    )

"""From silent and talking devices to the shared causes a technician can go and look at."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fleet.diagnosis.groups import Group, groups_of
from fleet.diagnosis.inference import weigh
from fleet.diagnosis.priors import Priors, read_priors
from fleet.topology import Element, Topology

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

# A technician walks for the first: nine in ten of such walks find something. Below it, and down to
# the other, a failure is only suspected.
_LIKELY = 0.8
_SUSPECTED = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A device, its place, and whether it answered. Places are "" where they are unknown."""

    device: str
    cell: str
    silent: bool
    prison_id: str = ""
    wing: str = ""
    landing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A failure that would explain why devices are silent.

    `confidence` is the probability that it, or one of `same_as`, has failed: nothing that was
    asked tells these apart. `devices` are silent behind it and `cells` are where they are;
    `talking` counts those that answer although they should not.
    """

    element: str
    kind: str
    confidence: float
    devices: tuple[str, ...]
    cells: tuple[str, ...]
    talking: int
    same_as: tuple[str, ...]
    prison_id: str
    wing: str
    check_first: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The shared causes, likeliest first; what is only suspected; and who is silent alone.

    `unplaced` devices are in no cell that the topology knows: they could not be weighed.
    `by_place` says that there was no topology, so that wings and landings stood in for it.
    """

    causes: tuple[Cause, ...]
    suspected: tuple[Cause, ...]
    unexplained: tuple[str, ...]
    unplaced: tuple[str, ...]
    devices: int
    silent: int
    by_place: bool


def diagnose(
    sightings: Iterable[Sighting], topology: Topology | None, *, priors: Priors | None = None
) -> Diagnosis:
    """Return the most likely shared causes of silence, each site weighed by itself.

    Without a topology devices are grouped by prison, wing and landing.
    """
    priors = priors or read_priors()
    seen = sorted(sightings, key=lambda sighting: sighting.device)
    known = topology or _by_place(seen)
    sites: defaultdict[str, list[tuple[Sighting, str]]] = defaultdict(list)
    unplaced = []
    for sighting in seen:
        element = _served_by(sighting, topology)
        if element in known.by_id:
            sites[known.by_id[element].prison_id].append((sighting, element))
        else:
            unplaced.append(sighting)
    found = [
        cause
        for _, site in sorted(sites.items())
        if any(sighting.silent for sighting, _ in site)
        for cause in _causes_of(site, known, priors)
    ]
    found.sort(key=lambda cause: (-cause.confidence, -len(cause.devices), cause.element))
    causes = tuple(cause for cause in found if cause.confidence >= _LIKELY)
    explained = {device for cause in causes for device in cause.devices}
    silent = [sighting.device for sighting in seen if sighting.silent]
    return Diagnosis(
        causes=causes,
        suspected=tuple(c for c in found if _SUSPECTED <= c.confidence < _LIKELY),
        unexplained=tuple(device for device in silent if device not in explained),
        unplaced=tuple(sighting.device for sighting in unplaced),
        devices=len(seen),
        silent=len(silent),
        by_place=topology is None,
    )


def _served_by(sighting: Sighting, topology: Topology | None) -> str:
    """Return the element that serves a device, "" where none is known."""
    if topology is None:
        return _place(sighting)
    served = topology.cell_by_key.get(sighting.cell)
    return served.element if served else ""


def _causes_of(
    site: Sequence[tuple[Sighting, str]], topology: Topology, priors: Priors
) -> Iterator[Cause]:
    sightings = [sighting for sighting, _ in site]
    groups = groups_of(topology, {number: element for number, (_, element) in enumerate(site)})
    silent = np.array([sighting.silent for sighting in sightings])
    weighed = weigh(groups, silent, priors)
    for group, confidence in (
        *zip(groups.tree, weighed.tree, strict=True),
        *zip(groups.crossing, weighed.crossing, strict=True),
    ):
        # One silent device shares its cause with nobody.
        behind = [sightings[number] for number in sorted(group.devices)]
        if confidence >= _SUSPECTED and sum(sighting.silent for sighting in behind) > 1:
            yield _cause(group, float(confidence), behind, priors)


def _cause(group: Group, confidence: float, behind: Sequence[Sighting], priors: Priors) -> Cause:
    # Of elements that cannot be told apart the likeliest is named, the lowest of equals.
    element = max(group.elements, key=lambda e: priors.of(e.kind).failed)
    silent = [sighting for sighting in behind if sighting.silent]
    wings = {sighting.wing for sighting in behind}
    return Cause(
        element=element.id,
        kind=element.kind,
        confidence=confidence,
        devices=tuple(sighting.device for sighting in silent),
        cells=tuple(sorted(sighting.cell for sighting in silent)),
        talking=len(behind) - len(silent),
        same_as=tuple(other.id for other in group.elements if other is not element),
        prison_id=element.prison_id,
        wing=element.wing or (wings.pop() if len(wings) == 1 else ""),
        check_first=priors.of(element.kind).check_first,
    )


def _by_place(sightings: Sequence[Sighting]) -> Topology:
    """Return prisons, wings and landings in the place of the elements that serve them."""
    places: dict[str, Element] = {}
    for sighting in sightings:
        parent = ""
        for part in (sighting.prison_id, sighting.wing, sighting.landing):
            if not part:
                break
            name = f"{parent}/{part}" if parent else part
            wing = sighting.wing if parent else ""
            places[name] = Element(
                id=name, kind="place", parent=parent, prison_id=sighting.prison_id, wing=wing
            )
            parent = name
    return Topology(elements=tuple(places.values()))


def _place(sighting: Sighting) -> str:
    parts = []
    for part in (sighting.prison_id, sighting.wing, sighting.landing):
        if not part:
            break
        parts.append(part)
    return "/".join(parts)

"""The devices that go first: one for each combination of what may make a difference."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from fleet.device import Device


class Combination(NamedTuple):
    """A model, what serves it, its wing, and the version that it has now; "" where unknown."""

    model: str
    element: str
    prison_id: str
    wing: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncovered:
    """Devices of a combination that no device can stand for, and why not."""

    combination: Combination
    devices: tuple[str, ...]
    why: str


def combination(device: Device) -> Combination:
    """Return the combination that a device stands for."""
    return Combination(
        model=device.model,
        element=device.element,
        prison_id=device.prison_id,
        wing=device.wing,
        version=device.version,
    )


def coverage_of(
    devices: Sequence[Device],
    *,
    hindered: Mapping[str, str],
    covered: Collection[Combination] = frozenset(),
) -> tuple[tuple[Device, ...], tuple[Uncovered, ...]]:
    """Return one device for each combination, and the combinations that have none.

    A device stands for exactly one combination, so one for each is the fewest there can be.
    Devices that are `hindered`, with the reason, stand for nothing; what is `covered` already
    needs nobody. The first of them show every model and version, the next every wing.
    """
    alike: defaultdict[Combination, list[Device]] = defaultdict(list)
    for device in sorted(devices, key=lambda one: one.device):
        alike[combination(device)].append(device)
    chosen: list[Device] = []
    left: list[Uncovered] = []
    for what, members in sorted(alike.items()):
        if what in covered:
            continue
        able = [device for device in members if device.device not in hindered]
        if able:
            chosen.append(able[0])
            continue
        reasons = sorted({hindered[device.device] for device in members})
        names = tuple(device.device for device in members)
        left.append(Uncovered(combination=what, devices=names, why="; ".join(reasons)))
    return tuple(_most_telling_first(chosen)), tuple(left)


def _most_telling_first(chosen: Sequence[Device]) -> list[Device]:
    """Return the devices with new models and versions in front, then those with new wings."""
    software, wings = set[tuple[str, str]](), set[tuple[str, str]]()
    first: list[Device] = []
    second: list[Device] = []
    rest: list[Device] = []
    for device in chosen:
        place, has = (device.prison_id, device.wing), (device.model, device.version)
        if has not in software:
            first.append(device)
        elif place not in wings:
            second.append(device)
        else:
            rest.append(device)
            continue
        software.add(has)
        wings.add(place)
    return [*first, *second, *rest]

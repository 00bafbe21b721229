"""Wings that are designed as one problem, and their networks as one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any

from estate.model import Network, WingShape

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estate.model import Distributor, Junction

_CELL = "cell"
_OWN = ("spaces", "walls", "doors", "outlets", "access_points", "spans")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A wing of a block, by its location key; its network has landing n on floor n - 1.

    Names are those of the block, so that one joint has one name in all its wings. `storeys` gives
    the floor of the survey on which each landing lies, and `met` the distributors that other wings
    draw.
    """

    key: str
    shape: WingShape
    network: Network
    storeys: tuple[int, ...] = ()
    met: tuple[str, ...] = ()

    @property
    def landings(self) -> int:
        """Return how many floors have cells."""
        return len({space.floor for space in self.network.spaces if space.kind == _CELL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Wings that are designed together; most blocks are one wing."""

    members: tuple[Member, ...]

    @classmethod
    def of(cls, shape: WingShape, network: Network) -> Block:
        """Return a wing that is designed alone."""
        return cls(members=(Member(key="", shape=shape, network=network),))

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the location keys of the wings, in order."""
        return tuple(member.key for member in self.members)

    @property
    def firsts(self) -> tuple[int, ...]:
        """Return the floor of the lowest landing of each wing in `network`."""
        return (0, *accumulate(member.landings for member in self.members[:-1]))

    @property
    def storeys(self) -> tuple[int, ...]:
        """Return the floor of the survey on which each floor of `network` lies; () for itself."""
        if len(self.members) == 1:
            return ()
        return tuple(chain.from_iterable(member.storeys for member in self.members))

    @property
    def network(self) -> Network:
        """Return the networks of all wings as one, the landings of one above those of another.

        What several wings have is there once, on the floor of the wing that draws it. A joint is
        of the wing of which most spans end there.
        """
        if len(self.members) == 1:
            return self.members[0].network
        pairs = list(zip(self.members, self.firsts, strict=True))
        layers: dict[str, tuple[Any, ...]] = {
            layer: tuple(
                replace(feature, floor=feature.floor + first)
                for member, first in pairs
                for feature in getattr(member.network, layer)
            )
            for layer in _OWN
        }
        distributors = _distributors(pairs)
        taken = {d.distributor_id for d in distributors}
        taken |= {outlet.outlet_id for outlet in layers["outlets"]}
        return Network(
            **layers,
            distributors=tuple(distributors),
            junctions=tuple(
                junction
                for junction in _once(_junctions(pairs), "junction_id")
                if junction.junction_id not in taken
            ),
            cables=tuple(
                replace(
                    cable,
                    floor=cable.floor + first,
                    to_floor=None if cable.to_floor is None else cable.to_floor + first,
                )
                for member, first in pairs
                for cable in member.network.cables
            ),
            perimeter=self.members[0].network.perimeter,
        )

    def sharing(self, distributors: Iterable[Distributor]) -> Block:
        """Return the block with what is free in these distributors in place of what was."""
        found = {each.distributor_id: each for each in distributors}

        def shared(each: Distributor) -> Distributor:
            return replace(found[each.distributor_id], floor=each.floor)

        return Block(
            members=tuple(
                replace(
                    member,
                    network=replace(
                        member.network,
                        distributors=tuple(map(shared, member.network.distributors)),
                    ),
                )
                for member in self.members
            )
        )


def _distributors(pairs: Sequence[tuple[Member, int]]) -> list[Distributor]:
    """Return the distributors that the wings draw, and then those of wings elsewhere."""
    found = [
        (each.distributor_id in member.met, replace(each, floor=each.floor + first))
        for member, first in pairs
        for each in member.network.distributors
    ]
    found.sort(key=lambda pair: pair[0])
    return _once((each for _, each in found), "distributor_id")


def _junctions(pairs: Sequence[tuple[Member, int]]) -> list[Junction]:
    """Return the joints of all wings; of those that several have the likeliest comes first."""
    found = []
    for member, first in pairs:
        ends = Counter(end for span in member.network.spans for end in (span.start, span.end))
        found += [
            (-ends[junction.junction_id], replace(junction, floor=junction.floor + first))
            for junction in member.network.junctions
        ]
    return [junction for _, junction in sorted(found, key=lambda pair: pair[0])]


def _once(features: Iterable[Any], name: str) -> list[Any]:
    """Return the first feature of each name."""
    found: dict[str, Any] = {}
    for feature in features:
        found.setdefault(getattr(feature, name), feature)
    return list(found.values())

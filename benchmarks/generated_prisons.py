"""Prisons drawn with a seed: sizes from the register, wings within what their typology allows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from estate.model import Network, WingShape
from estate.sizing import default_typology, places_of
from estate.sources.register import read_register
from estate.typology import Layout, Typology, lay_out, read_typologies, wings_for
from estate.workspace import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estate.model import Distributor, Establishment, Outlet, Span

VERY_LARGE, LARGE = 1600, 800  # More places than this; one prison at least is very large,
LARGE_MIN = 5  # and so many at least are large, the very large ones among them.

# Walls that prisons of a typology also have: our assumption, the typology's own counted twice.
_OTHER_MATERIAL = {
    "radial_gallery": "stone",
    "linear_wing": "brick",
    "two_spur_block": "brick",
    "quick_build": "timber",
    "dormitory": "timber",
}
_DIMENSIONS = ("cell_width_m", "cell_length_m", "landing_width_m", "atrium_width_m", "hub_radius_m")
_CELLS_VARY = 0.2  # Of each spur's typical number, up or down.
_IN_WING_M, _ELSEWHERE_M = (5.0, 25.0), (15.0, 120.0)  # As the assumptions have it.
_CONTAINMENT = ("none", "none", "partial", "full")
_TRAY_MM = (100.0, 50.0)
_DATA_SHARE = 0.2  # Wings whose lowest landing has data cabling.
_RACK_SHARE = 0.4  # Comms rooms in which something stands already.


@dataclass(frozen=True, slots=True, kw_only=True)
class WingKind:
    """Wings of one prison that are built alike, and how many there are."""

    shape: WingShape
    network: Network
    count: int

    def __str__(self) -> str:
        """Return the wings as a list of prisons shows them."""
        cells = "/".join("+".join(map(str, spurs)) for spurs in self.shape.layout)
        walls = f"{self.shape.material} {self.shape.thickness_mm}"
        plant = f"containment {self.shape.containment}"
        return f"{self.count} x {cells}, {walls}, {self.shape.distance_to_comms_m:g} m, {plant}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedPrison:
    """A prison that does not exist, with the places and the typology of one that does."""

    name: str
    places: int
    typology: str
    wings: tuple[WingKind, ...]

    @property
    def cells(self) -> int:
        """Return the cells of all wings."""
        return sum(kind.count * kind.shape.cells for kind in self.wings)


def generated(prisons: int, *, seed: int) -> tuple[GeneratedPrison, ...]:
    """Return that many prisons, the largest first.

    Each takes its places and its default typology from a prison of the shipped register, drawn
    without repetition. Its cells per place, landings, spurs, dimensions, walls, distance to a
    comms room and the plant that stands in it are drawn within the ranges of typologies.csv, or
    those above where it has none. One seed always draws the same prisons.

    Raises
    ------
    ValueError
        When fewer are asked for than are to be large, or more than the register has.
    """
    random = Random(seed)  # noqa: S311 - a draw to repeat, not a secret
    register = [
        (places.count, prison)
        for prison in read_register(SHIPPED["register.csv"])
        if (places := places_of(prison)) and not prison.counted_in
    ]
    if not LARGE_MIN <= prisons <= len(register):
        raise ValueError(f"expected {LARGE_MIN} to {len(register)} prisons, not {prisons}")
    drawn = _drawn(sorted(register, key=lambda pair: pair[1].prison_id), prisons, random)
    drawn.sort(key=lambda pair: (-pair[0], pair[1].prison_id))
    return tuple(
        _prison(f"{number:02}-{like.prison_id}", places, like, random)
        for number, (places, like) in enumerate(drawn, start=1)
    )


def _drawn(
    register: Sequence[tuple[int, Establishment]], prisons: int, random: Random
) -> list[tuple[int, Establishment]]:
    first = random.choice([pair for pair in register if pair[0] > VERY_LARGE])
    large = [pair for pair in register if pair[0] > LARGE and pair is not first]
    drawn = [first, *random.sample(large, k=LARGE_MIN - 1)]
    rest = [pair for pair in register if pair not in drawn]
    return drawn + random.sample(rest, k=prisons - len(drawn))


def _prison(name: str, places: int, like: Establishment, random: Random) -> GeneratedPrison:
    typology = _varied(read_typologies()[default_typology(like)[0]], random)
    share = typology.cells_per_place
    cells = max(1, round(places * random.uniform(share.low, share.high)))
    layouts = Counter(wings_for(cells, typology))
    return GeneratedPrison(
        name=name,
        places=places,
        typology=typology.name,
        wings=tuple(
            _kind(layout, count, typology, random) for layout, count in sorted(layouts.items())
        ),
    )


def _varied(typology: Typology, random: Random) -> Typology:
    """Return a typology with other values within their ranges, its storeys as high as before."""
    facts = {fact.name: fact for fact in typology.facts}

    def within(name: str) -> tuple[float, float]:
        fact = facts[name]
        return (
            float(fact.value) if fact.low is None else fact.low,
            float(fact.value) if fact.high is None else fact.high,
        )

    def metres(name: str) -> float:
        return round(random.uniform(*within(name)), 2)

    landings = [round(bound) for bound in within("landings")]
    other = _OTHER_MATERIAL.get(typology.name, typology.material)
    dimensions = {name: metres(name) for name in _DIMENSIONS}
    # Galleries of at least a metre go round the void.
    widest_m = max(0.0, dimensions["landing_width_m"] - 2)
    dimensions["atrium_width_m"] = round(min(dimensions["atrium_width_m"], widest_m), 2)
    return replace(
        typology,
        landings=random.randint(*landings),
        cells_per_spur=tuple(
            max(4, round(cells * random.uniform(1 - _CELLS_VARY, 1 + _CELLS_VARY)))
            for cells in typology.cells_per_spur
        ),
        material=random.choice((typology.material, typology.material, other)),
        thickness_mm=round(random.uniform(*within("thickness_mm"))),
        **dimensions,
    )


def _kind(layout: Layout, count: int, typology: Typology, random: Random) -> WingKind:
    near = random.choice((_IN_WING_M, _ELSEWHERE_M, _ELSEWHERE_M))
    shape = WingShape(
        typology=typology.name,
        layout=layout,
        material=typology.material,
        thickness_mm=typology.thickness_mm,
        distance_to_comms_m=round(random.uniform(*near), 1),
        containment=random.choice(_CONTAINMENT),
    )
    network = lay_out(shape, typologies={typology.name: typology})
    return WingKind(shape=shape, network=_with_plant(network, random), count=count)


def _with_plant(network: Network, random: Random) -> Network:
    """Return a network in which some of what a survey finds stands already."""
    fill = round(random.uniform(0, 45))
    has_data = random.random() < _DATA_SHARE
    return replace(
        network,
        spans=tuple(_filled(span, fill, has_data=has_data) for span in network.spans),
        outlets=tuple(_cabled(outlet, has_data=has_data) for outlet in network.outlets),
        distributors=tuple(_racked(network.distributors, random)),
    )


def _filled(span: Span, fill_percent: float, *, has_data: bool) -> Span:
    if span.containment == "drop":
        return replace(span, state="existing") if has_data and not span.floor else span
    if span.state != "existing":
        return span
    width_mm, depth_mm = _TRAY_MM
    return replace(span, fill_percent=fill_percent, width_mm=width_mm, depth_mm=depth_mm)


def _cabled(outlet: Outlet, *, has_data: bool) -> Outlet:
    if has_data and not outlet.floor:
        return replace(outlet, state="existing", category="cat6a")
    return outlet


def _racked(distributors: Iterable[Distributor], random: Random) -> Iterable[Distributor]:
    for distributor in distributors:
        if random.random() < _RACK_SHARE:
            yield replace(
                distributor,
                state="existing",
                switch_ports_free=random.randint(0, 24),
                rack_units_free=random.randint(0, 20),
                power_free_w=float(random.randrange(0, 4000, 500)),
            )
        else:
            yield distributor

"""What is assumed of radio → a band to use, and the best, likely and worst case of a design.

Every number is an assumption with its range and source. The best case takes the kind end of each
range at once and the worst the unkind one, so the two are wider than any percentile.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from estate.catalogue import Assumptions
from estate.radio.capacity import Service, demand_mbps
from estate.radio.channels import Band, Channel, channels
from estate.radio.coverage import Radio, Terminal
from estate.radio.propagation import Propagation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CASES = ("best", "likely", "worst")

_SERVICE = "demand_concurrency."
_WALL = "radio_wall_extra_db."

# The frequency at which a band is computed; across a band losses differ by less than 1 dB of
# free space.
_FREQUENCY_GHZ = MappingProxyType({Band.GHZ_5: 5.5, Band.GHZ_6: 6.2})
_WIDTHS_MHZ = (40, 20)

BAND_RULE = (
    "6 GHz where every device hears it, else 5 GHz; 40 MHz where as many channels of that width "
    "need no radar detection as neighbours need, else 20 MHz; the power is the least that the "
    "law allows on those channels."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandUse:
    """The band and width that a design uses, its channels, and why."""

    band: Band
    width_mhz: int
    frequency_ghz: float
    channels: tuple[Channel, ...]
    reason: str

    @property
    def eirp_dbm_max(self) -> float:
        """Return what may be radiated on every one of the channels."""
        return min(channel.eirp_dbm_max for channel in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One reading of the assumptions: how signals travel, and what a cell needs.

    A cell is served where its signal, `margin_db` taken off, meets `target_dbm` and its demand
    fits into `airtime_max` of an access point's time; `throughput_share` of a rate on the air is
    left for data. Access points disturb each other by `less_noise_db` less than if each sent at
    random.
    """

    name: str
    propagation: Propagation
    radio: Radio
    target_dbm: float
    margin_db: float
    demand_mbps: float
    throughput_share: float
    airtime_max: float
    less_noise_db: float


def band_use(assumptions: Assumptions) -> BandUse:
    """Return the band and width by `BAND_RULE`, at the likely value of each assumption."""
    everyone = assumptions["radio_six_ghz_devices"].likely >= 1
    band = Band.GHZ_6 if everyone else Band.GHZ_5
    needed = assumptions["radio_reuse_channels"].likely
    for width_mhz in _WIDTHS_MHZ:
        free = tuple(c for c in channels(band, width_mhz=width_mhz) if not c.radar_detection)
        if len(free) >= needed or width_mhz == _WIDTHS_MHZ[-1]:
            break
    heard = "every device hears 6 GHz" if everyone else "not every device hears 6 GHz"
    return BandUse(
        band=band,
        width_mhz=width_mhz,
        frequency_ghz=_FREQUENCY_GHZ[band],
        channels=free,
        reason=(
            f"{band} GHz: {heard}; {width_mhz} MHz: {len(free)} such channels need no radar "
            f"detection, {needed:g} are wanted"
        ),
    )


def cases_of(assumptions: Assumptions, use: BandUse) -> Mapping[str, Case]:
    """Return the best, the likely and the worst case by name."""
    return MappingProxyType({name: _case(name, assumptions, use) for name in CASES})


def services_of(assumptions: Assumptions, case: str) -> tuple[Service, ...]:
    """Return what people do online, and how many at once, in a case."""
    take = _Taker(assumptions=assumptions, case=case)
    return tuple(
        Service(
            name=name,
            down_mbps=take.cost(f"demand_down_mbps.{name}"),
            up_mbps=take.cost(f"demand_up_mbps.{name}"),
            concurrency=take.cost(f"demand_concurrency.{name}"),
        )
        for name in _endings(assumptions, _SERVICE)
    )


def propagation_of(assumptions: Assumptions, case: str) -> Propagation:
    """Return how signals travel in a case: losses at the low end of their ranges are its best."""
    take = _Taker(assumptions=assumptions, case=case)
    return Propagation(
        door_loss_db=take.cost("radio_door_loss_db"),
        waypoint_bend_db=take.cost("radio_waypoint_bend_db"),
        portal_bend_db=take.cost("radio_portal_bend_db"),
        wall_extra_db={
            material: take.cost(f"radio_wall_extra_db.{material}")
            for material in _endings(assumptions, _WALL)
        },
    )


def _case(name: str, assumptions: Assumptions, use: BandUse) -> Case:
    take = _Taker(assumptions=assumptions, case=name)
    return Case(
        name=name,
        propagation=propagation_of(assumptions, name),
        radio=Radio(
            frequency_ghz=use.frequency_ghz,
            width_mhz=use.width_mhz,
            eirp_dbm_max=use.eirp_dbm_max,
            access_point=Terminal(
                conducted_dbm=take.gain("radio_access_point_dbm"),
                antenna_gain_dbi=take.gain("radio_access_point_gain_dbi"),
                noise_figure_db=take.cost("radio_noise_figure_db"),
            ),
            client=Terminal(
                conducted_dbm=take.gain("radio_client_dbm"),
                noise_figure_db=take.cost("radio_noise_figure_db"),
            ),
        ),
        target_dbm=take.cost("radio_target_dbm"),
        margin_db=take.cost("radio_margin_db"),
        demand_mbps=demand_mbps(services_of(assumptions, name)),
        throughput_share=take.gain("radio_throughput_share"),
        airtime_max=take.gain("radio_airtime_max"),
        less_noise_db=take.gain("radio_less_noise_db"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taker:
    """Takes from each range the end that a case is about."""

    assumptions: Assumptions
    case: str

    def cost(self, key: str) -> float:
        """Return a number of which less is better."""
        return self.assumptions[key].as_tuple()[CASES.index(self.case)]

    def gain(self, key: str) -> float:
        """Return a number of which more is better."""
        return self.assumptions[key].as_tuple()[::-1][CASES.index(self.case)]


def _endings(assumptions: Assumptions, stem: str) -> Iterator[str]:
    """Yield what follows a stem in the keys that begin with it, in order."""
    keys = sorted(assumption.key for assumption in assumptions)
    return (key.removeprefix(stem) for key in keys if key.startswith(stem))

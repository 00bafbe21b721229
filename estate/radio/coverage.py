"""Loss → the signal, rate and certainty that each cell has from each access point."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from estate.radio.capacity import AX, Waveform, noise_dbm
from estate.radio.fabric import Floats

if TYPE_CHECKING:
    from estate.radio.fabric import Ints

# What published multi-wall fits leave unexplained: furniture, bodies, ducts.
SHADOWING_DB = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """One end of a link. What is fed to the antenna and what it gains are kept apart.

    Vendors print either the sum or one of them. A noise figure of 9 dB puts 20 MHz at -92 dBm.
    """

    conducted_dbm: float
    antenna_gain_dbi: float = 0.0
    noise_figure_db: float = 9.0

    @property
    def eirp_dbm(self) -> float:
        """Return what is radiated in the antenna's best direction."""
        return self.conducted_dbm + self.antenna_gain_dbi


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """A band as it would be used: frequency, width, both ends, and what the law allows.

    A client sends at 12-15 dBm where an access point has 20-23: the weaker direction decides.
    """

    frequency_ghz: float
    width_mhz: int
    eirp_dbm_max: float
    access_point: Terminal = field(default_factory=lambda: Terminal(conducted_dbm=20.0))
    client: Terminal = field(default_factory=lambda: Terminal(conducted_dbm=15.0))
    waveform: Waveform = AX
    streams: int = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coverage:
    """What n receivers have from m access points, each (m, n).

    `downlink_dbm` arrives at the client, `uplink_dbm` at the access point; SNR and rate are
    those of the weaker direction.
    """

    downlink_dbm: Floats
    uplink_dbm: Floats
    snr_db: Floats
    rate_mbps: Floats

    @property
    def signal_dbm(self) -> Floats:
        """Return the signal of the weaker direction."""
        return np.minimum(self.downlink_dbm, self.uplink_dbm)

    def certainty(self, *, target_dbm: float, shadowing_db: float = SHADOWING_DB) -> Floats:
        """Return the probability that the signal meets a target, under log-normal shadowing."""
        margin: Floats = ndtr((self.signal_dbm - target_dbm) / shadowing_db)
        return margin

    def best(self) -> Ints:
        """Return the access point with the most signal at each receiver, the first of equals."""
        strongest: Ints = np.argmax(self.signal_dbm, axis=0)
        return strongest


def coverage(loss_db: Floats, radio: Radio, *, interference_dbm: Floats | None = None) -> Coverage:
    """Return signal, SNR and rate for losses (m, n).

    `interference_dbm` (n,) is what each receiver hears from others on its channel; it adds to
    the noise of both directions, which is cautious for the uplink.
    """
    point, client = radio.access_point, radio.client
    downlink_dbm = min(point.eirp_dbm, radio.eirp_dbm_max) + client.antenna_gain_dbi - loss_db
    uplink_dbm = min(client.eirp_dbm, radio.eirp_dbm_max) + point.antenna_gain_dbi - loss_db
    snr_db = np.minimum(
        downlink_dbm - _floor_dbm(client, radio, interference_dbm),
        uplink_dbm - _floor_dbm(point, radio, interference_dbm),
    )
    return Coverage(
        downlink_dbm=downlink_dbm,
        uplink_dbm=uplink_dbm,
        snr_db=snr_db,
        rate_mbps=radio.waveform.rates_mbps(
            snr_db, width_mhz=radio.width_mhz, streams=radio.streams
        ),
    )


def _floor_dbm(terminal: Terminal, radio: Radio, interference_dbm: Floats | None) -> Floats | float:
    quiet_dbm = noise_dbm(width_mhz=radio.width_mhz, noise_figure_db=terminal.noise_figure_db)
    if interference_dbm is None:
        return quiet_dbm
    floor_dbm: Floats = 10 * np.log10(10 ** (quiet_dbm / 10) + 10 ** (interference_dbm / 10))
    return floor_dbm

"""Access points that were chosen → their channels, and what each cell keeps when all send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from estate.radio.capacity import airtime_shares
from estate.radio.cases import Case
from estate.radio.channels import Channel, interference_dbm
from estate.radio.coverage import Coverage, coverage
from estate.radio.crosschecks import Comparison
from estate.radio.fabric import Floats, Ints

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from estate.radio.serving import Reach

# Who sends for how long follows from the rates, and those from who sends for how long.
_ROUNDS = 3
_SWEEPS_MAX = 20

_QUIET_DBM = -300.0

SHARING_RULE = (
    "Access points take turns by listening: each sends for the share of time that its cells need, "
    "and what others on its channel hear of it is noise to them, less what listening saves "
    "(radio_less_noise_db, an assumption; how they wait for each other is not modelled). Access "
    "points of neighbouring wings are not counted, as if each wing stood alone: where walls are of "
    "brick, noise is then too low and what is left for a cell too much. Between cells of two wings "
    "that face each other 20 m apart, an access point arrives at -68 dBm through 215 mm of brick "
    "on either side, -80 dBm through 457 mm and -108 dBm through 200 mm of concrete, by the same "
    "propagation at likely values, windows apart; the noise alone is -92 dBm. At 50 m it is 7 dB "
    "less."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SharedAir:
    """What is left of a design's radio once every access point has a channel and sends.

    `access_points`, `channels` and `airtime` (of an access point's time, interference included)
    go together, and so do `cells`, `signal_dbm` (expected, weaker direction), `interference_dbm`,
    `sinr_db` and `rate_mbps` (both with the case's margin off the signal). `failing` cells hold
    no rate that carries their demand, and `overloaded` access points have more of it than
    their budget of time. `comparisons` are with other models, over the links in use.
    """

    access_points: tuple[str, ...]
    channels: tuple[Channel, ...]
    airtime: Floats
    cells: tuple[str, ...]
    signal_dbm: Floats
    interference_dbm: Floats
    sinr_db: Floats
    rate_mbps: Floats
    failing: tuple[str, ...]
    overloaded: tuple[str, ...]
    comparisons: tuple[Comparison, ...]


def share_air(reach: Reach, serving: Mapping[str, str], *, case: str = "likely") -> SharedAir:
    """Return channels for the places that serve, and what is left of each cell's rate.

    `serving` names for each cell that radio serves the place that serves it.
    """
    places = sorted(set(serving.values()), key=reach.candidates.index)
    cells = sorted(serving, key=reach.cells.index)
    rows = [reach.candidates.index(place) for place in places]
    columns = [reach.cells.index(cell) for cell in cells]
    server = np.array([places.index(serving[cell]) for cell in cells], dtype=np.int64)
    chosen = reach.cases[case]
    shape = (len(rows), len(columns))
    loss_db = reach.loss_db[case][np.ix_(rows, columns)].reshape(shape)
    links = _Links(loss_db=loss_db, server=server, case=chosen)
    channels = _assigned(links, reach.use.channels)
    heard = links.with_interference(channels)
    served = np.zeros(reach.loss_db[case].shape, dtype=bool)
    served[np.array(rows, dtype=np.int64)[server], columns] = True
    return SharedAir(
        access_points=tuple(places),
        channels=channels,
        airtime=heard.airtime,
        cells=tuple(cells),
        signal_dbm=links.clean.signal_dbm[0],
        interference_dbm=heard.interference_dbm,
        sinr_db=heard.coverage.snr_db[0],
        rate_mbps=heard.coverage.rate_mbps[0],
        failing=_where(cells, heard.shares > chosen.airtime_max),
        overloaded=_where(places, heard.airtime > chosen.airtime_max),
        comparisons=tuple(
            check.compared(reach.loss_db[case], chosen=served) for check in reach.checks
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Heard:
    """What the cells have when all access points send: shares of time (n,) and (m,)."""

    coverage: Coverage
    interference_dbm: Floats
    shares: Floats
    airtime: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Links:
    """Losses (m, n) between the places in use and the cells, and which of them serves each."""

    loss_db: Floats
    server: Ints
    case: Case

    @property
    def clean(self) -> Coverage:
        """Return what each cell has from its own access point, (1, n), nobody else sending."""
        return coverage(self._own_db, self.case.radio)

    @property
    def _own_db(self) -> Floats:
        own_db: Floats = self.loss_db[self.server, np.arange(len(self.server))][None, :]
        return own_db

    def arriving_dbm(self) -> Floats:
        """Return what arrives in each cell from each access point, (m, n)."""
        return coverage(self.loss_db, self.case.radio).downlink_dbm

    def harm(self) -> Floats:
        """Return what each pair would do to each other on one channel, (m, m).

        The sum over the cells of both of interference over signal.
        """
        arriving_dbm = self.arriving_dbm()
        own_dbm = arriving_dbm[self.server, np.arange(len(self.server))]
        ratio = 10 ** ((arriving_dbm - own_dbm[None, :]) / 10)
        one_way = np.zeros((len(self.loss_db), len(self.loss_db)))
        for served_by in range(len(one_way)):
            one_way[served_by] = ratio[:, self.server == served_by].sum(axis=1)
        np.fill_diagonal(one_way, 0.0)
        both: Floats = one_way + one_way.T
        return both

    def with_interference(self, channels: Sequence[Channel]) -> _Heard:
        """Return what is left when each access point sends for as long as its cells need."""
        arriving_dbm = self.arriving_dbm()
        quiet_dbm = np.full(len(self.server), _QUIET_DBM)
        heard = self._heard(quiet_dbm)
        for _ in range(_ROUNDS):
            at_random_dbm = interference_dbm(
                arriving_dbm,
                serving=self.server,
                used=channels,
                duty=np.minimum(heard.airtime, 1.0),
            )
            less_dbm = at_random_dbm - self.case.less_noise_db
            heard = self._heard(np.maximum(less_dbm, _QUIET_DBM))
        return heard

    def _heard(self, noise_dbm: Floats) -> _Heard:
        case = self.case
        found = coverage(self._own_db + case.margin_db, case.radio, interference_dbm=noise_dbm)
        shares = airtime_shares(
            found.rate_mbps[0],
            demand_mbps=case.demand_mbps,
            throughput_share=case.throughput_share,
        )
        airtime = np.bincount(self.server, weights=shares, minlength=len(self.loss_db)).astype(
            float
        )
        return _Heard(coverage=found, interference_dbm=noise_dbm, shares=shares, airtime=airtime)


def _assigned(links: _Links, channels: Sequence[Channel]) -> tuple[Channel, ...]:
    """Return a channel for each access point, so that those that harm each other lie apart.

    The most harmed chooses first; then each in turn moves where it harms less, until none does.
    """
    harm = links.harm()
    shares = np.array([[one.overlaps(other) for other in channels] for one in channels])
    taken = np.full(len(harm), -1, dtype=np.int64)
    order = np.argsort(-harm.sum(axis=1), kind="stable")
    for _ in range(_SWEEPS_MAX):
        before = taken.copy()
        for place in order:
            placed = (taken >= 0) & (np.arange(len(taken)) != place)
            costs = shares[:, taken[placed]] @ harm[place, placed]
            used = np.bincount(taken[placed], minlength=len(channels))
            # Of channels that cost the same, the one that fewest use, then the lowest.
            taken[place] = np.lexsort((used, np.round(costs, 12)))[0]
        if np.array_equal(before, taken):
            break
    return tuple(channels[index] for index in taken.tolist())


def _where(names: Sequence[str], chosen: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen)

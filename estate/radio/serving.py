"""A wing and places for access points → which cells each could serve, and what of it they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import block_diag, csr_array

from estate.radio.capacity import airtime_shares
from estate.radio.cases import BandUse, Case, band_use, cases_of
from estate.radio.coverage import coverage
from estate.radio.crosschecks import CrossCheck, cost231, p1238
from estate.radio.fabric import Floats
from estate.radio.paths import Ways
from estate.radio.propagation import path_loss_db
from estate.radio.scene import Scene, scene_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from estate.catalogue import Assumptions
    from estate.model import Network
    from estate.radio.candidates import Candidate
    from estate.radio.paths import Paths

_UNDER_CEILING_M = 0.1
_QUIET_DBM = -300.0
_OUT_OF_REACH_DB = 500.0
_AT_ONCE = 64  # Places traced together: a few hundred megabytes at the most.


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reach:
    """What each of m places could do for each of n cells, in the band that was chosen.

    `loads` has for each case the share of an access point's airtime budget (above 0, up to 1)
    that a cell's demand takes, (m, n); where none is stored the place does not serve the cell.
    `loss_db` is that of each case, and `signal_dbm` what is expected in the likely one, without
    any margin, in the weaker direction, (m, n). `checks` are other models' losses.
    """

    candidates: tuple[str, ...]
    cells: tuple[str, ...]
    use: BandUse
    cases: Mapping[str, Case]
    loads: Mapping[str, csr_array]
    loss_db: Mapping[str, Floats]
    checks: tuple[CrossCheck, ...]

    @property
    def signal_dbm(self) -> Floats:
        """Return the expected signal of the weaker direction, (m, n) dBm."""
        return coverage(self.loss_db["likely"], self.cases["likely"].radio).signal_dbm


def reach_of(
    network: Network,
    candidates: Sequence[Candidate],
    *,
    storey_height_m: float,
    assumptions: Assumptions,
) -> Reach:
    """Return which cells of a wing each place could serve.

    A cell's receiver is in its middle, as high above the floor as is assumed of devices. Cells
    are those of the network in its order, by `space_id`; everything depends on the arguments alone.

    Raises
    ------
    InputError
        When a wall is of a material without radio constants.
    """
    use = band_use(assumptions)
    cases = cases_of(assumptions, use)
    scene = scene_of(network, storey_height_m=storey_height_m)
    cells = [space for space in scene.rooms if space.kind == "cell"]
    height_m = assumptions["radio_device_height_m"].likely
    receivers_m = np.array(
        [scene.middle_of(cell, height_m=height_m) for cell in cells], dtype=float
    ).reshape(-1, 3)
    parts = [
        _priced(paths, use.frequency_ghz, cases)
        for paths in _traced(scene, positions_m(candidates, storey_height_m), receivers_m)
    ]
    shape = (len(candidates), len(cells))
    loss_db = {
        name: np.concatenate([np.empty((0, len(cells))), *(part.loss_db[name] for part in parts)])
        for name in cases
    }
    return Reach(
        candidates=tuple(candidate.candidate_id for candidate in candidates),
        cells=tuple(cell.space_id for cell in cells),
        use=use,
        cases=cases,
        loads=MappingProxyType(
            {name: _loads(loss_db[name].reshape(shape), case) for name, case in cases.items()}
        ),
        loss_db=MappingProxyType(loss_db),
        checks=_joined([part.checks for part in parts]),
    )


def together(reaches: Sequence[Reach]) -> Reach:
    """Return what places of several wings could do, each for the cells of its own wing alone.

    Other models' losses are left out: they are compared wing by wing.
    """
    if len(reaches) == 1:
        return reaches[0]
    first = reaches[0]
    return replace(
        first,
        candidates=tuple(chain.from_iterable(reach.candidates for reach in reaches)),
        cells=tuple(chain.from_iterable(reach.cells for reach in reaches)),
        loads=MappingProxyType(
            {
                name: csr_array(block_diag([reach.loads[name] for reach in reaches]))
                for name in first.cases
            }
        ),
        loss_db=MappingProxyType(
            {name: _apart([reach.loss_db[name] for reach in reaches]) for name in first.cases}
        ),
        checks=(),
    )


def _apart(losses_db: Sequence[Floats]) -> Floats:
    """Return losses as one table in which no place reaches the cells of another."""
    shape = (sum(len(loss) for loss in losses_db), sum(loss.shape[1] for loss in losses_db))
    whole = np.full(shape, _OUT_OF_REACH_DB)
    row = column = 0
    for loss in losses_db:
        whole[row : row + len(loss), column : column + loss.shape[1]] = loss
        row, column = row + len(loss), column + loss.shape[1]
    return whole


def positions_m(candidates: Sequence[Candidate], storey_height_m: float) -> Floats:
    """Return where the access points would be, (m, 3) metres from the lowest floor."""
    highest_m = storey_height_m - _UNDER_CEILING_M
    return np.array(
        [
            (*place.at, place.floor * storey_height_m + min(place.height_m, highest_m))
            for place in candidates
        ],
        dtype=float,
    ).reshape(-1, 3)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Priced:
    loss_db: Mapping[str, Floats]
    checks: tuple[CrossCheck, ...]


def _traced(scene: Scene, access_points_m: Floats, receivers_m: Floats) -> Iterator[Paths]:
    ways = Ways(scene=scene, receivers_m=receivers_m)
    for first in range(0, len(access_points_m), _AT_ONCE):
        yield ways.trace(access_points_m[first : first + _AT_ONCE])


def _priced(paths: Paths, frequency_ghz: float, cases: Mapping[str, Case]) -> _Priced:
    return _Priced(
        loss_db={
            name: path_loss_db(
                paths, frequency_ghz=frequency_ghz, propagation=case.propagation
            ).total_db
            for name, case in cases.items()
        },
        checks=tuple(check(paths, frequency_ghz=frequency_ghz) for check in (cost231, p1238)),
    )


def with_noise(reach: Reach, noise_dbm: Mapping[str, float]) -> Reach:
    """Return what places reach in the likely case when some cells hear others as noise.

    No place serves more of a cell than before, and none takes less of its airtime for it.
    """
    case = reach.cases["likely"]
    heard_dbm = np.array([noise_dbm.get(cell, _QUIET_DBM) for cell in reach.cells])
    quiet = reach.loads["likely"].toarray()
    noisy = _loads(reach.loss_db["likely"].reshape(quiet.shape), case, heard_dbm).toarray()
    both = (quiet > 0) & (noisy > 0)
    likely = csr_array(np.where(both, np.maximum(quiet, noisy), 0.0))
    return replace(reach, loads=MappingProxyType({**reach.loads, "likely": likely}))


def _loads(loss_db: Floats, case: Case, heard_dbm: Floats | None = None) -> csr_array:
    """Return the share of the airtime budget that each cell takes of each place that serves it."""
    # What is kept for shadowing is lost to the rate as well as to the target.
    covered = coverage(loss_db + case.margin_db, case.radio, interference_dbm=heard_dbm)
    airtime = airtime_shares(
        covered.rate_mbps, demand_mbps=case.demand_mbps, throughput_share=case.throughput_share
    )
    share = airtime / case.airtime_max
    served = (covered.signal_dbm >= case.target_dbm) & (share <= 1)
    return csr_array(np.where(served, share, 0.0))


def _joined(parts: Sequence[tuple[CrossCheck, ...]]) -> tuple[CrossCheck, ...]:
    return tuple(
        CrossCheck(
            model=each[0].model,
            loss_db=np.concatenate([check.loss_db for check in each]),
            applies=np.concatenate([check.applies for check in each]),
        )
        for each in zip(*parts, strict=True)
    )

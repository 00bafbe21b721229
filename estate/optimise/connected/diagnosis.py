"""Why a connected cover has no answer, and what would have to give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from estate.optimise.answer import InfeasibleError
from estate.optimise.connected.formulation import able_modes

if TYPE_CHECKING:
    from estate.optimise.arrays import Bools
    from estate.optimise.connected.formulation import Choice
    from estate.optimise.connected.problem import ConnectedCover


def check_reach(problem: ConnectedCover, choices: dict[int, Choice]) -> None:
    """Raise `InfeasibleError` where a family has no mode that can serve each of its customers."""
    able = able_modes(problem, choices)
    offered: Bools = np.asarray(able.any(axis=1))
    without = ~offered[problem.families]
    if without.any():
        customers = np.flatnonzero(without).tolist()
        raise InfeasibleError(
            f"no mode that is offered can serve customer {customers[0]} and its family from"
            " points within the length limit",
            culprits=customers,
        )

"""Programmes in arrays: what a variable that stands for no answer changes, and what it leaves."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from estate.optimise.programme import Programme, minimise, or_nothing

INF = np.inf

# Both of two things are needed, and neither of a third: 3 + 4.
BOTH = Programme(
    costs=np.array([3.0, 4.0, 1.0]),
    whole=np.ones(3, dtype=np.bool_),
    rows=csr_array(np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]])),
    floor=np.array([2.0, 0.0, -INF]),
    ceiling=np.array([2.0, 0.0, -1.0]),
)


def test_an_answer_that_costs_less_than_the_price_stands_as_it_is():
    found = minimise(or_nothing(BOTH, 9.0), nodes=100, seconds=60)

    assert found.values.tolist() == [1, 1, 0, 0]
    assert found.bound == pytest.approx(7)


def test_where_every_answer_costs_more_than_the_price_nothing_is_chosen_for_it():
    found = minimise(or_nothing(BOTH, 5.0), nodes=100, seconds=60)

    assert found.values.tolist() == [0, 0, 0, 1]
    assert found.bound == pytest.approx(5)


def test_what_has_no_answer_at_all_costs_the_price():
    most = np.array([1.0, 0.0, 1.0])  # Both are needed, and one cannot be had.

    assert minimise(replace(BOTH, most=most), nodes=100, seconds=60).bound == INF
    assert minimise(or_nothing(replace(BOTH, most=most), 9.0), nodes=100, seconds=60).bound == 9


def test_ctrl_c_is_still_heard_once_cp_sat_has_searched():
    # Its own handler would end the search alone, and leave none: the next one kills the process.
    searched = """
import signal
import numpy as np
from scipy.sparse import csr_array
from estate.optimise.constraint import minimise_whole
from estate.optimise.effort import Budget
from estate.optimise.programme import Found, Programme

one = np.ones(1)
programme = Programme(
    costs=one, whole=one > 0, rows=csr_array(one[None, :]), floor=one, ceiling=one
)
nothing = Found(values=None, bound=-np.inf)
print(minimise_whole(programme, nothing, Budget(1.0, seconds=60), seed=1).values)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("heard")
"""

    result = subprocess.run(
        [sys.executable, "-c", searched], check=True, capture_output=True, text=True
    )

    assert result.stdout.split() == ["[1.]", "heard"]

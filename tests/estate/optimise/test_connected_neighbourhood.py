"""Six places in a row, each served from itself or with its neighbour from between the two."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from estate.optimise.connected.neighbourhood import Neighbourhood
from estate.optimise.effort import Budget
from estate.optimise.programme import Programme

PLACES = 6


@pytest.fixture
def row() -> Programme:
    """Return points at each place for 2, between pairs for 3, and a link for 1 that all need."""
    alone, between = np.eye(PLACES), np.kron(np.eye(PLACES // 2), np.ones((2, 1)))
    points = np.hstack((alone, between))
    covers = np.hstack((points, np.zeros((PLACES, 1))))
    count = points.shape[1]
    linked = np.hstack((-np.eye(count), np.ones((count, 1))))
    return Programme(
        costs=np.append([2.0] * PLACES + [3.0] * (PLACES // 2), 1.0),
        whole=np.ones(count + 1, dtype=np.bool_),
        rows=csr_array(np.vstack((covers, linked))),
        floor=np.append(np.ones(PLACES), np.zeros(count)),
        ceiling=np.full(PLACES + count, np.inf),
    )


def near(programme, *, left_out=()) -> Neighbourhood:
    tops = programme.tops.copy()
    tops[list(left_out)] = 0
    points = np.append(np.ones(programme.costs.size - 1, dtype=np.bool_), False)
    return Neighbourhood(programme, tops, points)


def alone(programme):
    return np.append(np.arange(programme.costs.size - 1) < PLACES, True).astype(float)


def test_an_answer_gets_cheaper_window_by_window(row):
    columns = np.arange(row.costs.size - 1)

    found = near(row).polished(alone(row), [columns], Budget(1, seconds=60))

    assert (row.rows @ found >= row.floor).all()
    assert row.costs @ found == 3 * 3 + 1  # Three between two each, and not six alone.


def test_what_may_not_be_taken_near_an_answer_is_not(row):
    first = PLACES  # Between the first two places.
    columns = np.arange(row.costs.size - 1)

    found = near(row, left_out=[first]).polished(alone(row), [columns], Budget(1, seconds=60))

    assert found[first] == 0
    assert row.costs @ found == 2 * 3 + 2 * 2 + 1


def test_points_of_no_part_stay_or_go_but_none_is_added(row):
    answer = alone(row)

    found = near(row).polished(answer, [np.array([0, 1])], Budget(1, seconds=60))

    assert (found <= answer).all()

"""When an update may be applied."""

from datetime import UTC, datetime

import pytest

from fleet.staging import is_within

HOUR_S = 3600


@pytest.mark.parametrize(
    ("hour", "window", "open_"),
    [
        (12, (0, 0), True),  # Equal ends: at any time.
        (12, (9, 17), True),
        (9, (9, 17), True),
        (17, (9, 17), False),
        (8, (9, 17), False),
        (23, (22, 6), True),  # Over midnight.
        (5, (22, 6), True),
        (6, (22, 6), False),
        (12, (22, 6), False),
    ],
)
def test_a_window_is_open_from_its_start_up_to_its_end(hour, window, open_):
    start, end = window
    now = datetime(2026, 11, 25, hour, tzinfo=UTC)

    assert is_within(now, start * HOUR_S, end * HOUR_S) is open_

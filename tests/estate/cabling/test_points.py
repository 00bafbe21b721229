"""What an access point is counted for."""

from estate.cabling.points import heard_best


def test_an_access_point_is_counted_for_the_cells_it_hears_best_as_many_as_fit():
    assert heard_best({0: 0.5, 1: 0.3, 2: 0.4}) == {1: 0.3, 2: 0.4}


def test_loads_that_fill_the_airtime_to_the_last_fit():
    assert heard_best(dict.fromkeys(range(12), 0.1)) == dict.fromkeys(range(10), 0.1)

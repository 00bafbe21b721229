"""What an access point is counted for, and how far fibre is led to a cell."""

from dataclasses import replace

from estate.cabling.points import heard_best, optical_of
from estate.cabling.wing import WingProblem


def test_an_access_point_is_counted_for_the_cells_it_hears_best_as_many_as_fit():
    assert heard_best({0: 0.5, 1: 0.3, 2: 0.4}) == {1: 0.3, 2: 0.4}


def test_loads_that_fill_the_airtime_to_the_last_fit():
    assert heard_best(dict.fromkeys(range(12), 0.1)) == dict.fromkeys(range(10), 0.1)


def test_fibre_to_a_cell_is_as_long_as_its_drop_too(corridor, catalogue):
    first, *others = corridor(1).spans
    far = replace(corridor(1), spans=(replace(first, length_m=20_000.0), *others))

    why = optical_of(WingProblem.of(far, catalogue), 0)

    # 20 km of tray, and the 3 m that hang from it.
    assert why.endswith(" short over 20003 m")

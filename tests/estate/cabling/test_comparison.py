"""What the first rules broke where a design is dearer, in numbers that can be counted by hand."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from scipy.sparse import csr_array

from estate.cabling.by_rule import ByRule
from estate.cabling.comparison import RadioAtHand, dearer
from estate.cabling.options import Option
from estate.cabling.solving import design_in_turn
from estate.radio.candidates import Candidate
from estate.radio.coverage import coverage
from estate.radio.serving import reach_of


@pytest.fixture
def wired(joint_of, corridor):
    """Return a function that returns the wired design of a corridor."""
    return lambda cells, **changes: design_in_turn(joint_of(corridor(cells, **changes)), seed=1)


def ruled(option, **changes):
    """Return a wing by rule that costs nothing and holds nothing, but for the changes."""
    items = {"switch_48_poe": 1.0, "cabinet": 1.0}
    facts = {"cost_gbp": 0.0, "options": (option,), "items": items, "access_points": {}}
    return ByRule(**{**facts, **changes})


def test_a_design_that_is_no_dearer_needs_no_reason(wired):
    design = wired(3)

    same = ruled(Option.OUTLETS, cost_gbp=design.cost_gbp)

    assert dearer(same, design, RadioAtHand()) is None


def test_the_items_add_up_to_what_the_design_costs_more(wired):
    design = wired(3)
    items = {**design.items, "core_drill": 0.0, "cable_cat6a": design.items["cable_cat6a"] + 10}
    joint = design.joint
    cheaper = ruled(Option.OUTLETS, items=items, cost_gbp=joint.cost_gbp(items))

    found = dearer(cheaper, design, RadioAtHand())

    holes = design.items["core_drill"]
    assert {d.item: d.more for d in found.items} == {"core_drill": holes, "cable_cat6a": -10}
    more_gbp = design.cost_gbp - joint.cost_gbp(items)
    total_gbp = sum(d.cost_gbp for d in found.items)
    assert total_gbp == pytest.approx(Decimal(repr(round(more_gbp, 2))), abs=Decimal("0.02"))


def test_cables_beyond_the_fill_of_what_stands_are_counted(wired):
    """5,000 mm2 filled to 38 % take one cable of 50.3 mm2 up to 40 %; three cells want three."""
    design = wired(3, state="existing", fill_percent=38)

    found = dearer(ruled(Option.OUTLETS), design, RadioAtHand())

    assert found.broken == (
        "drew up to 2 cables more through 1 existing span than the final fill of 40% allows",
    )


def test_switches_beyond_what_a_cabinet_takes_are_counted(wired):
    crowded = ruled(Option.OUTLETS, items={"switch_48_poe": 20.0, "cabinet": 2.0})

    found = dearer(crowded, wired(3), RadioAtHand())

    assert any(words.startswith("put 20 switches into 2 cabinets of ") for words in found.broken)


def test_where_no_radio_was_traced_the_screening_says_what_an_access_point_serves(wired):
    few = ruled(Option.CELL_ACCESS_POINTS, access_points={Option.CELL_ACCESS_POINTS: 1})
    radio = RadioAtHand(too_dear={Option.CELL_ACCESS_POINTS: "serves one cell at most"})

    found = dearer(few, wired(3), radio)

    assert found.broken == ("put 1 access point, of which each serves one cell at most",)


@pytest.fixture
def radio(catalogue, corridor):
    """Return a function that returns a radio of one place for three cells: loads and dBm."""

    def at_hand(loads, signal_dbm, *, is_noisy=False):
        network = corridor(3)
        place = Candidate(
            candidate_id="AP", kind="cell", floor=0, at=(10.0, 2.0), height_m=2.3, space_id="cell-1"
        )
        real = reach_of(network, [place], storey_height_m=3.0, assumptions=catalogue.assumptions)

        radio = real.cases["likely"].radio
        lossless_dbm = coverage(np.zeros((1, 3)), radio).signal_dbm
        stated = replace(
            real,
            loads={"likely": csr_array(np.array([loads], dtype=float))},
            loss_db={"likely": lossless_dbm - np.array([signal_dbm], dtype=float)},
        )
        return RadioAtHand(candidates=(place,), reach=stated, is_noisy=is_noisy)

    return at_hand


def test_cells_without_airtime_and_those_without_signal_are_told_apart(wired, radio):
    """Two loads of 0.6 do not fit together; the third cell is heard at -73 dBm, 67 + 6 of margin.

    Each cell asks for 1.84 Mbit/s: 0.4 x 3.1 of streams, 0.1 x 3 of calls, 0.5 x 0.6 of web.
    """
    one = ruled(Option.CELL_ACCESS_POINTS, access_points={Option.CELL_ACCESS_POINTS: 1})

    found = dearer(one, wired(3), radio([0.6, 0.6, 0.0], [-50.0, -50.0, -73.0]))

    (words,) = found.broken
    assert words.startswith(
        "put 1 access points in cells: at the best places found for them 2 of 3"
    )
    assert "1 for want of airtime (2 Mbit/s unserved)" in words
    assert words.endswith("and 1 with a signal up to 12.0 dB below the budget")


def test_noise_is_named_where_it_was_counted(wired, radio):
    one = ruled(Option.CELL_ACCESS_POINTS, access_points={Option.CELL_ACCESS_POINTS: 1})

    found = dearer(one, wired(3), radio([0.6, 0.6, 0.0], [-50.0] * 3, is_noisy=True))

    assert "(4 Mbit/s unserved, with the noise that they make each other)" in found.broken[0]


def test_access_points_by_rule_that_serve_all_cells_break_nothing(wired, radio):
    one = ruled(Option.CELL_ACCESS_POINTS, access_points={Option.CELL_ACCESS_POINTS: 1})

    found = dearer(one, wired(3), radio([0.3, 0.3, 0.3], [-50.0] * 3))

    assert found.broken == ()

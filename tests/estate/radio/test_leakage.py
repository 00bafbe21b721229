from dataclasses import replace

import numpy as np
import pytest
import shapely

from estate.model import Grade, Network, Perimeter
from estate.radio.candidates import candidates_of
from estate.radio.leakage import assumed_perimeter, leakage_of, together

SQUARE = Perimeter(
    line=((-50.0, -50.0), (60.0, -50.0), (60.0, 60.0), (-50.0, 60.0)),
    grade=Grade.SURVEYED,
    source="survey",
)


@pytest.fixture
def leak(row_of_cells, example):
    """Return a function that gives the leakage of some of the places in three cells."""

    def found(count=1, perimeter=SQUARE, **fabric):
        network = replace(row_of_cells(3, **fabric), perimeter=perimeter)
        cells = [place for place in candidates_of(network, height_m=2.3) if place.kind == "cell"]
        return leakage_of(
            network,
            cells[:count],
            storey_height_m=3.0,
            assumptions=example.assumptions,
        )

    return found


def test_the_perimeter_is_walked_in_steps_of_5_m(leak):
    found = leak()

    # 440 m round.
    assert len(found.at_m) == len(found.likely_dbm) == len(found.cautious_dbm) == 88
    assert np.isfinite(found.likely_dbm).all()


def test_outdoors_hears_no_more_than_free_space_would_bring(leak):
    # At the nearest point, 51.5 m off, 17 + 3 dBm less 81.5 dB of free space.
    assert leak().strongest_dbm < 20 - 81.4


def test_more_access_points_are_heard_further_out(leak):
    alone, together = leak(1), leak(2)

    assert all(b >= a for a, b in zip(alone.likely_dbm, together.likely_dbm, strict=True))
    assert sum(together.likely_dbm) > sum(alone.likely_dbm) + len(alone.at_m)


def test_the_cautious_figure_is_never_below_the_likely_one(leak):
    found = leak(3)

    assert all(b >= a for a, b in zip(found.likely_dbm, found.cautious_dbm, strict=True))


def test_thin_walls_are_heard_along_more_of_the_perimeter(leak):
    steel, concrete, plaster = (
        leak(3, material=material, thickness_mm=200).audible_m
        for material in ("steel_modular", "concrete", "plasterboard")
    )

    assert steel == 0
    assert concrete < plaster <= 440


def test_the_cautious_figure_has_glass_in_the_outer_wall_of_a_cell(leak):
    # Out of a window and 58 m on: 20 + 5 dBm, cut to 23.01 by law, less 82.5 dB of free space
    # and 3.3 of glass, three times over at the most. 300 mm of concrete would take 39 dB.
    found = leak(3, thickness_mm=300)

    assert max(found.cautious_dbm) == pytest.approx(23.01 - 82.5 - 3.3 + 2, abs=3)
    assert max(found.likely_dbm) < max(found.cautious_dbm) - 20


def test_without_a_perimeter_one_is_assumed_and_says_so(leak, example):
    distance_m = example.assumptions["radio_perimeter_m"].likely

    found = leak(perimeter=None)

    assert found.perimeter.grade == Grade.ASSUMED
    assert f"{distance_m:g} m" in found.perimeter.source


def test_an_assumed_perimeter_keeps_its_distance_from_every_space(row_of_cells):
    network = row_of_cells(3)

    line = shapely.LinearRing(assumed_perimeter(network, distance_m=20).line)

    apart_m = [line.distance(shapely.Polygon(space.outline)) for space in network.spaces]
    # A buffer's corners are cut: 20 m less 2 % of it.
    assert min(apart_m) == pytest.approx(20, abs=0.5)


def test_a_network_without_spaces_has_no_outside():
    with pytest.raises(ValueError, match="no outside"):
        assumed_perimeter(Network(), distance_m=20)


def test_wings_that_are_heard_alike_are_heard_3_db_more_together(leak):
    alone = leak(2)

    both = together([alone, alone])

    for one, other in (
        (alone.likely_dbm, both.likely_dbm),
        (alone.cautious_dbm, both.cautious_dbm),
    ):
        assert other == pytest.approx([dbm + 3.0 for dbm in one], abs=0.06)
    assert (both.perimeter, both.at_m) == (alone.perimeter, alone.at_m)


def test_what_is_heard_at_other_points_does_not_add_up(leak):
    with pytest.raises(ValueError, match="same points"):
        together([leak(), leak(perimeter=None)])

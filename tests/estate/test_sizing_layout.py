from dataclasses import replace

import pytest

from estate.model import Grade, WingRecord
from estate.sizing import size
from estate.typology import lay_out, read_typologies

HEWELL = ((12, 13, 13), (12, 14, 12), (12, 14, 12))
WING = WingRecord(
    prison_id="LEI",
    wing="2",
    name="",
    typology="three_spur_houseblock",
    spurs=None,
    landings=None,
    cells_per_landing=None,
    cells=None,
    cells_max=None,
    layout=HEWELL,
    floors=None,
    material="",
    thickness_mm=None,
    era="",
    distance_to_comms_m=None,
    containment="unknown",
    cabling="unknown",
    comms_rooms=None,
    power="unknown",
    asbestos="unknown",
    listed="unknown",
    decant_possible="unknown",
    surveyed_on="",
    grade=Grade.CERTIFIED,
    source="HMPPS cell certificate 2026-07-01",
    whole_prison="yes",
    notes="",
)


@pytest.fixture
def sized(leeds, example):
    """Return a function that sizes Leeds, 669 places, by a schedule."""
    facts = {"typologies": read_typologies(), "assumptions": example.assumptions}
    return lambda *records: size(leeds, records, **facts)


def test_a_stated_layout_is_used_as_it_is(sized):
    (wing,) = sized(WING).wings

    assert wing.shape.layout == HEWELL
    assert (wing.cells, wing.cells_low, wing.cells_high) == (114, 114, 114)
    assert wing.grade_of("layout") is Grade.CERTIFIED
    assert "layout" not in wing.assumed


def test_a_landing_without_spurs_and_a_spur_without_a_landing_are_laid_out(sized):
    (wing,) = sized(replace(WING, layout=((20,), (12, 0, 9)))).wings
    network = lay_out(wing.shape)

    assert wing.cells == 41
    assert sum(space.kind == "cell" for space in network.spaces) == 41


def test_a_schedule_of_a_whole_prison_is_not_made_up(sized):
    assert [wing.wing for wing in sized(WING).wings] == ["2"]


def test_any_other_schedule_is_made_up_to_the_expected_cells(sized):
    partial = replace(WING, whole_prison="no")

    # 669 places x 0.95 cells a place, rounded.
    assert sized(partial).cells == 636
    assert sized(WING, replace(partial, wing="3")).cells == 636

import pytest

from estate.errors import InputError
from estate.sources.calibrations import off_words, read_calibrations, replacing

HEADING = "prison_id,key,low,likely,high,source,dated,grade\n"
DOOR = "LEI,radio_door_loss_db,20,22,24,48 positions,2026-11-20,A\n"


@pytest.fixture
def read(tmp_path, example):
    """Return a function that reads rows written to a file."""

    def reading(rows):
        path = tmp_path / "calibrations.csv"
        path.write_text(HEADING + rows, encoding="utf-8")
        return read_calibrations(path, known=["LEI", "MDI"], assumptions=example.assumptions)

    return reading


def test_what_was_measured_takes_the_place_of_what_is_assumed_in_that_prison(read, example):
    (door,) = read(DOOR)["LEI"]

    assert door.value.as_tuple() == (20, 22, 24)
    assert (door.key, door.unit, door.verified) == ("radio_door_loss_db", "dB", "yes")
    assert door.source == "48 positions; grade A"
    assumed = example.assumptions
    assert assumed.with_measured([door])["radio_door_loss_db"].likely == 22
    assert assumed["radio_door_loss_db"].likely == 15


def test_without_a_file_nothing_was_measured(tmp_path, example):
    path = tmp_path / "calibrations.csv"

    assert read_calibrations(path, known=["LEI"], assumptions=example.assumptions) == {}


def test_every_fault_is_listed(read):
    rows = (
        "XXX,radio_door_loss_db,20,22,24,48 positions,2026-11-20,A\n"
        "LEI,spare_ports,1,1,1,48 positions,2026-11-20,A\n"
        "LEI,radio_door_loss_db,20,22,240,48 positions,2026-11-20,A\n"
        "MDI,radio_portal_bend_db,20,10,24,48 positions,2999-01-01,A\n"
    )

    with pytest.raises(InputError) as caught:
        read(rows)

    found = "\n".join(map(str, caught.value.problems))
    for said in (
        "the prison 'XXX' is unknown",
        "spare_ports is not measured",
        "high of radio_door_loss_db is 240; give 0 to 100",
        "low is 20 and likely is 10",
        "dated is '2999-01-01'",
    ):
        assert said in found


def test_how_far_off_signal_is_replaces_no_assumption(read):
    level = "LEI,radio_level_db,-17,-16.5,-16,128 readings,2026-11-20,D\n"

    found = read(DOOR + level)["LEI"]

    assert [each.key for each in found] == ["radio_door_loss_db", "radio_level_db"]
    assert found[1].value.as_tuple() == (-17, -16.5, -16)
    assert [each.key for each in replacing(found)] == ["radio_door_loss_db"]


def test_signal_is_off_to_one_side_or_the_other():
    assert off_words(-16.52) == "16.5 dB below what is assumed"
    assert off_words(7.0) == "7.0 dB above what is assumed"

import pytest

from estate.errors import InputError
from estate.sources.calibrations import read_calibrations

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

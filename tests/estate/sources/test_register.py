from datetime import date
from pathlib import Path

import pytest

from estate.model import Evidence
from estate.sources.register import read_register, update_register

TODAY = date(2026, 11, 23)
SHIPPED = Path(__file__).parents[3] / "estate" / "data" / "register.csv"


@pytest.fixture
def register_faults(write_register, faults):
    """Return a function that returns the faults of a register, without the name of the file."""

    def collect(*rows):
        found = faults(read_register, write_register(*rows), today=TODAY)
        return [fault.removeprefix("register.csv ") for fault in found]

    return collect


def test_a_row_becomes_an_establishment(write_register):
    row = {"devices": "yes", "devices_source": "site list", "devices_dated": "2026-06-24"}

    (prison,) = read_register(write_register(row), today=TODAY)

    assert (prison.prison_id, prison.name, prison.population) == ("LEI", "Leeds (HMP)", 1138)
    assert (prison.latitude, prison.longitude) == (53.795744, -1.576174)
    assert prison.devices == Evidence(value="yes", source="site list", dated="2026-06-24")


def test_blank_stays_blank_and_unsaid_is_unknown(write_register):
    blanks = {"baseline_cna": "", "latitude": "", "longitude": ""}

    (prison,) = read_register(write_register(blanks), today=TODAY)

    assert (prison.baseline_cna, prison.latitude, prison.longitude) == (None, None, None)
    assert prison.telephony.value == "unknown"


def test_the_shipped_register_has_no_fault():
    assert len(read_register(SHIPPED, today=TODAY)) == 127


def test_two_rows_for_one_prison_are_refused(register_faults):
    assert register_faults({}, {}) == [
        "row 3, column A: prison_id LEI stands in row 2 already; keep one row for each"
    ]


def test_coordinates_outside_the_british_isles_are_refused(register_faults):
    (fault,) = register_faults({"latitude": "48.85", "longitude": "2.35"})

    assert "latitude 48.85, longitude 2.35 is outside the British Isles" in fault
    assert "give WGS 84 degrees" in fault


def test_swapped_coordinates_are_recognised(register_faults):
    (fault,) = register_faults({"latitude": "-1.576174", "longitude": "53.795744"})

    assert "is outside the British Isles; swap the two" in fault


@pytest.mark.parametrize(
    ("row", "missing"), [({"latitude": ""}, "latitude"), ({"longitude": ""}, "longitude")]
)
def test_one_coordinate_alone_is_refused(register_faults, row, missing):
    (fault,) = register_faults(row)

    assert f"{missing} is blank beside the other coordinate" in fault


def test_a_coordinate_that_is_no_number_is_one_fault_only(register_faults):
    (fault,) = register_faults({"latitude": "north"})

    assert "latitude is 'north'; give a number" in fault


def test_crowding_up_to_half_as_many_again_is_normal(write_register):
    row = {"operational_capacity": "100", "population": "150", "baseline_cna": "60"}

    assert read_register(write_register(row), today=TODAY)[0].population == 150


def test_more_than_half_as_many_prisoners_again_is_refused(register_faults):
    (fault,) = register_faults({"operational_capacity": "100", "population": "151"})

    assert "population is 151 in an operational capacity of 100" in fault


def test_dates_in_the_future_are_refused(register_faults):
    found = register_faults(
        {"capacity_dated": "2027-01-31", "devices_dated": "2027", "year_opened": "2030"}
    )

    assert [fault.partition(": ")[2].split()[0] for fault in found] == [
        "year_opened",
        "capacity_dated",
        "devices_dated",
    ]
    assert all("which is in the future" in fault for fault in found)


@pytest.mark.parametrize("home", ["LEI", "XXI"])
def test_a_prison_is_counted_in_another_prison_of_the_register(register_faults, home):
    (fault,) = register_faults({"counted_in": home})

    assert f"LEI is counted in {home}, which is not another prison" in fault


def test_a_prison_is_not_counted_in_one_that_is_counted_elsewhere(register_faults):
    (fault,) = register_faults(
        {"prison_id": "AAI", "counted_in": "BBI"},
        {"prison_id": "BBI", "counted_in": "LEI"},
        {},
    )

    assert "AAI is counted in BBI, which is itself counted in LEI; name LEI" in fault


def test_an_update_changes_the_named_cells_only(write_register):
    path = write_register({"register_types": "HMP"}, {"prison_id": "MDI", "name": "Moorland"})
    text = path.read_text(encoding="utf-8").replace("\r\n", "\n")

    update_register(path, {"MDI": {"population": "999"}}, today=TODAY)

    assert path.read_text(encoding="utf-8") == "999".join(text.rsplit("1138", 1))


def test_an_update_keeps_columns_that_are_not_ours(write_register):
    path = write_register({})
    heading, row = path.read_text(encoding="utf-8").splitlines()
    path.write_text(f"mine,{heading}\nkept,{row}\n", encoding="utf-8")

    update_register(path, {"LEI": {"population": "1,100"}}, today=TODAY)

    assert path.read_text(encoding="utf-8").startswith("mine,prison_id")
    assert "\nkept,LEI" in path.read_text(encoding="utf-8")


def test_a_register_with_a_fault_is_not_updated(write_register, faults):
    path = write_register({"population": "many"})
    before = path.read_bytes()

    assert faults(update_register, path, {"LEI": {"population": "1"}}, today=TODAY)
    assert path.read_bytes() == before

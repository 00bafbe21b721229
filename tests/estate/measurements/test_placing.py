"""Where readings and access points are, in a wing whose survey has coordinates."""

from dataclasses import replace

import pytest

from estate.errors import InputError
from estate.measurements import Building, PlannedPoint
from estate.model import AccessPoint
from estate.network import placed
from estate.radio.scene import middle_of

EAST, NORTH = 430_000.0, 433_000.0


@pytest.fixture
def surveyed(wing):
    """Return the wing in its place near Leeds, with access points that a survey names."""
    network = placed(wing.network, prefix="", offset=(EAST, NORTH))
    spaces = tuple(
        replace(moved, space_id=space.space_id, location_key=space.location_key)
        for moved, space in zip(network.spaces, wing.network.spaces, strict=True)
    )
    cells = {space.location_key: space for space in spaces if space.kind == "cell"}
    points = tuple(
        AccessPoint(
            access_point_id=f"AP in {key}", floor=cell.floor, at=middle_of(cell), space_id=""
        )
        for key, cell in cells.items()
    )
    network = replace(network, spaces=spaces, access_points=points)
    return Building(key="LEI-A", network=network, storey_height_m=2.8, is_surveyed=True)


@pytest.fixture
def pointed(desk, surveyed, readings):
    """Return the readings by their points and not by their cells."""
    desk.building = surveyed

    def point(row):
        cell = surveyed.cells[row["cell"]]
        x_m, y_m = middle_of(cell)
        where = {"x_m": f"{x_m:.3f}", "y_m": f"{y_m:.3f}", "landing": str(cell.floor + 1)}
        return {**row, "cell": "", "ap_cell": "", **where}

    return [point(row) for row in readings]


def test_points_of_a_survey_and_its_access_points_give_the_fit_that_cells_give(
    desk, pointed, readings, wing
):
    by_point = desk.take(pointed, prison_id="LEI")
    desk.building = wing
    by_cell = desk.take(readings)

    assert by_point.geometry == "surveyed"
    assert by_point.readings == by_cell.readings
    for each in by_cell.calibration.settled:
        name = each.parameter.name
        assert by_point.calibration[name] == pytest.approx(each.value, abs=0.05)


def faults(desk, rows):
    with pytest.raises(InputError) as caught:
        desk.take(rows, prison_id="LEI")
    return "\n".join(problem.what for problem in caught.value.problems)


def test_a_point_far_from_every_wing_is_refused_with_its_distance(desk, pointed):
    pointed[0]["x_m"] = "0"

    assert "m from the nearest surveyed wing, LEI-A" in faults(desk, pointed)


def test_a_point_in_a_wing_of_several_landings_needs_one(desk, pointed):
    pointed[0]["landing"] = ""

    assert "LEI-A has 2 landings, and none is named" in faults(desk, pointed)


def test_an_access_point_that_no_survey_names_is_refused_with_the_nearest_name(desk, pointed):
    for row in pointed[:5]:
        row["access_point"] = "AP in LEI-A-1-02"

    found = faults(desk, pointed)

    assert found == "nothing says where AP in LEI-A-1-02 is"


def test_an_access_point_that_a_plan_places_is_where_the_plan_puts_it(desk, wing, readings):
    # As a fleet sends them: by the name in the topology, with no word of where it hangs.
    names = {row["ap_cell"]: f"LEI/A/AP-{n:03d}" for n, row in enumerate(readings)}
    planned = {
        name: PlannedPoint(
            building="LEI-A",
            at=middle_of(wing.cells[cell]),
            landing=wing.cells[cell].floor + 1,
            height_m=2.3,
        )
        for cell, name in names.items()
    }
    sent = [
        {**row, "access_point": names[row["ap_cell"]], "ap_cell": "", "eirp_dbm": "20"}
        for row in readings
    ]

    by_plan = desk.take(sent, "measurements.json", planned=lambda _: planned)

    assert by_plan.calibration == desk.take(readings).calibration


def test_readings_between_two_wings_are_counted_and_left_out(desk, wing, readings):
    other = Building(
        key="LEI-B",
        network=placed(
            replace(
                wing.network,
                spaces=tuple(
                    replace(s, location_key=s.location_key.removeprefix("LEI-A-"))
                    for s in wing.network.spaces
                ),
            ),
            prefix="LEI-B",
            offset=(0.0, 0.0),
        ),
        storey_height_m=2.8,
        is_surveyed=False,
    )
    desk.buildings = {"LEI-A": wing, "LEI-B": other}
    across = {**readings[0], "cell": "LEI-B-1-001", "signal_dbm": "-99"}

    with_it, without = desk.take([*readings, across]), desk.take(readings)

    assert (with_it.elsewhere, without.elsewhere) == (1, 0)
    assert with_it.calibration == without.calibration

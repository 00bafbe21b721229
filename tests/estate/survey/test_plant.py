"""Wings of which a survey tells nothing but their plant."""

from dataclasses import replace

from shapely import LineString


def wing_a(found):
    return found.sizing.wings[0]


def test_a_survey_that_draws_plant_alone_is_named_beside_what_the_cells_rest_on(sheet, result):
    frame = sheet.read("spans")
    run = frame["span_id"][frame["containment"] == "tray"].iloc[0]
    sheet.change("spans", run, state="existing", fill_percent=20.0)

    found = result()

    wings = {wing.wing: wing.basis for wing in found.sizing.wings}
    count = sum(feature.text("wing") == "A" for feature in sheet.survey().features())
    assert wings["A"] == (
        "two-spur block, typical, not this prison; walls and plant as in the survey, "
        f"0 of {count} features signed"
    )
    assert wings["B"] == "two-spur block, typical, not this prison"
    assert found.sizing.basis == "18 cells in 2 wings of the survey"


def test_plant_that_is_signed_as_it_was_drafted_is_the_survey_s(sheet, result):
    sheet.sign("outlets")

    wing = wing_a(result())

    assert "walls and plant as in the survey, 9 of" in wing.basis
    assert wing.surveyed_on == "2026-09-14"


def test_plant_that_is_moved_is_the_survey_s(sheet, result):
    line = sheet.geometry("spans", "LEI-A/comms-link")
    sheet.change("spans", "LEI-A/comms-link", geometry=_round_a_corner(line))

    assert "plant as in the survey" in wing_a(result()).basis


def _round_a_corner(line):
    """Return a line between the same ends by way of a corner."""
    start, end = line.coords
    return LineString([start, (start[0], end[1]), end])


def test_a_wing_keeps_its_source_where_the_survey_tells_of_its_plant_alone(sheet, result, sizing):
    sheet.sign("outlets")

    found = wing_a(result())

    before = sizing.wings[0]
    assert replace(found, basis=before.basis, surveyed_on=before.surveyed_on) == before

"""A survey beside the cells that an import named; where none were, any key of the wing will do."""

from dataclasses import replace

import pytest

from estate.sources.survey import scan_survey
from estate.survey.known_cells import missing_keys, unknown_key_problems
from estate.survey.wings import by_wing

KEYS = (
    tuple(f"LEI-A-2-{code}" for code in ("001", "002", "004", "A05", "A06")),
    tuple(f"LEI-A-3-{code}" for code in ("001", "002", "003", "004")),
)


@pytest.fixture
def known(sizing, wing):
    """Return the sizing of a prison of which wing A's cells were imported, and not wing B's."""
    source = "HMPPS cell certificate 2026-07-01; spurs inferred by rule, grade C"
    return replace(sizing, wings=(wing("A", cell_keys=KEYS, source=source), wing("B")))


@pytest.fixture
def parts(sheet):
    """Return a function that returns the wings of the survey on the disk."""
    return lambda: by_wing(sheet.survey(), prison_id="LEI")


@pytest.fixture
def keyed(sheet):
    """Write the imported keys into the survey."""
    cells = [(floor, number) for floor, n in ((1, 5), (2, 4)) for number in range(1, n + 1)]
    for (floor, number), key in zip(cells, KEYS[0] + KEYS[1], strict=True):
        sheet.change("spaces", f"LEI-A/cell-{floor}-{number:03d}", location_key=f"{key}~")
    frame = sheet.read("spaces")
    frame["location_key"] = frame["location_key"].str.removesuffix("~")
    sheet.write("spaces", frame)


@pytest.mark.usefixtures("keyed")
def test_a_survey_of_exactly_the_imported_cells_has_no_fault_and_misses_none(parts, known):
    assert list(unknown_key_problems(parts(), known)) == []
    assert missing_keys(parts(), known) == {}


@pytest.mark.usefixtures("keyed")
def test_a_key_that_no_imported_cell_has_is_a_fault_with_the_nearest_one_left(sheet, parts, known):
    sheet.change("spaces", "LEI-A/cell-1-003", location_key="LEI-A-2-003")

    (problem,) = unknown_key_problems(parts(), known)

    assert problem.place == "layer spaces, LEI-A/cell-1-003"
    assert problem.what == (
        "its location_key LEI-A-2-003 is none of the 9 cells of LEI-A "
        "(HMPPS cell certificate 2026-07-01)"
    )
    assert problem.cure.startswith("did you mean LEI-A-2-004? ")


@pytest.mark.usefixtures("keyed")
def test_imported_cells_that_a_survey_does_not_draw_are_named(sheet, parts, known):
    sheet.change("spaces", "LEI-A/cell-1-003", location_key="LEI-A-2-003")

    assert missing_keys(parts(), known) == {"A": ("LEI-A-2-004",)}


@pytest.mark.usefixtures("keyed")
def test_a_cell_that_is_drawn_as_another_room_is_not_missing(sheet, known):
    sheet.change("spaces", "LEI-A/cell-1-003", kind="other")

    found = by_wing(scan_survey(sheet.path).survey, prison_id="LEI")

    assert missing_keys(found, known) == {}


def test_where_no_cells_were_imported_any_key_will_do(parts, sizing):
    assert list(unknown_key_problems(parts(), sizing)) == []
    assert missing_keys(parts(), sizing) == {}

from dataclasses import replace

import pyogrio
import pytest

from estate.errors import InputError
from estate.model import Grade, WingShape
from estate.sizing import Sizing
from estate.sources.survey import GEOMETRIES, scan_survey
from estate.survey import draft, hand_out
from estate.survey.check import survey_problems
from estate.survey.wings import by_wing, cells_of
from estate.typology import read_typologies, spread

CENTRE = (430_000.0, 433_000.0)


def test_a_draft_holds_every_cell_of_every_wing_under_its_key(sizing):
    survey = draft(sizing, at=CENTRE)

    keys = [cell.text("location_key") for cell in cells_of(survey)]
    assert len(keys) == len(set(keys)) == 18
    assert keys[0] == "LEI-A-1-001"
    assert keys[-1] == "LEI-B-2-004"


def test_a_draft_has_each_layer_with_its_kind_of_geometry_even_if_empty(sheet):
    layers = dict(pyogrio.list_layers(sheet.path).tolist())

    assert {name: layers[name] for name in GEOMETRIES} == GEOMETRIES


def test_a_draft_is_in_metres_of_the_british_grid_near_its_prison(sheet):
    spaces = sheet.read("spaces")

    assert spaces.crs == "EPSG:27700"
    west, south, east, north = spaces.total_bounds
    assert 430_000 < west < east < 430_200
    assert 432_800 < south < north < 433_000


def test_wings_do_not_overlap(sizing):
    parts = by_wing(draft(sizing, at=CENTRE), prison_id="LEI")

    spans = [[s.geometry.bounds for s in part.layers["spaces"]] for part in parts.values()]
    assert max(east for _, _, east, _ in spans[0]) < min(west for west, _, _, _ in spans[1])


def test_what_a_draft_takes_from_a_typology_says_so_and_is_unsigned(sizing):
    for feature in draft(sizing, at=CENTRE).features():
        assert feature.grade == Grade.ASSUMED
        assert feature.text("source").startswith("typology two_spur_block: typical")
        assert (feature.text("surveyed_by"), feature.text("surveyed_on")) == ("", "")


def test_a_fact_that_the_schedule_states_keeps_its_grade_and_source_in_a_draft(wing):
    scheduled = wing("A", grade=Grade.SCHEDULED, assumed=("dimensions",), source="schedule of 2026")

    layers = draft(Sizing(wings=(scheduled,)), at=CENTRE).layers

    cells = [space for space in layers["spaces"] if space.text("kind") == "cell"]
    for feature in (*cells, *layers["walls"]):
        assert (feature.grade, feature.text("source")) == (Grade.SCHEDULED, "schedule of 2026")
    assert {door.grade for door in layers["doors"]} == {Grade.ASSUMED}


def test_cabling_that_the_schedule_states_is_drawn_as_existing_outlets(wing):
    cabled = wing("A", shape=replace(wing("A").shape, cabling="cat6"))

    outlets = draft(Sizing(wings=(cabled,)), at=CENTRE).layers["outlets"]

    assert {(o.text("category"), o.text("state")) for o in outlets} == {("cat6", "existing")}


@pytest.mark.parametrize("typology", read_typologies())
def test_a_draft_of_any_typology_is_a_sound_survey_and_reads_back_as_it_was(
    typology, wing, tmp_path
):
    facts = read_typologies()[typology]
    shape = WingShape(
        typology=typology,
        layout=spread(37, typology=facts),
        material=facts.material,
        thickness_mm=facts.thickness_mm,
        distance_to_comms_m=10.0,
    )
    survey = draft(Sizing(wings=(wing("A", shape=shape),)), at=CENTRE)
    path = tmp_path / "draft.gpkg"

    hand_out(survey, path, prison="Leeds (HMP)", marking="OFFICIAL")

    reading = scan_survey(path)
    assert list(survey_problems(reading.survey, known=["LEI"])) == list(reading.problems) == []
    assert reading.survey == survey


def test_a_file_that_says_something_else_is_not_replaced(sizing, sheet):
    sheet.change("walls", "LEI-A/party-1-001", thickness_mm=230)
    before = sheet.path.read_bytes()

    with pytest.raises(InputError, match="is there already and says something else"):
        hand_out(draft(sizing, at=CENTRE), sheet.path, prison="Leeds", marking="OFFICIAL")

    assert sheet.path.read_bytes() == before


def test_a_file_that_says_the_same_may_be_written_again(sizing, sheet):
    hand_out(draft(sizing, at=CENTRE), sheet.path, prison="Leeds", marking="OFFICIAL")

    assert sheet.problems() == []


def test_a_file_that_is_no_survey_is_not_replaced(sizing, tmp_path):
    path = tmp_path / "thesis.gpkg"
    path.write_text("years of work")

    with pytest.raises(InputError, match="says something else"):
        hand_out(draft(sizing, at=CENTRE), path, prison="Leeds", marking="OFFICIAL")

    assert path.read_text() == "years of work"


def test_equal_drafts_have_equal_bytes(sizing, tmp_path):
    paths = [tmp_path / name for name in ("a.gpkg", "b.gpkg")]
    for path in paths:
        hand_out(draft(sizing, at=CENTRE), path, prison="Leeds", marking="OFFICIAL")

    assert paths[0].read_bytes() == paths[1].read_bytes()

"""The way of a survey: drafted, corrected as by a person, imported, planned from."""

import json

import geopandas as gpd
import pyogrio
import pytest
from pandas.testing import assert_frame_equal

from estate.sources.survey import GEOMETRIES

LAYERS = ("spaces", "walls", "doors", "spans", "distributors", "outlets")


def frames(path):
    return {layer: gpd.read_file(path, layer=layer) for layer in GEOMETRIES}


def edit(path, layer, change):
    frame = change(gpd.read_file(path, layer=layer))
    frame.to_file(path, layer=layer, driver="GPKG")


def signed(frame):
    return frame.assign(surveyed_by="J. Smith", surveyed_on="2026-09-14")


@pytest.fixture
def draft(spare, tmp_path):
    """Return the path of a draft survey of Elmley in a workspace that may be changed."""
    path = tmp_path / "elmley.gpkg"
    spare.answer("estate", "survey", "EYI", "--out", path)
    return path


def test_a_draft_holds_the_wings_that_are_planned(spare, tmp_path):
    answer = spare.answer("estate", "survey", "eyi", "--out", tmp_path / "elmley.gpkg")

    site = spare.answer("estate", "explain", "EYI")
    assert (answer["prison_id"], answer["origin"]) == ("EYI", "draft")
    assert answer["cells"] == site["cells"] == answer["features"]["outlets"]
    assert (answer["wings"], answer["signed"]) == (6, 0)
    assert answer["features"] == {
        layer: pyogrio.read_info(answer["file"], layer=layer)["features"] for layer in GEOMETRIES
    }


def test_untouched_drafts_of_every_prison_change_no_total_and_no_rank(small, tmp_path):
    before = small.answer("estate", "plan"), small.answer("estate", "rank")
    for prison_id in ("EYI", "MDI"):
        path = tmp_path / f"{prison_id}.gpkg"
        small.answer("estate", "survey", prison_id, "--out", path)
        imported = small.answer("estate", "import", "survey", path)
        assert all(wing["cells"] == wing["cells_before"] for wing in imported["wings"])

    after = small.answer("estate", "plan"), small.answer("estate", "rank")

    assert before[0]["plan_id"] != after[0]["plan_id"]  # The surveys are among its inputs.
    for answer in (*before, *after):
        answer.pop("plan_id")
    assert after == before


def test_draft_import_draft_is_the_identity(spare, draft, tmp_path):
    spare.answer("estate", "import", "survey", draft)

    again = spare.answer("estate", "survey", "EYI", "--out", tmp_path / "again.gpkg")

    assert again["origin"] == "survey"
    before, after = frames(draft), frames(again["file"])
    for layer in GEOMETRIES:
        assert_frame_equal(after[layer], before[layer])
    assert draft.read_bytes() == (tmp_path / "again.gpkg").read_bytes()


def test_a_signed_survey_narrows_the_cost_and_raises_the_grade(spare, draft):
    before = spare.answer("estate", "explain", "EYI")
    for layer in LAYERS:
        edit(draft, layer, signed)

    imported = spare.answer("estate", "import", "survey", draft)
    spare.answer("estate", "plan")

    after = spare.answer("estate", "explain", "EYI")
    wing = spare.answer("estate", "explain", "EYI/HB1")
    assert imported["signed"] == imported["features"]
    assert (wing["grade"], wing["assumed"]) == ("A", [])
    assert after["survey_would_narrow_gbp"] < before["survey_would_narrow_gbp"]
    assert after["sizing"] == f"{before['cells']} cells in 6 wings of the survey"


def test_containment_found_in_place_leaves_the_bill(spare, draft):
    before = spare.answer("estate", "plan")["capital_gbp"]["likely"]

    def found(spans):
        runs = spans["containment"] == "tray"
        spans.loc[runs, "state"] = "existing"
        return spans.where(~runs, signed(spans)).set_crs("EPSG:27700")

    edit(draft, "spans", found)
    spare.answer("estate", "import", "survey", draft)

    assert spare.answer("estate", "plan")["capital_gbp"]["likely"] < before


def test_a_survey_with_a_cell_cut_off_is_refused_and_nothing_is_imported(spare, draft):
    edit(draft, "spans", lambda spans: spans[spans["span_id"] != "EYI-HB1/drop-1-001"])

    said = spare.refusal("estate", "import", "survey", draft)

    assert "1 problem in elmley.gpkg" in said
    assert (
        "elmley.gpkg layer spaces, EYI-HB1/cell-1-001: it has no way along the spans to a "
        "distributor; draw the spans that are missing, end to end"
    ) in said
    assert not (spare.root / "inputs" / "surveys").exists()


def test_a_wing_that_the_schedule_does_not_have_is_refused(spare, draft):
    # No wing of Elmley is assumed: its schedule has nearly all the cells that its places need.
    for layer in LAYERS:
        edit(draft, layer, lambda frame: frame.assign(wing=frame["wing"].replace("HB1", "HB7")))
    edit(
        draft,
        "spaces",
        lambda f: f.assign(location_key=f["location_key"].str.replace("EYI-HB1-", "EYI-HB7-")),
    )

    said = spare.refusal("estate", "import", "survey", draft)

    assert "the wing schedule of EYI has no wing HB7; did you mean HB" in said


@pytest.fixture
def certificate(tmp_path):
    """Return a certificate of Moorland: a wing of four cells, on landings 2 and 3."""

    def location(path, kind, *inside):
        own = {"locationCode": path.split("-")[-1], "pathHierarchy": path, "locationType": kind}
        return own | ({"subLocations": list(inside)} if inside else {})

    landings = [
        location(f"1-{n}", "LANDING", *(location(f"1-{n}-{c}", "CELL") for c in ("001", "A05")))
        for n in "23"
    ]
    content = {
        "prisonId": "MDI",
        "approvedDate": "2016-07-01T12:00:00",
        "locations": [location("1", "WING", *landings)],
    }
    path = tmp_path / "MDI.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_survey_keeps_to_the_cells_of_the_certificate(spare, certificate, tmp_path):
    spare.answer("estate", "import", "hmpps", certificate)
    draft = tmp_path / "moorland.gpkg"
    spare.answer("estate", "survey", "MDI", "--out", draft)

    keys = gpd.read_file(draft, layer="spaces").query("kind == 'cell'")["location_key"]
    assert list(keys) == [f"MDI-1-{n}-{c}" for n in "23" for c in ("001", "A05")]
    edit(draft, "spaces", lambda f: f.replace({"location_key": {"MDI-1-2-A05": "MDI-1-2-005"}}))
    assert (
        "moorland.gpkg layer spaces, MDI-1/cell-1-002: its location_key MDI-1-2-005 is none of "
        "the 4 cells of MDI-1 (HMPPS cell certificate 2016-07-01); did you mean MDI-1-2-A05?"
    ) in spare.refusal("estate", "import", "survey", draft)


def test_imported_cells_that_a_survey_does_not_draw_are_said(spare, certificate, tmp_path):
    spare.answer("estate", "import", "hmpps", certificate)
    draft = tmp_path / "moorland.gpkg"
    spare.answer("estate", "survey", "MDI", "--out", draft)
    gone = {"spaces": "space_id", "outlets": "outlet_id", "doors": "door_id", "spans": "span_id"}
    for layer, name in gone.items():
        lost = r"/(?:cell|outlet|door|drop)-1-002$"
        edit(draft, layer, lambda f, name=name, lost=lost: f[~f[name].str.contains(lost)])

    answer = spare.answer("estate", "import", "survey", draft)

    assert [wing["missing"] for wing in answer["wings"]] == [["MDI-1-2-A05"]]


def test_a_second_survey_takes_the_place_of_the_first(spare, draft):
    first = spare.answer("estate", "import", "survey", draft)
    second = spare.answer("estate", "import", "survey", draft)

    assert (first["replaced"], second["replaced"]) == (False, True)
    assert [path.name for path in (spare.root / "inputs" / "surveys").iterdir()] == ["EYI.gpkg"]


def test_what_is_half_signed_and_which_wings_are_gone_is_said(spare, draft):
    edit(draft, "walls", lambda walls: walls.assign(surveyed_by="J. Smith"))
    for layer in LAYERS:
        edit(draft, layer, lambda frame: frame[frame["wing"] != "HB6"])

    text = spare.run("estate", "import", "survey", draft).stdout

    assert "EYI: 0 of " in text
    assert "  HB1: 114 cells, 114 before; 0 of " in text
    assert "have only one of surveyed_by and surveyed_on, and stay assumed" in text
    assert "wings no longer planned: HB6" in text


def test_a_survey_that_was_spoilt_in_the_workspace_is_a_problem_of_the_inputs(spare, draft):
    stored = spare.answer("estate", "import", "survey", draft)["survey"]
    edit(stored, "walls", lambda walls: walls.assign(material="cheese"))
    (spare.root / "inputs" / "surveys" / "LEX.gpkg").write_bytes(b"")

    result = spare.run("estate", "check")

    assert result.exit_code == 3
    assert "EYI.gpkg layer walls, EYI-HB1/front-1-s1-left, " in result.stdout
    assert " others: material is 'cheese'; " in result.stdout
    assert "surveys/LEX.gpkg: it is named after LEX, which is no prison of the register" in (
        result.stdout
    )


def test_a_sound_survey_mends_one_that_was_spoilt(spare, draft):
    stored = spare.answer("estate", "import", "survey", draft)["survey"]
    edit(stored, "walls", lambda walls: walls.assign(material="cheese"))

    spare.answer("estate", "import", "survey", draft)

    assert spare.run("estate", "check").exit_code == 0


@pytest.mark.parametrize(
    ("prison", "said"),
    [
        ("LEX", "did you mean LEI?"),
        ("Leeds", "did you mean LEI?"),
        ("FYI", "its capacity is reported inside FMI's"),
    ],
)
def test_a_prison_that_cannot_be_drafted_is_refused_with_the_reason(spare, tmp_path, prison, said):
    path = tmp_path / "survey.gpkg"

    assert said in spare.refusal("estate", "survey", prison, "--out", path)
    assert not path.exists()


def test_a_draft_is_not_written_over_a_survey_that_was_corrected(spare, draft):
    edit(draft, "walls", lambda walls: walls.assign(thickness_mm=230))
    before = draft.read_bytes()

    said = spare.refusal("estate", "survey", "EYI", "--out", draft)

    assert "is there already and says something else" in said
    assert draft.read_bytes() == before


@pytest.mark.parametrize("words", [("survey",), ("import", "survey")], ids=" ".join)
def test_help_documents_every_field_of_the_answer(spare, draft, words):
    out = ["EYI", "--out", draft] if words == ("survey",) else [draft]
    answer = spare.answer("estate", *words, *out)

    text = spare.run("estate", *words, "-h").stdout

    assert [field for field in answer if field not in text] == []
    assert "wingspan -C out/england-wales estate " + " ".join(words) in text


def test_a_survey_is_written_to_a_geopackage_and_to_nothing_else(spare, tmp_path):
    result = spare.run("estate", "survey", "EYI", "--out", tmp_path / "elmley.shp")

    assert result.exit_code == 2
    assert "a survey is a GeoPackage: end elmley.shp in .gpkg" in result.stderr
    assert not (tmp_path / "elmley.shp").exists()

"""Cells whose HMPPS keys were imported bear them everywhere, and nothing else changes for it."""

from dataclasses import replace

import pytest

from estate.cabling.wing import WingProblem
from estate.catalogue import Catalogue
from estate.errors import NoPlanError
from estate.grid import grid_point
from estate.measurements import buildings_of
from estate.network import cells_on
from estate.pipeline import make_plan, sizings_of
from estate.report.layers import layers_of
from estate.report.site import site_of
from estate.sources.survey import scan_survey
from estate.survey import draft, hand_out, surveyed
from estate.survey.wings import cells_of
from estate.topology import design_as_named, network_as_named, topology_of
from estate.typology import lay_out
from estate.workspace import Settings

# Codes of the cells of a landing, through its three spurs: they alternate, and 10 sorts before 9.
CODES = {"2": ("9", "A05", "10", "12", "11", "13"), "G": ("001", "004", "002", "005", "003", "006")}


def keys_of(record):
    """Return keys for the cells of a wing of the hamlet, another landing lowest in every other."""
    landings = list(CODES.items())[:: -1 if record.wing == "HB2" else 1]
    return tuple(
        tuple(f"{record.prison_id}-{record.wing}-{landing}-{code}" for code in codes)
        for landing, codes in landings[: len(record.layout or (1,) * record.landings)]
    )


@pytest.fixture(scope="module")
def named(hamlet):
    """Return the inputs of the hamlet with the keys of all cells imported."""
    wings = tuple(replace(record, cell_keys=keys_of(record)) for record in hamlet.wings)
    return replace(hamlet, wings=wings)


@pytest.fixture(scope="module")
def plan(named):
    """Return the plan of the named cells."""
    return make_plan(named, Settings())


@pytest.fixture(scope="module")
def every_key(named):
    """Return the key of every cell."""
    return {key for record in named.wings for landing in keys_of(record) for key in landing}


@pytest.fixture(scope="module")
def drafted(named, tmp_path_factory):
    """Return the draft of each prison, written and read again, and what it makes of the prison."""
    found = {}
    for prison in named.establishments:
        prison_id, sizing = prison.prison_id, sizings_of(named)[prison.prison_id]
        path = tmp_path_factory.mktemp("drafts") / f"{prison_id}.gpkg"
        hand_out(draft(sizing, at=grid_point(prison)), path, prison=prison.name, marking="")
        found[prison_id] = scan_survey(path).survey
    return found


def test_topology_names_each_cell_by_the_key_that_was_imported(plan, every_key):
    assert {cell.cell for cell in topology_of(plan).cells} == every_key


def test_a_cell_of_the_topology_is_on_the_landing_of_its_key(plan):
    lowest = {cell.cell for cell in topology_of(plan).cells if cell.landing == "1"}

    assert {key for key in lowest if "-HB1-" in key} == {f"EYI-HB1-2-{c}" for c in CODES["2"]}
    assert {key for key in lowest if "-HB2-" in key} == {f"EYI-HB2-G-{c}" for c in CODES["G"]}


def test_wings_alike_share_a_design_whatever_their_cells_are_called(plan, hamlet):
    before = make_plan(hamlet, Settings())

    assert {w.wing.key: w.design for s in plan.establishments for w in s.wings} == {
        w.wing.key: w.design for s in before.establishments for w in s.wings
    }
    assert (plan.designs, plan.totals) == (before.designs, before.totals)


def test_a_draft_writes_the_imported_keys_through_the_spurs_of_each_landing(drafted):
    cells = [c for c in cells_of(drafted["EYI"]) if c.text("wing") == "HB1"]

    keys = [cell.text("location_key") for cell in cells]
    assert keys == [f"EYI-HB1-{landing}-{code}" for landing in CODES for code in CODES[landing]]


def test_an_untouched_draft_of_named_cells_changes_no_cost_and_no_grade(named, plan, drafted):
    again = make_plan(replace(named, surveys=drafted), Settings())

    assert again.totals == plan.totals
    assert [
        (w.wing.key, w.wing.grade, w.wing.assumed) for s in again.establishments for w in s.wings
    ] == [(w.wing.key, w.wing.grade, w.wing.assumed) for s in plan.establishments for w in s.wings]


def test_draft_import_draft_is_the_identity_on_named_cells(named, drafted):
    for prison in named.establishments:
        sizing, survey = sizings_of(named)[prison.prison_id], drafted[prison.prison_id]
        again = surveyed(sizing, survey, prison_id=prison.prison_id).sizing

        assert draft(again, at=grid_point(prison)) == survey


def test_cells_of_a_landing_are_in_the_order_of_its_spurs_not_of_their_keys(named, drafted):
    found = surveyed(sizings_of(named)["EYI"], drafted["EYI"], prison_id="EYI")

    keys = [cell.location_key for cell in cells_on(found.networks["EYI-HB1"], 0)]
    assert keys == [f"EYI-HB1-2-{code}" for code in CODES["2"]]


def test_an_untouched_draft_of_named_cells_has_the_joints_of_its_layout(named, drafted):
    sizing = sizings_of(named)["EYI"]
    wing, network = sizing.wings[0], surveyed(sizing, drafted["EYI"], prison_id="EYI").networks

    laid = lay_out(wing.shape)
    assert [joint.junction_id for joint in network[wing.key].junctions] == [
        f"{wing.key}/{joint.junction_id}" for joint in laid.junctions
    ]


def test_the_cells_of_a_design_are_in_one_order_whatever_they_are_called(named, drafted):
    catalogue = Catalogue(rates=named.rates, assumptions=named.assumptions, appraisal_years=10)
    found = surveyed(sizings_of(named)["EYI"], drafted["EYI"], prison_id="EYI")

    cells = WingProblem.of(found.networks["EYI-HB1"], catalogue).cells

    assert [cell.space_id for cell in cells] == [
        f"EYI-HB1/cell-{landing}-{number:03d}" for landing in (1, 2) for number in range(1, 7)
    ]


def test_map_layers_name_each_cell_by_the_key_that_was_imported(plan, every_key):
    spaces = next(layer.frame for layer in layers_of(plan) if layer.name == "spaces")

    assert set(spaces["location_key"]) - {""} == every_key


def test_readings_find_a_cell_by_the_key_that_was_imported(named):
    found = buildings_of(sizings_of(named)["EYI"], None, prison_id="EYI")["EYI-HB1"]

    assert found.cells["EYI-HB1-2-A05"].space_id == "EYI-HB1/cell-1-002"


def test_a_survey_that_changes_the_number_of_cells_ends_the_keys_of_the_import(named, drafted):
    survey = drafted["EYI"]
    spaces = tuple(s for s in survey.layers["spaces"] if s.name != "EYI-HB1/cell-2-006")
    fewer = replace(survey, layers={**survey.layers, "spaces": spaces})

    wings = surveyed(sizings_of(named)["EYI"], fewer, prison_id="EYI").sizing.wings

    assert [bool(wing.cell_keys) for wing in wings] == [False, True]


def test_a_design_is_told_with_the_keys_that_were_imported(plan):
    (site,) = (s for s in plan.establishments if s.prison.prison_id == "MDI")
    (wing,) = site.wings
    shared = plan.designs[wing.design]

    told = design_as_named(plan, wing)

    cells = [cell for point in told.points for cell in point.cells]
    assert set(cells) == {key for keys in wing.wing.cell_keys for key in keys}
    words = [option.reason for landing in told.landings for option in landing.options]
    assert any("such as MDI-1-2-9" in each for each in words)
    assert (told.cost_gbp, len(told.points)) == (shared.cost_gbp, len(shared.points))
    spaces = [space.location_key for space in network_as_named(plan, wing).spaces]
    assert set(spaces) - {""} == set(cells)


def test_without_an_import_a_design_is_told_as_it_is(hamlet):
    before = make_plan(hamlet, Settings())
    wing = before.establishments[0].wings[0]

    assert design_as_named(before, wing) is before.designs[wing.design]
    assert network_as_named(before, wing) == before.network_of(wing)


def test_the_page_of_a_prison_names_cells_by_the_keys_that_were_imported(plan):
    told = repr([page for page in site_of(plan).pages if "Moorland" in page.title])

    assert "cell MDI-1-2-A05" in told
    assert "cell 1-00" not in told


def test_cells_without_a_design_are_named_by_their_keys(named):
    wings = tuple(replace(record, distance_to_comms_m=20_000.0) for record in named.wings)

    with pytest.raises(NoPlanError) as refusal:
        make_plan(replace(named, wings=wings), Settings())

    places = [problem.place for problem in refusal.value.problems]
    cells = {place.partition(", cell ")[2] for place in places if ", cell " in place}
    assert cells
    assert cells <= {key for row in named.wings for landing in keys_of(row) for key in landing}

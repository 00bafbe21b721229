from dataclasses import replace

import pytest
from shapely import LineString, box
from shapely.affinity import translate

from estate.design import design_wing
from estate.estimate import Estimate
from estate.model import Grade
from estate.network import outlet_lengths_m
from estate.sizing import Sizing
from estate.survey import draft, surveyed
from estate.typology import lay_out

CENTRE = (430_000.0, 433_000.0)
LAYERS = ("spaces", "walls", "doors", "spans", "distributors", "outlets")


@pytest.fixture
def steel_m(result, catalogue):
    """Return a function that returns the metres of steel containment that wing A buys."""

    def bought():
        found = result()
        shape = found.sizing.wings[0].shape
        design = design_wing(shape, catalogue, found.networks["LEI-A"])
        parts = [*(landing.quantities for landing in design.landings), design.shared]
        zero = Estimate.exactly(0)
        return sum(part.get("containment_steel", zero).likely for part in parts)

    return bought


def wing_a(found):
    return found.sizing.wings[0]


# An untouched draft


def test_an_untouched_draft_changes_no_fact_of_any_wing(result, sizing):
    assert result().sizing == sizing


def test_an_untouched_draft_is_designed_as_its_shape_is(result, sizing, catalogue):
    networks = result().networks

    for wing in sizing.wings:
        as_surveyed = design_wing(wing.shape, catalogue, networks[wing.key])
        as_laid_out = design_wing(wing.shape, catalogue)
        assert as_surveyed.cost_gbp == as_laid_out.cost_gbp
        assert as_surveyed.bound_gbp == as_laid_out.bound_gbp
        assert as_surveyed.shared == as_laid_out.shared
        assert [landing.quantities for landing in as_surveyed.landings] == [
            landing.quantities for landing in as_laid_out.landings
        ]


def test_the_network_of_a_draft_has_the_lengths_of_the_layout(result, sizing):
    shape = sizing.wings[0].shape

    lengths_m = outlet_lengths_m(result().networks["LEI-A"])

    assert {name.removeprefix("LEI-A/"): length_m for name, length_m in lengths_m.items()} == (
        outlet_lengths_m(lay_out(shape))
    )


# Signatures


def test_what_is_signed_throughout_is_of_grade_a_and_no_longer_assumed(sheet, result):
    sheet.sign(*LAYERS)

    wing = wing_a(result())

    assert (wing.grade, wing.assumed) == (Grade.SURVEYED, ())
    assert (wing.cells_low, wing.cells_high) == (9.0, 9.0)
    assert (wing.source, wing.surveyed_on) == ("survey", "2026-09-14")


@pytest.mark.parametrize(
    ("layers", "fact"),
    [
        (("spaces",), "cells"),
        (("spaces", "doors"), "layout"),
        (("spaces", "spans"), "dimensions"),
        (("walls",), "construction"),
        (("spans", "distributors"), "distance_to_comms_m"),
    ],
)
def test_a_fact_stops_being_assumed_when_all_that_it_rests_on_is_signed(
    sheet, result, layers, fact
):
    before = wing_a(result()).assumed
    sheet.sign(*layers)

    assert fact in before
    assert fact not in wing_a(result()).assumed


def test_one_unsigned_wall_leaves_the_construction_assumed(sheet, result):
    sheet.sign("walls")
    sheet.change("walls", "LEI-A/party-1-001", surveyed_by="")

    found = result().sizing.wings

    assert "construction" in found[0].assumed
    assert "construction" not in found[1].assumed


@pytest.mark.parametrize("only", ["surveyed_by", "surveyed_on"])
def test_half_a_signature_signs_nothing(sheet, result, sizing, only):
    frame = sheet.read("walls")
    frame[only] = {"surveyed_by": "J. Smith", "surveyed_on": "2026-09-14"}[only]
    frame["grade"] = "A"
    sheet.write("walls", frame)

    assert result().sizing == sizing


def test_the_construction_alone_does_not_make_a_wing_surveyed(sheet, result):
    sheet.sign("walls")

    wing = wing_a(result())

    assert wing.grade == Grade.ASSUMED
    assert wing.grade_of("construction") == Grade.ASSUMED  # Not while the cells are.


def test_a_signed_wing_is_of_grade_a_only_with_all_that_a_schedule_stated(sheet, sizing):
    # The schedule states cells and layout, grade C; the spaces are signed, the doors are not.
    stated = replace(sizing.wings[0], grade=Grade.SCHEDULED, assumed=("dimensions", "construction"))
    sheet.sign("spaces", "spans", "distributors")

    found = surveyed(
        Sizing(wings=(stated, sizing.wings[1])), sheet.survey(), prison_id="LEI"
    ).sizing.wings[0]
    assert (found.grade, found.assumed) == (Grade.SCHEDULED, ("construction",))

    sheet.sign("doors")
    found = surveyed(
        Sizing(wings=(stated, sizing.wings[1])), sheet.survey(), prison_id="LEI"
    ).sizing.wings[0]
    assert (found.grade, found.assumed) == (Grade.SURVEYED, ("construction",))


def test_what_is_changed_and_unsigned_is_assumed_though_a_schedule_stated_it(sheet, sizing):
    stated = replace(sizing.wings[0], grade=Grade.SCHEDULED, assumed=("dimensions",))
    frame = sheet.read("walls")
    frame["thickness_mm"] = 230
    sheet.write("walls", frame)

    found = surveyed(
        Sizing(wings=(stated, sizing.wings[1])), sheet.survey(), prison_id="LEI"
    ).sizing.wings[0]

    assert found.shape.thickness_mm == 230
    assert found.assumed == ("dimensions", "construction")


# What a surveyor finds


def test_a_cell_that_is_not_there_is_not_planned_for(sheet, result):
    # On landing 2 the cells 1 and 2 are on spur 1, 3 and 4 on spur 2.
    sheet.delete("spaces", "LEI-A/cell-2-004")
    sheet.delete("doors", "LEI-A/door-2-004")
    sheet.delete("outlets", "LEI-A/outlet-2-004")

    wing = wing_a(result())

    assert wing.shape.layout == ((3, 2), (2, 1))
    # Eight cells of nine, as doubtful as they were.
    assert wing.cells_low == pytest.approx(8 * 8 / 9)
    assert "cells" in wing.assumed


def test_a_wing_that_is_not_in_the_survey_is_gone(sheet, result):
    for layer in LAYERS:
        frame = sheet.read(layer)
        sheet.write(layer, frame[frame["wing"] != "B"])

    assert [wing.wing for wing in result().sizing.wings] == ["A"]


def test_an_assumed_wing_may_turn_out_to_have_another_code(sheet, result, sizing):
    for layer in LAYERS:
        frame = sheet.read(layer)
        frame["wing"] = frame["wing"].replace("A", "K")
        if layer == "spaces":
            frame["location_key"] = frame["location_key"].str.replace("LEI-A-", "LEI-K-")
        sheet.write(layer, frame)

    found = result().sizing

    assert [(wing.wing, wing.name) for wing in found.wings] == [("K", "Wing K"), ("B", "Wing B")]
    assert found.wings[0].shape == sizing.wings[0].shape


def test_the_walls_of_most_length_tell_the_construction(sheet, result):
    frame = sheet.read("walls")
    frame["material"], frame["thickness_mm"] = "brick", 330
    frame.loc[frame["wall_id"] == "LEI-A/party-1-001", "thickness_mm"] = 100
    sheet.write("walls", frame)

    shape = wing_a(result()).shape

    assert (shape.material, shape.thickness_mm) == ("brick", 330)


def test_a_comms_room_nearer_than_assumed_shortens_every_link(sheet, result):
    before = outlet_lengths_m(result().networks["LEI-A"])
    sheet.change("spans", "LEI-A/comms-link", length_m=20.0)

    found = result()

    assert wing_a(found).shape.distance_to_comms_m == 20.0
    after = outlet_lengths_m(found.networks["LEI-A"])
    assert {name: round(before[name] - after[name], 3) for name in before} == (
        dict.fromkeys(before, 25.0)
    )


def test_a_rack_in_the_wing_leaves_no_way_to_the_comms_room(sheet, result):
    sheet.change("spans", "LEI-A/comms-link", containment="tray", length_m=None)

    distance_m = wing_a(result()).shape.distance_to_comms_m
    assert distance_m == 0.0
    assert isinstance(distance_m, float)  # A plan tells 0 from 0.0 when it is read back.


@pytest.mark.parametrize("span", ["run-1-002", "riser-1-2", "comms-link", "across-2-s1"])
def test_containment_that_stands_with_room_in_it_leaves_the_bill(sheet, steel_m, span):
    before_m = steel_m()
    frame = sheet.read("spans")
    length_m = frame.loc[frame["span_id"] == f"LEI-A/{span}", "length_m"].iloc[0]

    tray = {"width_mm": 150, "depth_mm": 50}
    sheet.change("spans", f"LEI-A/{span}", state="existing", fill_percent=10, **tray)

    # The bill is in tenths of a metre, landing by landing.
    assert steel_m() == pytest.approx(before_m - length_m, abs=0.21)


def test_containment_that_is_full_is_bought_again(sheet, steel_m):
    before_m = steel_m()

    sheet.change("spans", "LEI-A/run-1-002", state="existing", fill_percent=55)

    assert steel_m() == before_m


@pytest.mark.parametrize("kind", ["basket", "trunking", "conduit"])
def test_any_containment_along_a_landing_is_bought_by_the_metre(sheet, steel_m, kind):
    before_m = steel_m()

    sheet.change("spans", "LEI-A/run-1-002", containment=kind)

    assert steel_m() == before_m


def test_a_riser_drawn_on_a_spur_shortens_the_way_of_the_cells_above(sheet, result):
    before = outlet_lengths_m(result().networks["LEI-A"])
    x, y = sheet.geometry("spans", "LEI-A/run-1-001").coords[-1]

    sheet.add(
        "spans",
        span_id="LEI-A/riser-s1",
        floor=0,
        containment="riser",
        length_m=0.5,
        geometry=LineString([(x, y), (x + 0.3, y)]),
    )

    # It saves all but half a metre of the 2.8 m between the storeys, for the cell at its head.
    after = outlet_lengths_m(result().networks["LEI-A"])
    assert after["LEI-A/outlet-2-001"] == round(before["LEI-A/outlet-2-001"] - 2.3, 3)
    assert after["LEI-A/outlet-1-001"] == before["LEI-A/outlet-1-001"]


def test_a_tray_that_passes_its_drops_has_the_length_of_its_parts(sheet, result):
    before = outlet_lengths_m(result().networks["LEI-A"])
    spans = sheet.read("spans").set_index("span_id")
    names = ["LEI-A/run-1-001", "LEI-A/run-1-002"]
    first, second = (spans.geometry[name] for name in names)
    sheet.delete("spans", *names)

    whole = LineString([*first.coords, second.coords[-1]])
    length_m = float(first.length + second.length)
    sheet.add("spans", span_id="tray", floor=0, containment="tray", geometry=whole)

    # The draft's first run goes round the corner of the hub; a line drawn has the line's length.
    saved_m = float(spans["length_m"][names].sum()) - length_m
    after = outlet_lengths_m(result().networks["LEI-A"])
    beyond = "LEI-A/outlet-1-002"
    assert after[beyond] == pytest.approx(before[beyond] - saved_m, abs=0.002)


@pytest.mark.parametrize(
    ("others", "cabling"), [("cat6", "cat6"), ("cat5e", "cat5e"), ("voice", "unknown")]
)
def test_outlets_count_when_each_cell_has_one_for_data(sheet, result, others, cabling):
    frame = sheet.read("outlets")
    frame["state"], frame["category"] = "existing", others
    frame.loc[0, "category"] = "cat6a"
    sheet.write("outlets", frame)

    assert wing_a(result()).shape.cabling == cabling


def test_a_cell_without_its_outlet_leaves_the_wing_uncabled(sheet, result):
    frame = sheet.read("outlets")
    frame["state"], frame["category"] = "existing", "cat6"
    frame.loc[0, "state"] = "new"
    sheet.write("outlets", frame)

    found = result().sizing.wings

    assert [wing.shape.cabling for wing in found] == ["unknown", "cat6"]


def test_a_hazard_drawn_in_a_wing_is_a_fact_of_that_wing(sheet, result):
    cell = sheet.geometry("spaces", "LEI-A/cell-1-001")
    for kind in ("asbestos", "listed_fabric"):
        sheet.add("hazards", hazard_id=kind, floor=0, kind=kind, geometry=cell)

    found = result().sizing.wings

    assert [(wing.asbestos, wing.listed) for wing in found] == [
        ("yes", "yes"),
        ("unknown", "unknown"),
    ]


def test_floors_become_landings_in_order_whatever_they_are_called(sheet, result, sizing):
    # The building stands on a basement and has a plant floor between its two landings.
    for layer in LAYERS:
        frame = sheet.read(layer)
        frame["floor"] = frame["floor"].replace({0: 1, 1: 3})
        if layer == "spans":
            frame["to_floor"] = frame["to_floor"].replace({1: 3})
        sheet.write(layer, frame)

    found = result()

    assert [wing.shape.layout for wing in found.sizing.wings] == [
        wing.shape.layout for wing in sizing.wings
    ]
    assert {span.floor for span in found.networks["LEI-A"].spans} == {0, 1}


@pytest.mark.parametrize(("codes", "left_out"), [("A", "B"), ("C", "A, B")])
def test_a_schedule_that_has_changed_since_the_survey_leaves_its_wings_out_and_says_so(
    sizing, wing, codes, left_out
):
    survey = draft(sizing, at=CENTRE)
    scheduled = Sizing(wings=tuple(wing(code, source="schedule") for code in codes))

    found = surveyed(scheduled, survey, prison_id="LEI").sizing

    assert found.wings == scheduled.wings
    assert found.notes == (
        f"The survey's wings {left_out} are not in the schedule, and are left out.",
    )


def test_a_prison_that_is_not_sized_stays_so(sizing):
    excluded = Sizing(excluded="its capacity is reported inside MDI's")

    found = surveyed(excluded, draft(sizing, at=CENTRE), prison_id="LEI")

    assert (found.sizing.excluded, found.sizing.wings, found.networks) == (
        excluded.excluded,
        (),
        {},
    )


def test_a_moved_wall_changes_the_drawing_and_no_cost(sheet, result, sizing):
    wall = sheet.geometry("walls", "LEI-A/party-1-001")
    sheet.change("walls", "LEI-A/party-1-001", geometry=translate(wall, xoff=0.25))

    found = result()

    wing, before = found.sizing.wings[0], sizing.wings[0]
    assert "walls and plant as in the survey" in wing.basis
    assert replace(wing, basis=before.basis) == before
    moved = {wall.wall_id: wall for wall in found.networks["LEI-A"].walls}["LEI-A/party-1-001"]
    assert moved.start[0] == pytest.approx(wall.coords[0][0] + 0.25)


# The site


def test_a_survey_without_a_perimeter_has_none(result):
    assert {network.perimeter for network in result().networks.values()} == {None}


def test_the_perimeter_that_a_survey_draws_is_that_of_every_wing(sheet, result):
    east, north = CENTRE
    square = box(east - 200, north - 200, east + 200, north + 200)
    yard = box(east - 10, north - 10, east + 10, north + 10)
    sheet.add("site", site_id="LEI/yard", kind="perimeter", geometry=yard)
    sheet.add("site", site_id="LEI/hall", kind="building", geometry=square.buffer(100))
    sheet.add(
        "site",
        site_id="LEI/wall",
        kind="perimeter",
        geometry=square,
        source="total station",
        surveyed_by="J. Smith",
        surveyed_on="2026-09-14",
    )

    one, other = (network.perimeter for network in result().networks.values())

    assert one == other
    assert len(one.line) == 4
    assert (one.grade, one.source) == (Grade.SURVEYED, "total station")

"""What stands already is used by the design and not bought again, to the penny."""

from decimal import Decimal

import pytest
from shapely import LineString

from estate.design import design_wing

TRAY = {"state": "existing", "fill_percent": 10, "width_mm": 150, "depth_mm": 50}


@pytest.fixture
def designed(result, catalogue):
    """Return a function that returns the design of wing A as the survey on the disk has it."""

    def design():
        found = result()
        return design_wing(found.sizing.wings[0].shape, catalogue, found.networks["LEI-A"])

    return design


@pytest.fixture
def priced(catalogue):
    """Return a function that prices quantities at likely rates over the appraisal."""

    def price(**quantities):
        return sum(
            Decimal(repr(quantity))
            * Decimal(repr(catalogue.rates[item].rate.likely))
            * catalogue.purchases(item)
            for item, quantity in quantities.items()
        )

    return price


def bought(design, item):
    """Return how much of an item a design buys."""
    parts = [*(landing.quantities for landing in design.landings), design.shared]
    return sum(part[item].likely for part in parts if item in part)


def every(sheet, layer, rows, **values):
    """Change the features of a layer that a function picks."""
    frame = sheet.read(layer)
    for column, value in values.items():
        frame.loc[rows(frame), column] = value
    sheet.write(layer, frame)


def of_wing_a(frame):
    return frame["wing"] == "A"


def test_containment_with_room_in_it_saves_its_metres_and_its_drilling(sheet, designed, priced):
    before = designed()
    every(sheet, "spans", lambda f: of_wing_a(f) & (f["containment"] != "drop"), **TRAY)

    after = designed()

    assert bought(after, "containment_steel") == 0
    drills = bought(before, "core_drill") - bought(after, "core_drill")
    saved_gbp = priced(containment_steel=bought(before, "containment_steel"), core_drill=drills)
    assert before.cost_gbp - after.cost_gbp == pytest.approx(saved_gbp, abs=Decimal("0.5"))
    assert saved_gbp > 1000


def test_containment_that_is_full_saves_nothing(sheet, designed):
    before = designed()
    full = {**TRAY, "fill_percent": 55}
    every(sheet, "spans", lambda f: of_wing_a(f) & (f["containment"] != "drop"), **full)

    assert designed().cost_gbp == before.cost_gbp


def test_an_outlet_that_is_cabled_needs_a_port_and_nothing_else(sheet, designed):
    cabled = {"state": "existing", "category": "cat6a"}
    every(sheet, "outlets", of_wing_a, **cabled)
    every(sheet, "spans", lambda f: of_wing_a(f) & (f["containment"] == "drop"), state="existing")

    after = designed()

    for item in ("outlet_cat6a", "cable_cat6a", "core_drill", "containment_steel"):
        assert bought(after, item) == 0, item
    assert bought(after, "network_dock") == 9  # One for each cell: the device still needs it.


def test_free_switch_ports_save_the_switch_and_its_cabinet(sheet, designed, priced):
    before = designed()
    free = {"switch_ports_free": 24, "rack_units_free": 20, "power_free_w": 2000}
    every(sheet, "distributors", of_wing_a, state="existing", **free)

    after = designed()

    saved_gbp = priced(switch_48_poe=1, cabinet=1, power_circuit=1)
    assert before.cost_gbp - after.cost_gbp == pytest.approx(saved_gbp, abs=Decimal("0.5"))


def test_a_pair_is_used_only_once_a_test_was_passed(sheet, designed):
    voice = {"state": "existing", "category": "voice"}
    every(sheet, "outlets", of_wing_a, **voice)
    untested = {str(option.option): option for option in designed().landings[0].options}

    every(sheet, "outlets", of_wing_a, pair_test="passed", pair_mbps=200.0)
    tested = {str(option.option): option for option in designed().landings[0].options}

    assert not untested["existing_pairs"].offered
    assert "pair test" in untested["existing_pairs"].reason
    assert tested["existing_pairs"].offered


def test_access_points_that_stand_are_used_and_not_bought(sheet, designed, priced):
    every(sheet, "walls", of_wing_a, material="brick", thickness_mm=103)
    before = designed()
    landings = sheet.read("spaces").query("kind == 'landing' and wing == 'A'")
    names = [f"AP-{number}" for number in range(len(landings))]
    for name, (_, landing) in zip(names, landings.iterrows(), strict=True):
        place = {"wing": "A", "floor": landing["floor"], "geometry": landing.geometry.centroid}
        sheet.add("access_points", access_point_id=name, state="existing", **place)

    after = designed()

    assert bought(before, "access_point") > 0
    assert bought(after, "access_point") == 0
    reused = {f"the access point {name}" for name in names}
    standing = [point for point in after.points if point.reuses in reused]
    assert sum(len(point.cells) for point in standing) == 9
    assert {point.length_m for point in standing} == {0}  # Its cable stands too.
    saved_gbp = priced(access_point=bought(before, "access_point"))
    assert before.cost_gbp - after.cost_gbp > saved_gbp


def test_cables_in_an_open_tray_that_stands_are_to_be_checked_beside_power(sheet, designed):
    assert designed().warnings == ()
    every(sheet, "spans", lambda f: of_wing_a(f) & (f["containment"] == "tray"), **TRAY)

    (warning,) = designed().warnings

    assert "200 mm from power" in warning


def lay(sheet, ends, **values):
    """Draw a data cable that stands from the rack of wing A to each place, by floor."""
    every(sheet, "distributors", of_wing_a, state="existing")
    (rack,) = sheet.read("distributors").query("wing == 'A'").geometry
    for number, (floor, at) in enumerate(ends, start=1):
        cable = {"cable_id": f"data-{number}", "kind": "cat6a", "state": "existing", "wing": "A"}
        route = LineString([(rack.x, rack.y), (at.x, at.y)])
        facts = {"floor": 0, "to_floor": floor, "length_m": 40.0, **values}
        sheet.add("cables", **cable, **facts, geometry=route)


def cells_of_wing_a(sheet):
    cells = sheet.read("spaces").query("kind == 'cell' and wing == 'A'")
    return [(cell["floor"], cell.geometry.centroid) for _, cell in cells.iterrows()]


def test_cables_that_stand_to_each_cell_leave_only_outlets_to_buy(sheet, designed, priced):
    before = designed()
    lay(sheet, cells_of_wing_a(sheet))

    after = designed()

    for item in ("cable_cat6a", "core_drill", "containment_steel"):
        assert bought(before, item) > 0, item
        assert bought(after, item) == 0, item
    assert bought(after, "outlet_cat6a") == bought(after, "network_dock") == 9
    reused = {point.reuses for point in after.points}
    assert reused == {f"the cable data-{number}, 40.0 m" for number in range(1, 10)}
    reasons = {str(option.option): option.reason for option in after.landings[0].options}
    assert reasons["outlet_per_cell"] == "reuses the data cabling of 5 of 5 cells"
    saved = {item: bought(before, item) - bought(after, item) for item in before_and_after(before)}
    assert before.cost_gbp - after.cost_gbp == pytest.approx(priced(**saved), abs=Decimal("0.5"))


def before_and_after(design):
    parts = [*(landing.quantities for landing in design.landings), design.shared]
    return {item for part in parts for item in part}


def test_a_cable_that_stands_and_is_too_long_is_named_and_bought_anew(sheet, designed):
    cells = cells_of_wing_a(sheet)
    lay(sheet, cells[:1], length_m=95.0)

    design = designed()

    assert bought(design, "outlet_cat6a") == 9
    assert {point.reuses for point in design.points} == {""}
    (said,) = design.warnings
    assert said == (
        "the cable data-1 that stands is not used: it is 95.0 m long, and a link may have 86.5 m"
    )


def test_an_access_point_hangs_where_a_cable_that_stands_leads(sheet, designed):
    every(sheet, "walls", of_wing_a, material="brick", thickness_mm=103)
    landings = sheet.read("spaces").query("kind == 'landing' and wing == 'A'")
    lay(sheet, [(row["floor"], row.geometry.centroid) for _, row in landings.iterrows()])

    design = designed()

    reusing = [point for point in design.points if point.reuses]
    assert {str(landing.chosen) for landing in design.landings} == {"access_points_on_landing"}
    assert reusing == list(design.points)
    assert bought(design, "access_point") == len(reusing)  # The cable stands, not what it feeds.
    assert bought(design, "cable_cat6a") == 0

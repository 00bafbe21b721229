import json
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import zip_longest
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.costing import (
    BillLine,
    Phase,
    bill_of_site,
    bill_of_wing,
    by_package,
    is_local,
    new_work_share,
    totals,
)
from estate.design import design_wing
from estate.estimate import Estimate, Money
from estate.model import Grade, WingShape
from estate.readiness import Rung

GOLDEN = Path(__file__).parents[1] / "golden" / "bill_of_a_small_wing.json"

# The columns of the workbook: a line of another kind would stand in none of them.
KINDS = {
    ("capital", Phase.INITIAL),
    ("capital", Phase.REPLACEMENT),
    ("resource", Phase.RUNNING),
}

bounds = st.integers(min_value=0, max_value=10**7).map(lambda pence: pence / 100)
estimates = st.tuples(bounds, bounds, bounds).map(lambda three: Estimate(*sorted(three)))


@st.composite
def lines(draw):
    quantity, rate_gbp = draw(estimates), draw(estimates)
    return BillLine(
        wing=draw(st.sampled_from(["", "A", "B"])),
        item=draw(st.sampled_from(["outlet", "duct", "device"])),
        package=draw(st.sampled_from(["wing network", "site network", "devices", "VAT"])),
        phase=draw(st.sampled_from(Phase)),
        budget=draw(st.sampled_from(["capital", "resource"])),
        unit="m",
        quantity=quantity,
        rate_gbp=rate_gbp,
        cost_gbp=Money.of(quantity, rate_gbp),
        grade=Grade.ASSUMED,
        basis="",
    )


@pytest.fixture
def wing(example_plan):
    """Return a function that returns a surveyed wing of two landings of 4 + 4 cells."""
    standing = example_plan.site("EYI").wings[0].wing

    def build(cabling="unknown", **facts):
        shape = WingShape(
            typology="two_spur_block",
            layout=((4, 4), (4, 4)),
            material="concrete",
            thickness_mm=200,
            distance_to_comms_m=30.0,
            cabling=cabling,
        )
        surveyed = {
            "prison_id": "LEI",
            "wing": "A",
            "name": "A wing",
            "shape": shape,
            "cells_low": 16.0,
            "cells_high": 16.0,
            "grade": Grade.SURVEYED,
            "assumed": (),
            "power": "yes",
            "asbestos": "no",
            "listed": "no",
            "decant_possible": "yes",
            "surveyed_on": "2026-09-14",
            "source": "a survey",
            "basis": "wing schedule",
        }
        return replace(standing, **surveyed | facts)

    return build


@pytest.fixture
def price(catalogue):
    """Return a function that returns the bill of a wing."""

    def priced(wing, rung=Rung.TELEPHONY, catalogue=catalogue):
        design = design_wing(wing.shape, catalogue)
        return bill_of_wing(wing, design, rung=rung, catalogue=catalogue)

    return priced


@pytest.fixture
def price_site(catalogue, leeds, wing, price):
    """Return a function that returns the bill of Leeds with one small wing, the wing's included."""
    standing = wing()

    def priced(rung=Rung.TELEPHONY, catalogue=catalogue, wing=standing, **facts):
        works = price(wing, rung, catalogue)
        prison = replace(leeds, **facts)
        return (
            *works,
            *bill_of_site(prison, (wing,), wing_lines=works, rung=rung, catalogue=catalogue),
        )

    return priced


def of(bill, item, *phases):
    return [x for x in bill if x.item == item and x.phase in (phases or tuple(Phase))]


def quantity(bill, item):
    (line,) = of(bill, item, Phase.INITIAL)
    return line.quantity.as_tuple()


def with_rate(catalogue, item, **changes):
    rates = {**catalogue.rates, item: replace(catalogue.rates[item], **changes)}
    return replace(catalogue, rates=rates)


def first_difference(expected, found, place="bill"):
    if isinstance(expected, dict) and isinstance(found, dict):
        pairs = [(f".{k}", expected.get(k), found.get(k)) for k in {**expected, **found}]
    elif isinstance(expected, list) and isinstance(found, list):
        pairs = [(f"[{i}]", *two) for i, two in enumerate(zip_longest(expected, found))]
    else:
        return "" if expected == found else f"{place} was {expected!r}, is {found!r}"
    return next(filter(None, (first_difference(e, f, place + key) for key, e, f in pairs)), "")


# Totals


@given(st.lists(lines()))
def test_capital_replacements_and_resource_add_up_to_whole_life(bill):
    found = totals(bill)

    parts = (found.capital_gbp, found.replacement_gbp, found.resource_gbp)
    assert Money.total(parts) == found.whole_life_gbp


@given(st.lists(lines()))
def test_the_packages_add_up_to_whole_life_and_vat(bill):
    found = totals(bill)

    assert Money.total(by_package(bill).values()) == found.whole_life_gbp + found.vat_gbp


@given(st.lists(lines()))
def test_whole_life_and_vat_are_the_sum_of_all_lines(bill):
    found = totals(bill)

    all_lines = Money.total(line.cost_gbp for line in bill)
    assert found.whole_life_gbp + found.vat_gbp == all_lines


def test_an_empty_bill_comes_to_zero():
    assert totals([]).whole_life_gbp == Money()


def test_the_packages_of_a_real_estate_add_up_to_whole_life_and_vat(example_plan):
    bill = [line for site in example_plan.establishments for line in site.lines()]
    found = example_plan.totals

    assert Money.total(by_package(bill).values()) == found.whole_life_gbp + found.vat_gbp


def test_every_line_of_a_real_estate_is_its_quantity_times_its_rate(example_plan):
    for site in example_plan.establishments:
        for line in site.lines():
            bounds = zip(line.quantity.as_tuple(), line.rate_gbp.as_tuple(), strict=True)
            low, likely, high = (
                (Decimal(str(quantity)) * Decimal(str(rate))).quantize(
                    Decimal("0.01"), rounding=ROUND_HALF_UP
                )
                for quantity, rate in bounds
            )
            assert line.cost_gbp == Money(low, likely, high), line


def test_every_line_is_capital_at_the_start_or_later_or_else_resource(example_plan):
    sites = example_plan.establishments

    assert {(line.budget, line.phase) for site in sites for line in site.lines()} == KINDS


@pytest.mark.parametrize(("item", "budget"), [("device", "resource"), ("wan_rental", "capital")])
def test_a_rate_moved_to_another_budget_costs_the_same(price_site, catalogue, item, budget):
    moved = of(price_site(catalogue=with_rate(catalogue, item, budget=budget)), item)

    assert {(x.budget, x.phase) for x in moved} <= KINDS
    assert totals(moved).whole_life_gbp == totals(of(price_site(), item)).whole_life_gbp


# Lines of a wing


def test_the_bill_of_a_small_wing_is_the_golden_one(wing, price, tmp_path):
    bill = price(wing(grade=Grade.SCHEDULED, asbestos="unknown", listed="yes", power="no"))
    made = tmp_path / GOLDEN.name
    text = msgspec.json.Encoder(decimal_format="number").encode(bill)
    made.write_bytes(msgspec.json.format(text) + b"\n")

    difference = first_difference(json.loads(GOLDEN.read_text()), json.loads(made.read_text()))

    assert not difference, f"{difference}\nIf that is meant: cp {made} {GOLDEN}"


def test_what_lasts_seven_years_is_bought_twice_in_ten_and_what_lasts_twenty_once(wing, price):
    bill = price(wing())

    (first,), (again,) = (
        of(bill, "switch_48_poe", phase) for phase in (Phase.INITIAL, Phase.REPLACEMENT)
    )
    assert again.quantity == first.quantity
    assert again.cost_gbp == first.cost_gbp
    assert "after 7 years" in again.basis
    assert [line.phase for line in of(bill, "outlet_cat6a")] == [Phase.INITIAL]


@pytest.mark.parametrize(
    ("life_years", "purchases"), [(3, 4), (4, 3), (5, 2), (9, 2), (10, 1), (11, 1), (None, 1)]
)
def test_ten_years_take_as_many_purchases_as_lives_begun(catalogue, life_years, purchases):
    lasting = with_rate(catalogue, "cabinet", life_years=life_years)

    assert lasting.purchases("cabinet") == purchases


def test_there_is_an_outlet_for_each_cell(wing, price):
    assert quantity(price(wing()), "outlet_cat6a") == (16, 16, 16)


@pytest.mark.parametrize("rung", [Rung.DEVICES, Rung.DATA_CABLING])
def test_a_prison_said_to_be_cabled_needs_the_rest_only(wing, price, catalogue, assuming, rung):
    done = {f"cells_already_cabled.{rung}": Estimate(0.5, 0.75, 1.0)}
    priced = replace(catalogue, assumptions=assuming(catalogue.assumptions, done))

    bill = price(wing(), rung, priced)

    # Of 16 cells 16, 12 or 8 are done.
    assert quantity(bill, "outlet_cat6a") == (0, 4, 8)
    assert "25% of the work taken as new" in of(bill, "outlet_cat6a")[0].basis


@pytest.mark.parametrize("rung", [Rung.TELEPHONY, Rung.NOTHING])
def test_telephony_and_nothing_spare_no_cabling(catalogue, rung):
    assert new_work_share(rung, catalogue.assumptions) == Estimate.exactly(1)


def test_where_no_source_speaks_all_cabling_is_likely_but_less_is_possible(catalogue):
    share = new_work_share(Rung.UNKNOWN, catalogue.assumptions)

    assert share.low < share.likely == share.high == 1


@pytest.mark.parametrize("cabling", ["none", "voice"])
def test_what_is_known_of_a_wing_overrules_what_is_said_of_the_site(wing, price, cabling):
    bill = price(wing(cabling=cabling), Rung.DEVICES)

    assert quantity(bill, "outlet_cat6a") == (16, 16, 16)


def test_known_data_cabling_of_a_wing_is_reused(wing, price):
    assert of(price(wing(cabling="cat6"), Rung.UNKNOWN), "outlet_cat6a") == []


def test_a_worse_grade_widens_a_length_and_moves_its_likely_value_nowhere(wing, price):
    surveyed, assumed = (
        quantity(price(wing(grade=grade)), "containment_steel")
        for grade in (Grade.SURVEYED, Grade.ASSUMED)
    )

    assert assumed[0] < surveyed[0] < surveyed[1] < surveyed[2] < assumed[2]
    assert assumed[1] == surveyed[1]


@pytest.mark.parametrize("grade", Grade)
def test_a_wing_of_any_grade_has_a_price(wing, price, grade):
    outlets = quantity(price(wing(grade=grade)), "outlet_cat6a")

    assert outlets[0] <= 16 == outlets[1] <= outlets[2]


def test_a_doubtful_number_of_cells_widens_what_is_counted_by_cells(wing, price):
    doubtful = wing(cells_low=12.0, cells_high=18.0, assumed=("cells",))

    assert quantity(price(doubtful), "outlet_cat6a") == (12, 16, 18)


def test_pieces_are_whole_with_low_rounded_down_and_high_rounded_up(wing, price):
    doubtful = wing(cells_low=12.9, cells_high=17.1, assumed=("cells",))

    assert quantity(price(doubtful), "outlet_cat6a") == (12, 16, 18)


def test_fewer_cells_than_thought_still_need_the_one_cabinet(wing, price):
    doubtful = wing(cells_low=12.0, cells_high=18.0, assumed=("cells",))

    assert quantity(price(doubtful), "cabinet") == (1, 1, 2)


@pytest.mark.parametrize(
    ("asbestos", "likely"),
    [("no", {}), ("yes", {"survey": 1, "removal": 1}), ("unknown", {"survey": 1, "removal": 0.35})],
)
def test_asbestos_is_surveyed_unless_known_absent_and_removed_by_chance(
    wing, price, asbestos, likely
):
    bill = price(wing(asbestos=asbestos))

    lines = [line for line in bill if line.item.startswith("asbestos_")]
    assert {x.item.removeprefix("asbestos_"): x.quantity.likely for x in lines} == likely


def test_a_line_of_nothing_is_left_out(wing, price):
    assert all(line.quantity.high > 0 for line in price(wing(cabling="cat6a")))


# Lines of a site


def test_devices_and_spares_follow_operational_capacity_while_outlets_follow_cells(
    price_site, catalogue, assuming
):
    spreads = {f"capacity_spread.{grade}": Estimate(0.9, 1.0, 1.2) for grade in ("B", "D")}
    spreads["spare_devices"] = Estimate(0.05, 0.1, 0.2)
    priced = replace(catalogue, assumptions=assuming(catalogue.assumptions, spreads))

    bill = price_site(catalogue=priced, operational_capacity=1000, baseline_cna=700)

    assert quantity(bill, "device") == (900, 1000, 1200)
    assert quantity(bill, "device_spare") == (45, 100, 240)
    assert quantity(bill, "outlet_cat6a") == (16, 16, 16)


@pytest.mark.parametrize(
    ("capacity", "cna", "devices", "said"),
    [
        (1212, 669, 1212, "operational capacity 2016-05-27"),
        (None, 669, 669, "operational capacity blank"),
        (None, None, 16, "no capacity in the sources"),
    ],
)
def test_the_devices_of_a_prison_without_capacity_say_what_they_follow_instead(
    price_site, capacity, cna, devices, said
):
    bill = price_site(operational_capacity=capacity, baseline_cna=cna)

    assert quantity(bill, "device")[1] == devices
    assert said in of(bill, "device")[0].basis


def test_devices_lost_on_the_way_are_not_renewed_as_well(price_site, catalogue, assuming):
    # Half are lost each year: of 1,212 a sixteenth, 76 rounded, live four years, twice over.
    lost = {"device_attrition": Estimate.exactly(0.5), "capacity_spread.B": Estimate.exactly(1)}
    priced = replace(catalogue, assumptions=assuming(catalogue.assumptions, lost))

    (renewed,) = of(price_site(catalogue=priced), "device", Phase.REPLACEMENT)

    assert renewed.quantity.likely == 2 * 76


def test_a_yearly_line_is_paid_in_each_year_of_the_appraisal(price_site, catalogue):
    (line,) = of(price_site(catalogue=replace(catalogue, appraisal_years=7)), "wan_rental")

    assert line.quantity == Estimate.exactly(7)


def test_vat_is_reckoned_on_the_sum_of_the_irrecoverable_lines(price_site, catalogue):
    bill = price_site()

    for phase in Phase:
        (vat,) = (x for x in bill if (x.package, x.phase) == ("VAT", phase))
        taxed = Money.total(
            x.cost_gbp
            for x in bill
            if x.phase == phase and catalogue.rates[x.item].vat == "irrecoverable"
        )
        assert vat.quantity == Estimate(float(taxed.low), float(taxed.likely), float(taxed.high))
        assert vat.cost_gbp == Money.of(vat.quantity, Estimate.exactly(0.2))


def test_recoverable_vat_is_not_reckoned(price_site, catalogue):
    recoverable = with_rate(catalogue, "device", vat="recoverable")

    before, after = totals(price_site()), totals(price_site(catalogue=recoverable))

    devices = Money.total(line.cost_gbp for line in of(price_site(), "device"))
    assert before.vat_gbp.likely - after.vat_gbp.likely == devices.likely / 5
    assert before.whole_life_gbp == after.whole_life_gbp


def test_preliminaries_are_a_share_of_the_initial_network_works(price_site):
    bill = price_site()
    works = Money.total(
        x.cost_gbp
        for x in bill
        if x.package in {"wing network", "site network"} and x.phase == Phase.INITIAL
    )

    assert quantity(bill, "preliminaries")[1] == float(works.likely)


def test_cells_that_cannot_be_decanted_are_not(wing, price_site):
    assert of(price_site(wing=wing(decant_possible="no")), "decant") == []
    assert of(price_site(wing=wing(decant_possible="unknown")), "decant") != []


def test_a_share_of_other_lines_is_not_a_quantity_of_the_prison(price_site):
    local = {line.item for line in price_site() if is_local(line)}

    assert {"outlet_cat6a", "external_duct", "escort_day"} <= local
    assert local.isdisjoint({"preliminaries", "evaluation", "vat", "device"})


def test_two_ways_to_each_building_take_a_duct_for_each_two_wings(price_site, catalogue):
    one = of(price_site(), "external_duct")
    two = of(price_site(catalogue=replace(catalogue, backbone_ways=2)), "external_duct")

    # Leeds here has one wing: a second duct as long as the first, 60 m likely.
    assert [line.quantity.likely for line in one] == [60]
    assert [line.quantity.likely for line in two] == [60, 60]
    assert "second ways" in two[1].basis

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest

from estate.crosscheck import cross_check
from estate.readiness import Rung
from estate.sources.catalogue import read_published


@pytest.fixture
def sites(example_plan):
    """Return the priced prisons: Bedford and Feltham have live devices, the others telephony."""
    return [site for site in example_plan.establishments if not site.excluded]


def in_cell_per_cell(sites):
    initial = sum(
        line.cost_gbp.likely
        for site in sites
        for line in site.lines()
        if (line.package, line.phase) == ("wing network", "initial")
    )
    each = initial / sum(site.cells for site in sites)
    return each.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def test_our_figure_is_the_initial_cost_of_the_wings_networks_for_each_cell(example, sites):
    found = cross_check(sites, example.rates)

    assert found.all_cells_gbp.likely == in_cell_per_cell(sites)


def test_prisons_with_part_of_the_work_done_are_left_out_of_the_figure_for_new_work(example, sites):
    anew = [site for site in sites if site.readiness.rung == Rung.TELEPHONY]
    assert 0 < len(anew) < len(sites)

    found = cross_check(sites, example.rates)

    assert found.new_work_gbp.likely == in_cell_per_cell(anew)
    assert found.new_work_cells == sum(site.cells for site in anew)


def test_a_prison_that_is_not_priced_counts_for_nothing(example, example_plan, sites):
    assert cross_check(example_plan.establishments, example.rates) == cross_check(
        sites, example.rates
    )


def test_the_published_figures_stand_beside_ours_as_they_were_published(example_plan):
    published = example_plan.cross_check.published

    assert published == read_published()
    words = " ".join(p.label for p in published)
    assert all(place in words for place in ("Scotland", "Ireland", "England and Wales"))
    assert {p.cost.likely for p in published} >= {1125, 1181, 1408}


def test_the_difference_is_explained_by_what_each_figure_holds(example_plan):
    said = " ".join(example_plan.cross_check.explanation)

    assert "voice" in said
    assert "Cat 6A outlet" in said
    assert "VAT" in said


def test_the_largest_part_of_our_figure_is_named_first(example, sites):
    (first, *_) = cross_check(sites, example.rates).explanation
    costs = {}
    for site in sites:
        if site.readiness.rung == Rung.TELEPHONY:
            for line in site.lines():
                if (line.package, line.phase) == ("wing network", "initial"):
                    costs[line.item] = costs.get(line.item, 0) + line.cost_gbp.likely
    largest = example.rates[max(costs, key=costs.get)].label.split(",")[0]

    assert first.split("; ")[0].endswith(largest)


def test_where_no_prison_starts_anew_the_panel_says_so(example, sites):
    served = [replace(site, readiness=replace(site.readiness, rung=Rung.DEVICES)) for site in sites]

    found = cross_check(served, example.rates)

    assert found.new_work_cells == 0
    assert found.new_work_gbp.high == 0
    assert found.explanation[0].startswith("No prison here starts anew")
    assert ": ." not in " ".join(found.explanation)

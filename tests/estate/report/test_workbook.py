import shutil
import subprocess
from dataclasses import replace
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from estate.report import workbook_of
from reports.workbook import write_workbook

ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
  <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
    <prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
  </item>
</oor:items>
"""


@pytest.fixture(scope="module")
def written(example_plan, tmp_path_factory):
    """Return the workbook of the example's plan."""
    path = tmp_path_factory.mktemp("workbook") / "plan.xlsx"
    write_workbook(workbook_of(example_plan), path)
    return path


@pytest.fixture(scope="module")
def cached(written):
    """Return what a reader sees who never recalculates."""
    return load_workbook(written, data_only=True)


@pytest.fixture(scope="module")
def recalculated(written, tmp_path_factory):
    """Return the workbook as the real LibreOffice calculates it from its formulas."""
    program = shutil.which("soffice")
    if program is None:
        pytest.fail("this test needs LibreOffice: apt-get install libreoffice-calc")
    folder = tmp_path_factory.mktemp("libreoffice")
    (folder / "profile" / "user").mkdir(parents=True)
    settings = folder / "profile" / "user" / "registrymodifications.xcu"
    settings.write_text(ALWAYS_RECALCULATE)
    command = [program, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
    command += ["--convert-to", "xlsx", "--outdir", str(folder / "out"), str(written)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return load_workbook(folder / "out" / written.name, data_only=True)


def rows_of(sheet, first):
    """Return the rows of a sheet's table as mappings, found by its first heading."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    start = next(n for n, row in enumerate(rows) if str(row[0]).partition("\n")[0] == first)
    headings = [str(h).partition("\n")[0] for h in rows[start]]
    return [dict(zip(headings, row, strict=True)) for row in rows[start + 1 :]]


def pence(value):
    return Decimal(str(value)).quantize(Decimal("0.01"))


def money(row, *headings):
    return tuple(pence(row[heading]) for heading in headings)


CAPITAL = ("Capital, low", "Capital, likely", "Capital, high")
WHOLE_LIFE = ("Whole life, low", "Whole life, likely", "Whole life, high")


def amounts(estimate):
    return (estimate.low, estimate.likely, estimate.high)


def check_totals(book, plan):
    """Check every total of a workbook against the plan's, to the penny."""
    *rows, total = rows_of(book["Establishments"], "Id")
    assert [row["Id"] for row in rows] == [s.prison.prison_id for s in plan.establishments]
    for row, site in zip(rows, plan.establishments, strict=True):
        assert money(row, *CAPITAL) == amounts(site.totals.capital_gbp)
        assert money(row, *WHOLE_LIFE) == amounts(site.totals.whole_life_gbp)
        assert pence(row["VAT, likely"]) == site.totals.vat_gbp.likely
    assert money(total, *CAPITAL) == amounts(plan.totals.capital_gbp)
    assert money(total, *WHOLE_LIFE) == amounts(plan.totals.whole_life_gbp)
    assert pence(total["VAT, likely"]) == plan.totals.vat_gbp.likely
    assert total["Cells"] == plan.cells

    *_, summary = rows_of(book["Summary"], "Package")
    whole = plan.totals.whole_life_gbp + plan.totals.vat_gbp
    assert money(summary, "All, low", "All, likely", "All, high") == amounts(whole)

    *lines, bill = rows_of(book["Bill"], "Prison")
    assert len(lines) == sum(len(list(site.lines())) for site in plan.establishments)
    assert money(bill, "Cost, low", "Cost, likely", "Cost, high") == amounts(whole)


def test_the_cached_totals_are_the_plan_s(cached, example_plan):
    check_totals(cached, example_plan)


def test_libreoffice_recalculates_the_plan_s_totals_to_the_penny(recalculated, example_plan):
    check_totals(recalculated, example_plan)


def test_libreoffice_recalculates_each_score_from_its_contributions(recalculated, example_plan):
    scores = [row["Score"] for row in rows_of(recalculated["Ranking"], "Rank")]

    ranked = [ranked.score for ranked in example_plan.ranking]
    assert scores[: len(ranked)] == pytest.approx(ranked, abs=1e-5)


def test_every_total_is_a_live_formula(written):
    sheets = load_workbook(written)

    for name, first, headings in (
        ("Establishments", "Id", (*CAPITAL, *WHOLE_LIFE, "VAT, likely")),
        ("Summary", "Package", ("All, low", "All, likely", "All, high")),
        ("Bill", "Prison", ("Cost, low", "Cost, likely", "Cost, high")),
    ):
        for row in rows_of(sheets[name], first):
            assert all(str(row[heading]).startswith("=") for heading in headings), name


def test_every_sheet_bears_the_marking(written, example_plan):
    for sheet in load_workbook(written):
        assert sheet["A2"].value == example_plan.marking
        assert example_plan.marking in sheet.oddHeader.center.text


def test_the_wings_say_that_a_layout_from_a_typology_is_typical(written):
    assert "typical, not this prison" in load_workbook(written)["Wings"]["A1"].value


def column_of_wings(plan, heading):
    """Return a column of the sheet Wings by the key of the wing."""
    table = next(s for s in workbook_of(plan).sheets if s.name == "Wings").table
    number = [column.heading for column in table.columns].index(heading)
    return {row[1]: row[number] for row in table.rows}


def test_a_wing_says_with_which_others_it_was_designed_as_one(example_plan):
    site = example_plan.site("EYI")
    keys = tuple(each.wing.key for each in site.wings)
    one = tuple(replace(each, block=keys[:3]) for each in site.wings[:3])
    joined = replace(site, wings=(*one, *site.wings[3:]))
    plan = replace(example_plan, establishments=(joined,))

    found = column_of_wings(plan, "Designed as one with")

    assert found[keys[0]] == "EYI-HB2, EYI-HB3"
    assert [found[key] for key in keys[3:]] == [None] * len(keys[3:])


def test_a_wing_says_how_well_its_layout_is_known(elmley_drawn):
    def sign(feature):
        if feature.facts.get("wing") != "HB1":
            return feature
        signed = {"surveyed_by": "J. Smith", "surveyed_on": "2026-09-14"}
        return replace(feature, facts={**feature.facts, **signed})

    assert column_of_wings(elmley_drawn(sign), "Layout") == {
        "EYI-HB1": "surveyed",
        "EYI-HB2": "typical, not this prison",
        "MDI-1": "typical, not this prison",
    }


def test_a_prison_that_is_not_priced_says_why(cached):
    feltham = next(row for row in rows_of(cached["Establishments"], "Id") if row["Id"] == "FYI")

    assert feltham["How its cells were counted"] == (
        "not priced: its capacity is reported inside FMI's"
    )
    assert feltham["Cells"] is None


def test_each_prison_shows_how_far_from_the_best_its_networks_may_be(recalculated, example_plan):
    rows = {row["Id"]: row for row in rows_of(recalculated["Establishments"], "Id")}

    for site in example_plan.establishments:
        row, proof = rows[site.prison.prison_id], site.design
        assert row["Proven within"] == pytest.approx(proof.gap, abs=1e-6)
        found = money(row, "Wing networks", "No design below", "By the first rules")
        assert found == tuple(map(pence, (proof.cost_gbp, proof.bound_gbp, proof.by_rule_gbp)))


def test_a_wing_that_is_dearer_than_by_the_first_rules_says_why(cached):
    findings = [f for f in rows_of(cached["Findings"], "Prison") if f["Prison"]]
    said = {
        key
        for finding in findings
        if finding["Finding"] == "dearer than by rule"
        for key in finding["Wings"].split(", ")
    }
    rows = [r for r in rows_of(cached["Wings"], "Prison") if r["Network"] is not None and r["Key"]]

    assert said
    assert said == {row["Key"] for row in rows if row["Network"] > row["By the first rules"]}


def test_a_wing_whose_access_points_are_too_busy_is_among_those_to_be_checked(busy, tmp_path):
    write_workbook(workbook_of(busy.plan), tmp_path / "plan.xlsx")
    sheet = load_workbook(tmp_path / "plan.xlsx", data_only=True)["Findings"]

    findings = [f for f in rows_of(sheet, "Prison") if f["Prison"]]
    said = " ".join(f["Wings"] for f in findings if "budget of 50%" in f["In words"])
    assert set(said.replace(",", "").split()) == busy.wings


def test_every_rate_and_assumption_has_its_source_on_the_sheet(cached, example_plan):
    for name, first, what in (
        ("Rates", "Item", example_plan.rates),
        ("Assumptions", "Assumption", example_plan.assumptions),
    ):
        rows = rows_of(cached[name], first)
        assert len(rows) == len(what)
        assert all(row["Source"] for row in rows)


def test_the_cross_check_has_our_figure_above_the_published_ones(cached, example_plan):
    rows = rows_of(cached["Cross-check"], "Figure")

    published = [published.label for published in example_plan.cross_check.published]
    assert [row["Figure"] for row in rows[2:]] == published
    ours = amounts(example_plan.cross_check.new_work_gbp)
    assert money(rows[0], "Low", "Likely", "High") == ours

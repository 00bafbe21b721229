import re
from dataclasses import replace

import pytest

from estate.model import Evidence
from estate.pipeline import make_plan
from estate.report import site_of
from estate.workspace import Settings
from reports.document import Drawing, Facts, Map, RangeChart, Table, Text
from reports.html import write_site

REFERENCE = ("index", "assumptions", "rates", "typologies", "method")


@pytest.fixture(scope="module")
def site(example_plan):
    """Return the site of the example."""
    return site_of(example_plan)


@pytest.fixture(scope="module")
def pages(site):
    return {page.slug: page for page in site.pages}


@pytest.fixture(scope="module")
def written(example_plan, tmp_path_factory):
    """Return the files of the example's site, each with what is in it."""
    folder = tmp_path_factory.mktemp("report") / "site"
    return {path.name: path.read_text() for path in write_site(site_of(example_plan), folder)}


def blocks_of(page, kind):
    return [b for section in page.sections for b in section.blocks if isinstance(b, kind)]


def section_of(page, title):
    return next(section for section in page.sections if section.title == title)


def column_of(table, heading):
    index = [column.heading for column in table.columns].index(heading)
    return [row[index] for row in table.rows]


def test_the_site_has_a_page_for_each_establishment_and_for_all_that_it_rests_on(
    site, example_plan
):
    slugs = [page.slug for page in site.pages]

    assert slugs[0] == "index"
    assert set(slugs[:-6]) >= set(REFERENCE)
    assert slugs[-6:] == [s.prison.prison_id for s in example_plan.establishments]
    assert len(set(slugs)) == len(slugs)


def test_every_page_bears_the_marking(written, example_plan):
    assert len(written) >= 6 + len(REFERENCE)
    assert all(example_plan.marking in page for page in written.values())


def test_another_marking_stands_on_every_page(example, tmp_path):
    plan = make_plan(example, Settings(marking="EXERCISE ONLY"))

    for path in write_site(site_of(plan), tmp_path / "site"):
        assert "EXERCISE ONLY" in path.read_text()
        assert "OFFICIAL" not in path.read_text()


def test_every_link_of_the_site_leads_to_a_page_of_it(site, pages):
    tables = [t for page in site.pages for t in blocks_of(page, Table)]
    places = [p for page in site.pages for m in blocks_of(page, Map) for p in m.places]

    links = {link for table in tables for link in table.links} | {p.slug for p in places}

    assert links - {""} <= set(pages)
    assert all(len(table.links) in {0, len(table.rows)} for table in tables)


def test_every_table_is_as_wide_as_its_heading(site):
    for page in site.pages:
        for table in blocks_of(page, Table):
            rows = [*table.rows, *([table.footer] if table.footer else [])]
            assert {len(row) for row in rows} <= {len(table.columns)}, (page.slug, table.caption)


def test_the_front_page_ranks_every_priced_prison(pages, example_plan):
    (ranking,) = section_of(pages["index"], "The order").blocks

    assert column_of(ranking, "Rank") == list(range(1, len(example_plan.ranking) + 1))
    assert ranking.interactive


def test_the_totals_of_the_front_page_are_the_plan_s(pages, example_plan):
    totals = example_plan.totals
    (packages,) = section_of(pages["index"], "Where the money goes").blocks
    ranking = section_of(pages["index"], "The order").blocks[0]

    whole = totals.whole_life_gbp + totals.vat_gbp
    assert packages.footer[1:] == tuple(map(float, (whole.low, whole.likely, whole.high)))
    for heading, money in (("Capital", totals.capital_gbp), ("Whole life", totals.whole_life_gbp)):
        assert sum(column_of(ranking, heading)) == pytest.approx(float(money.likely), abs=0.01)


def test_the_front_page_shows_our_cost_beside_each_published_one(pages, example_plan):
    (chart,) = blocks_of(pages["index"], RangeChart)

    published = [bar.label for bar in chart.bars if bar.style == "published"]
    ours = next(bar for bar in chart.bars if bar.style == "ours")
    assert published == [p.label for p in example_plan.cross_check.published]
    assert ours.likely == float(example_plan.cross_check.new_work_gbp.likely)
    words = [w for b in section_of(pages["index"], "Beside the world").blocks for w in said_in(b)]
    assert set(example_plan.cross_check.explanation) <= set(words)


def said_in(block):
    return block.paragraphs if isinstance(block, Text) else ()


def test_the_map_shows_every_prison_with_coordinates_and_names_the_others(example):
    lost = [
        replace(p, latitude=None, longitude=None) if p.prison_id == "BFI" else p
        for p in example.establishments
    ]
    plan = make_plan(replace(example, establishments=tuple(lost)), Settings())

    (estate_map,) = blocks_of(site_of(plan).pages[0], Map)

    assert {p.slug for p in estate_map.places} == {"EYI", "FMI", "FYI", "LEI", "MDI"}
    assert "Natural Earth" in estate_map.attribution
    assert "Without coordinates: Bedford (HMP & YOI)." in estate_map.attribution
    # Leeds lies at about 428 km east and 433 km north on the National Grid.
    leeds = next(place for place in estate_map.places if place.slug == "LEI")
    assert leeds.at == pytest.approx((428_000, 433_000), abs=1_000)


def test_the_total_of_a_prison_s_bill_is_the_plan_s_to_the_penny(pages, example_plan):
    for place in example_plan.establishments:
        if place.excluded:
            continue
        packages, bill = section_of(pages[place.prison.prison_id], "Bill of quantities").blocks
        whole = place.totals.whole_life_gbp + place.totals.vat_gbp
        expected = tuple(map(float, (whole.low, whole.likely, whole.high)))
        assert packages.footer[1:] == expected
        for index, heading in enumerate(("Low", "Likely", "High")):
            assert sum(column_of(bill, heading)) == pytest.approx(expected[index], abs=0.01)
            assert sum(column_of(packages, heading)) == pytest.approx(expected[index], abs=0.01)


def test_the_package_of_the_networks_is_traced_from_their_designs(pages, example_plan):
    for place in example_plan.establishments:
        if place.excluded:
            continue
        packages, _ = section_of(pages[place.prison.prison_id], "Bill of quantities").blocks
        amounts = [int(n.replace(",", "")) for n in re.findall(r"£([\d,]+)", packages.note)]
        first, *beside = amounts
        signs = [-1 if sign == "less" else 1 for sign in re.findall("less|plus", packages.note)]
        (package,) = [row for row in packages.rows if row[0] == "wing network"]
        total = first + sum(sign * n for sign, n in zip(signs, beside, strict=True))
        # Each amount is rounded to the pound.
        assert total == pytest.approx(package[2], abs=2)


def test_a_rule_is_printed_with_all_of_its_digits(written):
    # Screened cable loses 0.002 more for each degree; one kilometre of fibre 0.4 dB.
    assert re.search(r'<td class="exact"[^>]*>0\.002</td>', written["method.html"])
    assert re.search(r'<td class="exact"[^>]*>0\.4</td>', written["method.html"])


def test_a_prison_s_page_says_which_access_points_interference_keeps_busy(busy):
    pages = {page.slug: page for page in site_of(busy.plan).pages}
    for place in busy.plan.establishments:
        notes = [w for b in blocks_of(pages[place.prison.prison_id], Text) for w in said_in(b)]
        said = [words for words in notes if "budget of 50%" in words]
        for wing in place.wings:
            air = busy.plan.designs[wing.design].air
            count = len(air.overloaded) if air else 0
            named = [words for words in said if wing.wing.key in words and f"{count} of " in words]
            assert (wing.wing.key in busy.wings) == bool(named)


def test_the_front_page_shows_what_was_proven_for_each_prison(pages, example_plan):
    (ranking,) = section_of(pages["index"], "The order").blocks

    gaps = [example_plan.site(ranked.prison_id).design.gap for ranked in example_plan.ranking]
    assert column_of(ranking, "Proven within") == gaps


def test_a_prison_s_page_names_each_wing_that_is_dearer_than_by_the_first_rules(
    pages, example_plan
):
    for place in example_plan.establishments:
        designs = {wing.wing.key: example_plan.designs[wing.design] for wing in place.wings}
        dearer = {key for key, d in designs.items() if d.cost_gbp > d.by_rule_gbp}
        notes = [w for b in blocks_of(pages[place.prison.prison_id], Text) for w in said_in(b)]
        said = " ".join(words for words in notes if "dearer than by the first rules" in words)
        assert {key for key in designs if re.search(rf"{key}\b", said)} == dearer


def test_a_prison_s_page_says_what_is_to_be_checked_on_site(example_plan):
    place = next(site for site in example_plan.establishments if site.wings)
    name, key = place.wings[0].design, place.wings[0].wing.key
    warned = replace(example_plan.designs[name], warnings=("30 m of tray are beside power",))

    changed = replace(example_plan, designs={**example_plan.designs, name: warned})

    pages = {page.slug: page for page in site_of(changed).pages}
    notes = [w for b in blocks_of(pages[place.prison.prison_id], Text) for w in said_in(b)]
    assert any(key in words and "30 m of tray are beside power" in words for words in notes)


def test_the_terms_of_a_prison_s_page_sum_to_its_score(pages, example_plan):
    for ranked in example_plan.ranking:
        terms = section_of(pages[ranked.prison_id], "Why it stands where it does").blocks[0]
        assert sum(column_of(terms, "Gives")) == pytest.approx(ranked.score, abs=1e-5)
        assert ranked.score in terms.footer


def test_the_wings_of_a_prison_s_page_are_all_of_its_cells(pages, example_plan):
    for place in example_plan.establishments:
        if place.wings:
            blocks = section_of(pages[place.prison.prison_id], "Wings").blocks
            wings = next(block for block in blocks if isinstance(block, Table))
            assert sum(column_of(wings, "Cells")) == place.cells


def test_a_prison_without_a_measurement_is_said_not_to_be_for_construction(pages, example_plan):
    for place in example_plan.establishments:
        if place.wings:
            first, *_ = section_of(pages[place.prison.prison_id], "Wings").blocks
            assert first.tone == "warning"
            assert first.paragraphs[0].startswith("Not for construction")


def test_a_prison_that_is_not_priced_says_why_and_shows_no_cost(pages, example_plan):
    left_out = [s for s in example_plan.establishments if s.excluded]

    assert {s.prison.prison_id for s in left_out} == {"FYI"}
    for place in left_out:
        page = pages[place.prison.prison_id]
        warning = blocks_of(page, Text)[0]
        assert warning.paragraphs == (f"Not sized and not priced: {place.excluded}.",)
        assert warning.tone == "warning"
        assert not blocks_of(page, Facts)
        assert "Bill of quantities" not in [section.title for section in page.sections]


def test_the_front_page_lists_what_is_not_priced(pages, example_plan):
    listed = blocks_of(pages["index"], Table)[-1]

    assert listed.rows == tuple(
        (s.prison.name, s.excluded) for s in example_plan.establishments if s.excluded
    )


def test_every_drawing_of_a_typology_says_that_it_is_not_this_prison(site, written, example_plan):
    drawings = [d for page in site.pages for d in blocks_of(page, Drawing)]

    assert len(drawings) >= len(example_plan.designs)
    marks = {drawing.watermark for drawing in drawings}
    assert marks == {"typical, not this prison; not for construction"}
    for place in ("LEI", "EYI"):
        assert "typical, not this prison" in written[f"{place}.html"]


def test_every_assumption_and_rate_stands_with_source_and_verification(pages, example_plan):
    for slug, what in (
        ("assumptions", example_plan.assumptions),
        ("rates", example_plan.rates),
    ):
        (table,) = blocks_of(pages[slug], Table)
        assert len(table.rows) == len(what)
        assert set(column_of(table, "Verified")) <= {"yes", "partly", "no"}
        assert all(column_of(table, "Source"))


def test_the_method_page_prints_every_rule_and_the_hash_of_every_input(pages, example_plan):
    page = pages["method"]

    said = [words for text in blocks_of(page, Text) for words in text.paragraphs]
    assert set(example_plan.rules) <= set(said)
    inputs = blocks_of(page, Table)[-1]
    assert dict(inputs.rows) == example_plan.inputs_sha256


def test_the_footer_says_how_old_the_capacities_are(site, example):
    undated = [replace(p, capacity_dated="") for p in example.establishments]
    blank = site_of(make_plan(replace(example, establishments=tuple(undated)), Settings()))

    assert re.search(r"; capacity as of \d{4}\S* to \d{4}", site.footer)
    assert "capacity not stated" in blank.footer


def test_an_estate_of_which_nothing_is_known_still_has_its_pages(example):
    silent = tuple(
        replace(
            prison,
            baseline_cna=None,
            operational_capacity=None,
            population=None,
            telephony=Evidence(value="unknown"),
        )
        for prison in example.establishments
    )
    plan = make_plan(replace(example, establishments=silent, wings=()), Settings())

    assert plan.ranking == ()
    assert {page.slug for page in site_of(plan).pages} > {"index", "LEI", "FYI"}

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.sources.bulletin import Figures, apply_bulletin, read_bulletin, shared_out
from estate.sources.register import read_register

TODAY = date(2026, 11, 23)
HEADING = ["Prison Name", "Baseline CNA", "In Use CNA", "Operational Capacity", "Population *"]
LEEDS = ["Leeds", 669, 650, 1200, 1100]
MOORLAND = ["Moorland", 943, 943, 1006, 999]
USK = ["Usk / Prescoed", 352, 352, 500, 480]
HASLAR = ["Haslar", 100, 90, 110, 80]
# 669 + 943 + 352 + 100, and so on; the operational capacity is 2,816 less a margin of 16.
TOTAL = ["Total", 2064, 2035, 2800, 2659]
PRISONS = [LEEDS, MOORLAND, USK, HASLAR]


def page(*rows, dated=("Report Date: 30/10/2026",), heading=HEADING):
    return [["Monthly Bulletin"], list(dated), [], heading, *map(list, rows)]


def changed(row, **figures):
    places = {"cna": 1, "in_use": 2, "capacity": 3, "population": 4}
    copy = list(row)
    for name, figure in figures.items():
        copy[places[name]] = figure
    return copy


@pytest.fixture
def register_path(write_register):
    """Return a register of six prisons, one of them provisional and one inside another."""
    return write_register(
        {},
        {"prison_id": "MDI", "name": "Moorland (HMP & YOI)"},
        {"prison_id": "UKI", "name": "Usk (HMP)", "capacity_dated": "2012-05-25"},
        {"prison_id": "UPI", "name": "Prescoed (HMP & YOI)", "capacity_dated": "2012-05-25"},
        {"prison_id": "FMI", "name": "Feltham (HMP)"},
        {"prison_id": "FYI", "name": "Feltham (HMYOI)", "counted_in": "FMI"},
        {"prison_id": "X-MILLSIKE", "name": "Millsike (HMP)"},
    )


@pytest.fixture
def read(register_path, write_xlsx):
    """Return a function that reads a page of rows as a bulletin."""

    def read_page(rows, **options):
        path = write_xlsx("bulletin.xlsx", MonthlyBulletin=rows, **options)
        return read_bulletin(path, register=read_register(register_path, today=TODAY), today=TODAY)

    return read_page


@pytest.fixture
def page_faults(read, faults):
    """Return a function that returns the faults of a page, without file and sheet."""

    def collect(*rows, **options):
        found = faults(read, page(*rows, **options))
        return [
            fault.removeprefix("bulletin.xlsx")
            .removeprefix(" sheet MonthlyBulletin, ")
            .lstrip(": ")
            for fault in found
        ]

    return collect


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_a_bulletin_is_read_from_xlsx_and_ods(register_path, write_xlsx, write_ods, suffix):
    write = {"xlsx": write_xlsx, "ods": write_ods}[suffix]
    rows = page(*PRISONS, TOTAL, [], ["* Footnote: population is as of the report date"])
    path = write(f"bulletin.{suffix}", MonthlyBulletin=rows)

    bulletin = read_bulletin(path, register=read_register(register_path, today=TODAY), today=TODAY)

    assert bulletin.report_date == date(2026, 10, 30)
    assert [row.name for row in bulletin.rows] == ["Leeds", "Moorland", "Usk / Prescoed", "Haslar"]
    assert bulletin.rows[0].figures == Figures(669, 650, 1200, 1100)
    assert bulletin.total == Figures(2064, 2035, 2800, 2659)


@pytest.mark.parametrize(
    "dated",
    [
        ("Report Date: 30/10/2026",),
        ("Report Date:", "30/10/2026"),
        ("Report Date", None, date(2026, 10, 30)),
        ("REPORT DATE : 30/10/2026",),
    ],
    ids=str,
)
def test_the_report_date_stands_after_or_beside_its_label(read, dated):
    assert read(page(LEEDS, ["Total", *LEEDS[1:]], dated=dated)).report_date == date(2026, 10, 30)


def test_the_heading_may_have_line_breaks_marks_and_more_columns(read):
    heading = [
        "PRISON\nNAME",
        "Baseline CNA 1",
        "In-Use CNA",
        "Operational\nCapacity",
        "Population*",
    ]
    rows = [[*LEEDS, "169%"], ["Total", *LEEDS[1:], "169%"]]

    bulletin = read(page(*rows, heading=[*heading, "% Pop to In Use CNA"]))

    assert bulletin.rows[0].figures == Figures(669, 650, 1200, 1100)


def test_merged_title_rows_and_section_headings_are_let_be(read):
    section = ["HMPPS Operated Immigration Removal Centres"]
    rows = page(LEEDS, section, ["Total", *LEEDS[1:]])

    assert len(read(rows, merged=["A1:E1", "A6:E6"]).rows) == 1


def test_merged_cells_among_the_prisons_are_refused(read, faults):
    found = faults(read, page(LEEDS, MOORLAND, TOTAL), merged=["A5:A6"])

    assert any("the cells A5:A6 are merged" in fault for fault in found)


def test_figures_with_separators_are_numbers(read):
    leeds = ["Leeds", "669", "650", "1,200", "1,100"]

    assert read(page(leeds, ["Total", *leeds[1:]])).total.operational_capacity == 1200


def test_a_mothballed_prison_may_leave_figures_blank(read):
    rows = page(LEEDS, ["Haslar", 100, None, None, None], ["Total", 769, 650, 1200, 1100])

    assert read(rows).rows[1].figures == Figures(100, None, None, None)


def test_the_total_row_is_checked_against_the_sum(page_faults):
    assert page_faults(LEEDS, MOORLAND, ["Total", 1613, 1593, 2206, 2098]) == [
        (
            "row 7, column B: baseline_cna of 'Total' is 1,613, the rows add up to 1,612; "
            "give the bulletin as published, with every row"
        ),
        (
            "row 7, column E: population of 'Total' is 2,098, the rows add up to 2,099; "
            "give the bulletin as published, with every row"
        ),
    ]


@pytest.mark.parametrize(
    ("capacity", "fits"), [(950, True), (1000, True), (949, False), (1001, False)]
)
def test_the_useable_capacity_is_the_sum_less_a_margin_of_up_to_a_twentieth(
    read, page_faults, capacity, fits
):
    rows = [changed(LEEDS, capacity=1000), ["Total", 669, 650, capacity, 1100]]

    if fits:
        assert read(page(*rows)).total.operational_capacity == capacity
    else:
        assert f"operational_capacity of 'Total' is {capacity:,}" in page_faults(*rows)[0]


@pytest.mark.parametrize(
    "second",
    [["Sub-total", 452, 442, 610, 560], ["Sub total", 2064, 2035, 2816, 2659]],
    ids=["of its section", "of all rows so far"],
)
def test_a_subtotal_stands_for_its_section_or_for_all_rows_so_far(read, second):
    first = ["Subtotal", 1612, 1593, 2206, 2099]

    assert len(read(page(LEEDS, MOORLAND, first, USK, HASLAR, second, TOTAL)).rows) == 4


def test_a_subtotal_that_is_neither_is_refused(page_faults):
    (fault,) = page_faults(LEEDS, ["Sub total", 670, 650, 1200, 1100], ["Total", *LEEDS[1:]])

    assert "row 6, column B: baseline_cna of 'Sub total' is 670, the rows add up to 669" in fault


def test_what_follows_the_total_is_not_read(read):
    assert len(read(page(LEEDS, ["Total", *LEEDS[1:]], ["Notes", 1, 2, 3, 4])).rows) == 1


def test_text_in_a_number_is_refused_and_the_sum_not_blamed(page_faults):
    assert page_faults(changed(LEEDS, population="n/a"), ["Total", *LEEDS[1:]]) == [
        (
            "row 5, column E: population is 'n/a'; "
            "give a whole number from 0 up to 1,000,000, such as 1138"
        )
    ]


def test_a_negative_number_is_refused(page_faults):
    (fault,) = page_faults(changed(LEEDS, cna=-5), ["Total", *LEEDS[1:]])

    assert "row 5, column B: baseline_cna is '-5'" in fault


def test_absurd_crowding_is_refused(page_faults):
    leeds = changed(LEEDS, capacity=700)

    (fault,) = page_faults(leeds, ["Total", *leeds[1:]])

    assert "population is 1,100 in an operational capacity of 700" in fault


def test_a_missing_total_row_is_refused(page_faults):
    assert page_faults(LEEDS) == [
        "there is no Total row; give the bulletin as published, with its Total row"
    ]


def test_a_missing_heading_is_refused(page_faults):
    (fault,) = page_faults(LEEDS, heading=["A", "B"])

    assert "there is no heading with prison_name, baseline_cna" in fault


def test_a_misspelt_heading_is_offered_the_nearest(page_faults):
    heading = ["Prison Name", "Baseline CNA", "In Use CNA", "Operational Capasity", "Population"]

    assert page_faults(LEEDS, ["Total", *LEEDS[1:]], heading=heading) == [
        (
            "row 4, column D: there is no column 'operational_capasity'; "
            "did you mean operational_capacity?"
        )
    ]


@pytest.mark.parametrize("dated", [(), ("Published 30/10/2026",)])
def test_a_missing_report_date_is_refused(page_faults, dated):
    assert page_faults(LEEDS, ["Total", *LEEDS[1:]], dated=dated) == [
        "there is no report date; give a row above the heading such as Report Date: 30/10/2026"
    ]


@pytest.mark.parametrize("written", ["October 2026", "31/02/2026", ""])
def test_a_report_date_that_is_none_is_refused(page_faults, written):
    (fault,) = page_faults(LEEDS, ["Total", *LEEDS[1:]], dated=[f"Report Date: {written}"])

    assert f"row 2, column A: the report date is {written!r}" in fault


def test_a_report_date_in_the_future_is_refused(page_faults):
    (fault,) = page_faults(LEEDS, ["Total", *LEEDS[1:]], dated=["Report Date: 24/11/2026"])

    assert "which is in the future; give a date not after 23/11/2026" in fault


def test_a_report_older_than_the_register_is_refused_once(page_faults):
    rows = [LEEDS, MOORLAND, ["Total", 1612, 1593, 2206, 2099]]

    assert page_faults(*rows, dated=["Report Date: 26/05/2016"]) == [
        (
            "row 2, column A: the report date 2016-05-26 is older than figures of the register "
            "(LEI 2016-05-27, MDI 2016-05-27); import bulletins in order, the newest last"
        )
    ]


def test_a_report_of_the_same_day_may_be_imported_again(read):
    rows = page(LEEDS, ["Total", *LEEDS[1:]], dated=["Report Date: 27/05/2016"])

    assert read(rows).report_date == date(2016, 5, 27)


def test_one_prison_in_two_rows_is_refused(page_faults):
    again = ["HMP Leeds", *LEEDS[1:]]

    (fault,) = page_faults(LEEDS, again, ["Total", *(2 * figure for figure in LEEDS[1:])])

    assert "row 6, column A: 'HMP Leeds' means LEI, which row 5 means already" in fault


def test_a_prison_that_is_counted_in_another_is_refused(page_faults):
    (fault,) = page_faults(["Feltham (HMYOI)", *LEEDS[1:]], ["Total", *LEEDS[1:]])

    assert "means FYI, which the register counts in FMI" in fault


def test_all_faults_are_found_in_one_run(page_faults):
    rows = [changed(LEEDS, cna="x"), ["HMP Leeds", 1, 1, 1, 2]]

    assert len(page_faults(*rows, dated=["Report Date: soon"])) == 5


@pytest.fixture
def applied(read, register_path):
    """Return a function that applies a page to the register."""
    return lambda *rows: apply_bulletin(register_path, read(page(*rows)), today=TODAY)


def test_the_register_gets_the_figures_with_date_and_source(applied, register_path):
    applied(*PRISONS, TOTAL)

    leeds = read_register(register_path, today=TODAY)[0]
    assert (leeds.baseline_cna, leeds.operational_capacity, leeds.population) == (669, 1200, 1100)
    assert leeds.capacity_dated == "2026-10-30"
    assert leeds.capacity_source == "bulletin 2026-10-30"


def test_a_row_for_two_prisons_is_shared_out_and_says_so(applied, register_path):
    applied(*PRISONS, TOTAL)

    by_id = {prison.prison_id: prison for prison in read_register(register_path, today=TODAY)}
    usk, prescoed = by_id["UKI"], by_id["UPI"]
    # 153 and 199 of 352 when last reported apart: 480 prisoners are 208.6 and 271.4.
    assert (usk.baseline_cna, prescoed.baseline_cna) == (153, 199)
    assert (usk.population, prescoed.population) == (209, 271)
    assert usk.capacity_source == (
        "bulletin 2026-10-30; row 'Usk / Prescoed' shared 153:199 between UKI and UPI, "
        "their baseline CNA when last reported apart"
    )


def test_a_shared_row_gives_a_prison_its_share_even_if_the_other_is_not_in_the_register(
    write_register, write_xlsx
):
    path = write_register({"prison_id": "UKI", "name": "Usk (HMP)"})
    file = write_xlsx("bulletin.xlsx", MonthlyBulletin=page(USK, ["Total", *USK[1:]]))
    bulletin = read_bulletin(file, register=read_register(path, today=TODAY), today=TODAY)

    outcome = apply_bulletin(path, bulletin, today=TODAY)

    assert [update.prison_id for update in outcome.updated] == ["UKI"]
    assert read_register(path, today=TODAY)[0].population == 209


def test_the_outcome_lists_what_was_matched_and_what_was_not(applied):
    outcome = applied(*PRISONS, TOTAL)

    assert [update.prison_id for update in outcome.updated] == ["LEI", "MDI", "UKI", "UPI"]
    assert [update.shared_row for update in outcome.updated] == ["", "", *2 * ["Usk / Prescoed"]]
    assert outcome.unmatched == ("Haslar",)
    assert outcome.untouched == ("FMI", "FYI", "X-MILLSIKE")


def test_a_provisional_prison_keeps_its_figures(applied, register_path):
    millsike = ["Millsike", *LEEDS[1:]]

    assert applied(millsike, ["Total", *LEEDS[1:]]).unmatched == ("Millsike",)
    assert read_register(register_path, today=TODAY)[-1].capacity_dated == "2016-05-27"


def test_applying_a_bulletin_twice_is_applying_it_once(applied, register_path):
    applied(*PRISONS, TOTAL)
    once = register_path.read_bytes()

    applied(*PRISONS, TOTAL)

    assert register_path.read_bytes() == once


@given(
    total=st.integers(0, 10_000),
    weights=st.lists(st.integers(1, 2_000), min_size=1, max_size=5),
)
def test_shares_sum_to_the_total_and_are_within_one_of_proportion(total, weights):
    shares = shared_out(total, weights)

    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - total * weight / sum(weights)) < 1


def test_equal_remainders_go_to_the_earlier():
    assert shared_out(3, (1, 1)) == (2, 1)

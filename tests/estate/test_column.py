from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.column import Column, UnfitValueError, starts_on

TODAY = date(2026, 11, 23)


def column(**options):
    return Column("it", "What it is", "1", **options)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "HB1", "HB1"),
        ("integer", "38", 38),
        ("integer", "1,068", 1068),
        ("integer", "38.0", 38),
        ("number", "51.53", 51.53),
        ("number", "-1.5e-1", -0.15),
        ("counts", "12+14 + 12", (12, 14, 12)),
        ("counts", "30", (30,)),
        ("layout", "12+14+12 / 13+0+12/9", ((12, 14, 12), (13, 0, 12), (9,))),
        ("year", "1847", 1847),
        ("day", "2026-11-23", "2026-11-23"),
        ("when", "2022-23", "2022-23"),
        ("when", "2023 (design, rounded)", "2023 (design, rounded)"),
    ],
)
def test_a_text_becomes_a_value_of_the_kind(kind, text, value):
    assert column(kind=kind).parse(text, today=TODAY) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "many"),
        ("integer", "38.5"),
        ("integer", "1e3"),
        ("integer", "1,06"),
        ("integer", "1_000"),
        ("integer", "9" * 400),
        ("number", "nan"),
        ("number", "inf"),
        ("number", "1e999"),
        ("number", "51,53"),
        ("number", "\u0661"),
        ("counts", "12+"),
        ("counts", "12/14"),
        ("layout", "12+14/"),
        ("layout", "12//12"),
        ("layout", "12/0+0"),
        ("year", "99999"),
        ("day", "2026-02-30"),
        ("day", "20261030"),
        ("day", "30/10/2026"),
        ("when", "soon"),
        ("when", "2022-24"),
        ("when", "2022-23(design)"),
    ],
)
def test_what_is_not_of_the_kind_is_refused_with_an_example(kind, text):
    with pytest.raises(UnfitValueError) as refused:
        column(kind=kind).parse(text, today=TODAY)

    assert refused.value.what == f"it is {text!r}"
    assert refused.value.cure.startswith("give ")
    assert refused.value.cure.endswith(", such as 1")


@given(st.text(), st.sampled_from(["integer", "number", "counts", "layout", "year", "day", "when"]))
def test_any_text_is_either_a_value_or_refused_as_unfit(text, kind):
    with suppress(UnfitValueError):
        column(kind=kind).parse(text, today=TODAY)


@given(st.integers(min_value=-(10**14), max_value=10**14))
def test_a_whole_number_survives_with_or_without_separators(number):
    whole = column(kind="integer")

    assert whole.parse(str(number), today=TODAY) == number
    assert whole.parse(f"{number:,}", today=TODAY) == number


@pytest.mark.parametrize("text", ["0", "-3", "2001"])
def test_a_number_out_of_bounds_is_refused_naming_them(text):
    length = column(kind="number", unit="m", above=0, high=2000)

    with pytest.raises(UnfitValueError) as refused:
        length.parse(text, today=TODAY)

    assert refused.value.cure == "give a number above 0 up to 2,000 m, such as 1"


@pytest.mark.parametrize(("kind", "text"), [("counts", "12+0+12"), ("layout", "12/12+0")])
def test_each_of_several_counts_must_be_within_the_bounds(kind, text):
    with pytest.raises(UnfitValueError):
        column(kind=kind, low=1).parse(text, today=TODAY)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("day", "2026-11-24"), ("when", "2026-12"), ("when", "2027 (planned)"), ("year", "2027")],
)
def test_a_date_in_the_future_is_refused(kind, text):
    with pytest.raises(UnfitValueError, match="which is in the future"):
        column(kind=kind).parse(text, today=TODAY)


def test_choices_do_not_depend_on_case():
    assert column(choices=("yes", "no")).parse("Yes", today=TODAY) == "yes"


def test_another_word_than_the_choices_is_refused_naming_them():
    with pytest.raises(UnfitValueError) as refused:
        column(choices=("yes", "no")).parse("maybe", today=TODAY)

    assert refused.value.cure == "give one of yes, no"


def test_a_blank_reads_as_the_default_or_as_nothing():
    assert column(choices=("yes", "unknown"), default="unknown").parse("", today=TODAY) == "unknown"
    assert column(kind="integer").parse("", today=TODAY) is None


def test_a_blank_is_refused_where_a_value_is_needed():
    with pytest.raises(UnfitValueError, match="it is blank"):
        column(blank=False).parse("", today=TODAY)


@pytest.mark.parametrize(
    ("text", "first_day"),
    [
        ("2026-10-30", date(2026, 10, 30)),
        ("2026-10", date(2026, 10, 1)),
        ("2023 (design)", date(2023, 1, 1)),
        ("2022-23", date(2022, 4, 1)),
        ("2011-12", date(2011, 12, 1)),
        ("1999-00", date(1999, 4, 1)),
    ],
)
def test_a_dated_text_starts_on_its_first_day(text, first_day):
    assert starts_on(text) == first_day

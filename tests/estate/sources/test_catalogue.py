import csv
from datetime import date
from pathlib import Path

import pytest

import estate
from estate.errors import InputError
from estate.sources.catalogue import read_assumptions, read_published, read_rates

PACKAGE = Path(estate.__file__).parent
TODAY = date(2026, 11, 25)
READERS = {"assumptions.csv": read_assumptions, "rates.csv": read_rates}


@pytest.fixture
def rows():
    """Return the rows of a shipped file, to be spoilt, by their key."""

    def read(name):
        with (PACKAGE / "catalogue" / name).open(encoding="utf-8", newline="") as file:
            return {next(iter(row.values())): row for row in csv.DictReader(file)}

    return read


@pytest.fixture
def faults_of(tmp_path):
    """Return a function that writes rows and returns the problems found in them, as texts."""

    def found(name, rows):
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, next(iter(rows.values())))
            writer.writeheader()
            writer.writerows(rows.values())
        try:
            READERS[name](path, today=TODAY)
        except InputError as error:
            return [str(problem) for problem in error.problems]
        return []

    return found


@pytest.fixture
def faults_with(rows, faults_of):
    """Return a function that returns the problems of a shipped file with one cell changed."""

    def found(cell, typed):
        name, key, column = cell
        held = rows(name)
        held[key][column] = typed
        return faults_of(name, held)

    return found


@pytest.fixture(scope="module")
def source_code():
    """Return all code of the package."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py")))


@pytest.mark.parametrize("name", READERS)
def test_the_shipped_file_has_no_fault(rows, faults_of, name):
    assert faults_of(name, rows(name)) == []


def test_an_assumption_is_read_with_its_range_and_source():
    found = read_assumptions(PACKAGE / "catalogue" / "assumptions.csv", today=TODAY)

    assert found["radio_target_dbm"].as_tuple() == (-70, -67, -65)
    (duct,) = (a for a in found if a.key == "campus_duct_m_per_wing")
    assert (duct.unit, duct.verified) == ("m", "no")
    assert "assumption" in duct.source


def test_a_rate_is_read_with_what_it_buys_and_for_how_long():
    found = read_rates(PACKAGE / "catalogue" / "rates.csv", today=TODAY)

    outlet = found["outlet_cat6a"]
    assert outlet.rate.as_tuple() == (120, 200, 370)  # Its cable is a rate of its own.
    assert (outlet.unit, outlet.budget, outlet.vat) == ("outlet", "capital", "irrecoverable")
    assert outlet.life_years == 20
    assert found["decant"].life_years is None


@pytest.mark.parametrize(
    ("name", "key"), [("assumptions.csv", "spare_ports"), ("rates.csv", "cabinet")]
)
def test_a_missing_row_is_named(rows, faults_of, name, key):
    held = rows(name)
    del held[key]

    assert faults_of(name, held) == [f"{name}: {key} is missing; copy its row from a new workspace"]


@pytest.mark.parametrize(
    ("cell", "typed"),
    [
        (("assumptions.csv", "spare_ports", "key"), "spare_port"),
        (("rates.csv", "access_point", "item"), "acces_point"),
    ],
)
def test_an_unknown_row_is_named_with_the_nearest_name(faults_with, cell, typed):
    name, key, _ = cell

    missing, unknown = faults_with(cell, typed)

    assert f"{key} is missing" in missing
    assert unknown.startswith(f"{name} row ")
    assert unknown.endswith(f", column A: nothing uses {typed}; did you mean {key}?")


def test_an_unknown_row_that_is_near_to_none_is_to_be_removed(rows, faults_of):
    held = rows("rates.csv")
    held["more"] = {**held["device"], "item": "zzzzzzzz"}

    (fault,) = faults_of("rates.csv", held)

    assert "nothing uses zzzzzzzz; remove the row" in fault


def test_low_likely_and_high_must_ascend(faults_with):
    (fault,) = faults_with(("rates.csv", "device", "likely"), "1000")

    assert "likely is 1000 and high is 900" in fault


def test_all_faults_of_a_file_are_listed_at_once(rows, faults_of):
    held = rows("assumptions.csv")
    del held["spare_ports"]
    held["spare_devices"]["low"] = "few"
    held["device_attrition"]["verified"] = "perhaps"
    held["decant_nights"]["source"] = ""

    found = "\n".join(faults_of("assumptions.csv", held))

    for said in (
        "spare_ports is missing",
        "low is 'few'",
        "verified is 'perhaps'",
        "source is blank",
    ):
        assert said in found


@pytest.mark.parametrize(
    ("cell", "typed", "expected"),
    [
        (("assumptions.csv", "campus_duct_m_per_wing", "unit"), "km", "m"),
        (("rates.csv", "containment_steel", "unit"), "10 m", "m"),
        (("rates.csv", "outlet_cat6a", "package"), "cabling", "wing network"),
    ],
)
def test_words_that_decide_how_a_number_is_used_stay_as_shipped(faults_with, cell, typed, expected):
    (fault,) = faults_with(cell, typed)

    assert f"{cell[2]} is {typed!r}, but Wingspan counts it as {expected!r}" in fault
    assert fault.endswith(f"write {expected}")


@pytest.mark.parametrize(
    ("cell", "typed", "cure"),
    [
        # A share above one, a wing no distance from its comms room, a division by nothing, a
        # signal that no wall stops, fewer than no people and a price beyond all prices.
        (("assumptions.csv", "spare_devices", "high"), "20", "give 0 to 1"),
        (("assumptions.csv", "readiness.devices", "high"), "1.5", "give 0 to 1"),
        (("assumptions.csv", "distance_to_comms_m", "low"), "0", "give 1 to 2,000"),
        (("assumptions.csv", "switches_per_cabinet", "low"), "0", "give 1 to 1,000"),
        (("assumptions.csv", "cells_per_access_point_airtime", "low"), "0.5", "give 1 to 1,000"),
        (("assumptions.csv", "radio_eirp_dbm", "high"), "1700", "give -20 to 36"),
        (("assumptions.csv", "staff_per_place", "low"), "-1", "give 0 to 1,000,000"),
        (("rates.csv", "device", "high"), "1e30", "give 0 to 1,000,000"),
    ],
)
def test_a_number_that_no_design_or_bill_can_use_is_refused(faults_with, cell, typed, cure):
    (fault,) = faults_with(cell, typed)

    assert f"{cell[2]} of {cell[1]} is {float(typed):g}; {cure}" in fault


def test_every_rate_has_a_line_that_it_prices(rows, source_code):
    unused = [item for item in rows("rates.csv") if f'"{item}"' not in source_code]

    assert unused == []


def test_every_assumption_is_used(rows, source_code):
    # "quantity_spread.A" is asked for as "quantity_spread.{grade}".
    def is_used(key):
        stem, dot, _ = key.partition(".")
        return f'"{key}"' in source_code or (dot and f'"{stem}.' in source_code)

    assert [key for key in rows("assumptions.csv") if not is_used(key)] == []


@pytest.mark.parametrize("name", READERS)
def test_every_number_has_its_source(rows, name):
    for key, row in rows(name).items():
        assert row["source"], key
        if row["verified"] == "yes":
            assert "assum" not in row["source"], key


def test_published_costs_have_their_currency_source_and_year():
    published = read_published()

    assert {p.currency for p in published} == {"GBP", "EUR"}
    for figure in published:
        assert figure.source, figure.label
        assert figure.price_base, figure.label
        assert figure.per in {"cell", "prison"}


def test_a_published_cost_is_worded_in_its_own_currency():
    words = [p.worded() for p in read_published()]

    assert "£1,181" in words
    assert "€1,408" in words

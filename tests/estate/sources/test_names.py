from datetime import date
from pathlib import Path

import pytest

from estate.sources.names import aliases, meanings
from estate.sources.register import read_register
from estate.sources.table import read_table
from estate.tables import BULLETIN_NAMES, PROVISIONAL

TODAY = date(2026, 11, 23)
DATA = Path(__file__).parents[3] / "estate" / "data"


@pytest.fixture(scope="module")
def register():
    """Return the shipped register."""
    return read_register(DATA / "register.csv", today=TODAY)


@pytest.fixture(scope="module")
def ids_of(register):
    """Return a function that returns the ids that names in one bulletin mean, "" for none."""

    def look_up(*names):
        found = meanings(names, register)
        return ["+".join(meaning.prison_ids) if meaning else "" for meaning in found]

    return look_up


def test_every_prison_is_found_by_its_name_in_the_register(register, ids_of):
    settled = [prison for prison in register if not prison.prison_id.startswith(PROVISIONAL)]
    # The bulletin's Peterborough is both prisons, unless the women's has a row of its own.
    expected = [prison.prison_id for prison in settled]

    assert ids_of(*(prison.name for prison in settled)) == expected


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("Leeds", "LEI"),
        ("HMP Leeds *", "LEI"),
        ("LEEDS\u00b2", "LEI"),
        ("Mount, The", "MTI"),
        ("Verne", "VEI"),
        ("Isle of Wight", "IWI"),
        ("Guy\u2019s Marsh", "GMI"),
        ("Standford Hill (Sheppey)", "EHI"),
        ("Sheppey Cluster (Swaleside)", "SLI"),
        ("Highpoint (North and South)", "HPI"),
        ("Usk / Prescoed", "UKI+UPI"),
        ("Usk\\Prescoed", "UKI+UPI"),
        ("Usk & Prescoed", "UKI+UPI"),
        ("Usk/Prescoed (Prescoed)", "UPI"),
        ("Grendon / Springhill", "GNI+SPI"),
        ("Moorland / Hatfield", "MDI+HDI"),
        ("Moorland", "MDI"),
        ("Peterborough", "PBI+PFI"),
        ("Peterborough (Male & Female)", "PBI+PFI"),
        ("Feltham", "FMI"),
        ("Feltham (HMYOI)", "FYI"),
        ("Parc", "PRI"),
        ("HMYOI Parc", "PYI"),
    ],
)
def test_a_name_of_the_bulletin_means_its_prisons(ids_of, name, ids):
    assert ids_of(name) == [ids]


@pytest.mark.parametrize("name", ["Parc YOI", "Feltham (B)", "Haslar", "Sheppey Cluster", "", "*"])
def test_a_name_that_cannot_be_told_means_no_prison(ids_of, name):
    assert ids_of(name) == [""]


def test_a_provisional_prison_is_never_matched(ids_of):
    assert ids_of("Millsike", "Millsike (HMP)", "X-MILLSIKE") == ["", "", ""]


def test_peterborough_is_the_mens_prison_where_the_womens_has_its_own_row(ids_of):
    assert ids_of("Peterborough", "Peterborough Female") == ["PBI", "PFI"]


def test_a_row_for_two_prisons_is_not_narrowed_by_a_row_for_one_of_them(ids_of):
    assert ids_of("Usk / Prescoed", "Prescoed") == ["UKI+UPI", "UPI"]


def test_a_row_means_nothing_where_the_register_has_none_of_its_prisons(register):
    leeds = [prison for prison in register if prison.prison_id == "LEI"]

    assert meanings(["Usk / Prescoed"], leeds) == (None,)


def test_the_aliases_name_prisons_of_the_register_in_distinct_words(register):
    known = {prison.prison_id for prison in register}
    rows = read_table(DATA / "bulletin_names.csv", BULLETIN_NAMES, today=TODAY)

    assert len(aliases()) == len(rows)
    for meaning in aliases().values():
        assert known.issuperset(meaning.prison_ids)
        assert not any(prison_id.startswith(PROVISIONAL) for prison_id in meaning.prison_ids)
        assert len(meaning.weights) == len(meaning.prison_ids)


def test_rows_are_shared_out_by_the_baseline_cna_that_the_register_ships(register):
    # Drawn up from the same bulletins, so the two must say the same.
    cna = {prison.prison_id: prison.baseline_cna for prison in register}

    for meaning in aliases().values():
        if len(meaning.prison_ids) > 1:
            assert [cna[prison_id] for prison_id in meaning.prison_ids] == list(meaning.weights)

from datetime import date

import pytest

from estate.tables import (
    ASSUMPTIONS,
    BULLETIN,
    BULLETIN_NAMES,
    CALIBRATIONS,
    CELLS,
    MEASUREMENTS,
    RATES,
    REGISTER,
    SPUR_RULES,
    SURVEY,
    WINGS,
)

TODAY = date(2026, 11, 25)
TABLES = (
    REGISTER,
    WINGS,
    BULLETIN,
    BULLETIN_NAMES,
    ASSUMPTIONS,
    RATES,
    SPUR_RULES,
    MEASUREMENTS,
    CALIBRATIONS,
    CELLS,
    *SURVEY,
)
COLUMNS = [
    pytest.param(column, id=f"{table.name}.{column.name}")
    for table in TABLES
    for column in table.columns
]


@pytest.mark.parametrize("column", COLUMNS)
def test_every_example_is_a_value_that_its_column_takes(column):
    assert column.parse(column.example, today=TODAY) not in {None, ""}


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_says_what_it_means(column):
    assert column.meaning[0].isupper()
    assert not column.meaning.endswith(".")


@pytest.mark.parametrize("column", COLUMNS)
def test_what_a_blank_reads_as_is_itself_a_value(column):
    assert not column.default or column.parse(column.default, today=TODAY) == column.default


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_names_each_column_once_and_checks_columns_it_has(table):
    assert len(set(table.names)) == len(table.names)
    assert {*table.unique, *table.ascending} <= set(table.names)


@pytest.mark.parametrize("prison_id", ["LEI", "STC3", "X-MILLSIKE"])
def test_register_ids_may_be_of_nomis_or_provisional(prison_id):
    assert REGISTER.columns[0].parse(prison_id, today=TODAY) == prison_id


@pytest.mark.parametrize("prison_id", ["lei", "LE", "LEI 1", "1EI", "LEI/A"])
def test_other_register_ids_are_refused(prison_id):
    with pytest.raises(ValueError, match="prison_id is"):
        REGISTER.columns[0].parse(prison_id, today=TODAY)

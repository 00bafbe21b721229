"""A registry copied whole into another, from SQLite or PostgreSQL into either."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Connection, func, insert, select

from fleet.errors import InputError
from fleet.registry import database
from fleet.registry.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleet.registry.register import Registry

_ROWS_AT_ONCE = 5_000


def copy_registry(source: Registry, target: Registry) -> dict[str, int]:
    """Copy every row of one moment into an empty registry; return how many of each table.

    Raises
    ------
    InputError
        When the target holds something already; nothing is copied then.
    """
    counts = {}
    with one_moment(source) as reading, target.writing() as writing:
        for table in metadata().sorted_tables:
            if writing.scalar(select(func.count()).select_from(table)):
                raise InputError(f"the registry to copy into has rows in {table.name} already")
        for table in metadata().sorted_tables:
            rows = reading.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(table))
            counts[table.name] = 0
            for part in rows.mappings().partitions(_ROWS_AT_ONCE):
                writing.execute(insert(table), [dict(row) for row in part])
                counts[table.name] += len(part)
        _continue_numbers(writing)
    return counts


@contextmanager
def one_moment(registry: Registry) -> Iterator[Connection]:
    """Yield a connection that sees the registry as it was when the block began."""
    engine = registry.engine
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    with database.reading(engine) as connection:
        yield connection


def _continue_numbers(connection: Connection) -> None:
    """Let PostgreSQL give out numbers beyond those that were copied."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata().sorted_tables:
        for column in table.primary_key:
            if column.autoincrement is True:
                last = connection.scalar(select(func.max(column)))
                if last is not None:
                    sequence = func.pg_get_serial_sequence(table.name, column.name)
                    connection.execute(select(func.setval(sequence, last)))

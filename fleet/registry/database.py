"""Where the registry is kept: SQLite or PostgreSQL, opened safely and brought up to date."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from fleet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import DeclarativeBase

MIGRATIONS = Path(__file__).parent / "migrations"
PASSWORD = "WINGSPAN_DATABASE_PASSWORD"  # noqa: S105 - the name of a variable

_SQLITE_WAIT_S = 60
# One number for all who would migrate one PostgreSQL database at the same time.
_MIGRATION_LOCK = 5_794_160
_WRITES = "wingspan_writes"
# From here on a table is looked at anew; PostgreSQL itself waits for more where it has more.
_MANY = 500


def engine_of(url: str) -> Engine:
    """Return an engine for a SQLAlchemy URL; nothing is opened yet.

    Raises
    ------
    InputError
        When it is no URL, or of a database that we do not know.
    """
    try:
        parsed = _complete(make_url(url))
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        return create_engine(parsed, pool_pre_ping=True)
    except NoSuchModuleError as error:
        raise InputError("the registry is kept in SQLite or PostgreSQL") from error
    except ArgumentError:  # Its own text would repeat what may hold a password.
        hint = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        raise InputError("the database is not a SQLAlchemy URL", hint=hint) from None
    except ModuleNotFoundError as error:
        hint = "python -m pip install 'wingspan[postgres]'"
        raise InputError("PostgreSQL needs a driver that is not installed", hint=hint) from error


def revision_here() -> str:
    """Return the newest revision that this program knows; read from the names of the files."""
    newest = max(path.stem for path in (MIGRATIONS / "versions").glob("r*.py"))
    return newest[1:5]


def revision_of(engine: Engine) -> str | None:
    """Return the revision of a database, None where there is no registry."""
    file = engine.url.database
    if engine.dialect.name == "sqlite" and not (file and Path(file).exists()):
        return None  # To connect would make the file.
    with reading(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version"))
        return found.scalar_one_or_none()


def migrate(engine: Engine) -> None:
    """Make the tables, or bring them up to date; in one step, by one at a time.

    Raises
    ------
    InputError
        When a newer program has made them.
    """
    from alembic import command  # noqa: PLC0415 - slow to import, and seldom needed
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            lock = text("SELECT pg_advisory_xact_lock(:number)")
            connection.execute(lock, {"number": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            hint = "use the program that made it, or a newer one"
            raise InputError("the registry is newer than this program", hint=hint) from error


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Yield a connection that sees one state of the registry throughout."""
    with _explained(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection whose changes are kept together, or not at all."""
    with _explained(engine), engine.connect() as plain:
        connection = plain.execution_options(**{_WRITES: True})
        with connection.begin():
            yield connection


def count_anew(connection: Connection, table: type[DeclarativeBase], *, added: int) -> None:
    """Have PostgreSQL look at a table into which so much was put that it would plan amiss.

    By itself it looks once a minute, and a request of a whole estate is half over by then: what it
    does not know of it reads from end to end for each wave. SQLite plans by its indexes alone.
    """
    if added >= _MANY and connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {table.__tablename__}"))


@contextmanager
def alone(engine: Engine, name: str) -> Iterator[bool]:
    """Yield whether nobody else holds a name; it is held for the block, and freed by our death.

    In SQLite the name is a file beside the registry, for processes of this machine; in PostgreSQL
    it is the database's own lock, for all desks.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            asked = text("SELECT pg_try_advisory_lock(hashtext(:name))")
            held = bool(connection.execute(asked, {"name": name}).scalar())
            try:
                yield held
            finally:
                connection.invalidate()  # Its session ends, and what it held with it.
        return
    path = Path(f"{engine.url.database}.{name}.lock")
    with path.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True  # The file stays: who removed it might leave two with a lock each.


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        what = "another writer has just stored the same device, key or fact"
        raise InputError(what, hint="run it again") from error.orig
    except DBAPIError as error:
        where = engine.url.render_as_string(hide_password=True)
        hint = f"see that it runs and lets you in; its password comes from {PASSWORD}"
        if engine.dialect.name == "sqlite":
            hint = "see that the file may be written and that no other program holds it"
        raise InputError(f"the registry {where} does not answer", hint=hint) from error.orig


def _complete(url: URL) -> URL:
    """Add our driver, and the password from the environment."""
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "postgresql" and (password := os.environ.get(PASSWORD)):
        url = url.set(password=password)
    return url


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url)

    def prepare(connection: Any, _record: Any) -> None:
        # We begin transactions ourselves: sqlite3 would begin one only at the first write, and
        # two that had read before could then never both write.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_SQLITE_WAIT_S * 1000}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine

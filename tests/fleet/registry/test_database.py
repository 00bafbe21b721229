import json
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from fleet.device import NewDevice
from fleet.errors import InputError
from fleet.registry import Registry
from fleet.registry.database import MIGRATIONS, engine_of, revision_here, writing
from fleet.registry.schema import metadata

# One of two processes that add devices, change one and the same, and say what it observes.
WRITER = """
import sys
from datetime import UTC, datetime
from fleet.device import NewDevice
from fleet.registry import Registry
url, name = sys.argv[1:]
with Registry.open(url) as registry:
    print("ready", flush=True)
    input()
    for n in range(20):
        new = [NewDevice(serial=f"{name}-{n}-{m}") for m in range(5)]
        registry.add(new, by=name, why="added")
        registry.set_ring(["WS-000001"], f"{name}-{n}", by=name, why="changed")
        registry.record_facts({"WS-000001": {f"{name}.count": n}}, at=datetime.now(UTC))
"""


def test_two_processes_that_write_lose_nothing(registry, database_url):
    registry.add([NewDevice(serial="shared")], by="test", why="test")
    writers = [start_writer(database_url, name) for name in "ab"]
    assert [writer.stdout.readline() for writer in writers] == ["ready\n", "ready\n"]
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0, 0]

    devices = registry.devices()
    assert {device.serial for device in devices} == {"shared"} | {
        f"{name}-{n}-{m}" for name in "ab" for n in range(20) for m in range(5)
    }
    rings = [change for change in registry.history("WS-000001") if change.field == "ring"]
    assert len(rings) == 40
    # Each change saw the one before it: none was made on what another had already replaced.
    assert [change.before for change in rings] == ["", *(change.after for change in rings[:-1])]


def test_the_migrations_make_the_tables_that_the_program_expects(registry):
    with registry.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, metadata()) == []


def test_the_migrations_are_one_line_and_the_newest_is_known():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    assert ScriptDirectory.from_config(config).get_heads() == [revision_here()]


def test_two_processes_may_make_the_registry_at_the_same_time(database_url):
    make = "import sys; from fleet.registry import Registry; Registry.create(sys.argv[1]).close()"
    makers = [subprocess.Popen([sys.executable, "-c", make, database_url]) for _ in range(2)]

    assert [maker.wait() for maker in makers] == [0, 0]
    with Registry.open(database_url) as registry:
        assert registry.count() == 0


def test_a_registry_that_a_newer_program_made_is_left_alone(registry, database_url):
    with registry.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(InputError, match="the registry is newer than this program"):
        Registry.open(database_url)


def test_there_is_no_registry_before_it_is_made(database_url):
    with pytest.raises(InputError, match="there is no registry in") as caught:
        Registry.open(database_url)

    assert caught.value.hint == "wingspan fleet init"


def test_to_look_for_a_registry_makes_no_file(tmp_path):
    with pytest.raises(InputError):
        Registry.open(f"sqlite:///{tmp_path}/fleet.db")

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("not a url", "the database is not a SQLAlchemy URL"),
        ("mysteql://somewhere/db", "the registry is kept in SQLite or PostgreSQL"),
        ("postgresql://wingspan@/fleet?host=/nowhere", "does not answer"),
        ("sqlite:////proc/nowhere/fleet.db", "there is no registry in"),
    ],
)
def test_a_database_that_cannot_be_used_is_explained(url, what):
    with pytest.raises(InputError, match=what):
        Registry.open(url)


def test_the_password_comes_from_the_environment_and_is_not_told(monkeypatch):
    monkeypatch.setenv("WINGSPAN_DATABASE_PASSWORD", "s3cret")
    url = "postgresql://wingspan@/fleet?host=/nowhere"

    assert engine_of(url).url.password == "s3cret"  # noqa: S105 - not a secret
    with pytest.raises(InputError) as caught:
        Registry.open(url)
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__} {caught.value.hint}"


def test_a_change_that_fails_is_undone_whole(registry):
    def change_and_fail():
        with writing(registry.engine) as connection:
            connection.execute(text("INSERT INTO counters VALUES ('x', 1)"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        change_and_fail()

    with registry.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM counters")) == 0


def test_sqlite_keeps_foreign_keys_and_a_log_of_its_own(sqlite_registry):
    with sqlite_registry.reading() as connection:
        said = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]

    assert json.dumps(said) == '["wal", 1, 60000]'


def start_writer(url, name):
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, url, name], stdin=pipe, stdout=pipe, text=True
    )


def test_of_two_who_would_be_alone_one_is(database_url):
    with Registry.create(database_url) as ours, Registry.open(database_url) as theirs:
        with ours.alone("updates") as first, theirs.alone("updates") as second:
            assert (first, second) == (True, False)
        with theirs.alone("updates") as later:
            assert later

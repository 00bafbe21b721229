import pytest

from fleet.errors import InputError
from fleet.workspace import Workspace


@pytest.fixture(autouse=True)
def no_settings_in_the_environment(monkeypatch):
    monkeypatch.delenv("WINGSPAN_DATABASE", raising=False)
    monkeypatch.delenv("WINGSPAN_OPERATOR", raising=False)


@pytest.fixture
def with_settings(tmp_path):
    """Return a function that makes a workspace of nothing but settings."""

    def write(text):
        (tmp_path / "wingspan.toml").write_text(text, encoding="utf-8")
        return Workspace(tmp_path)

    return write


def test_without_settings_the_registry_is_a_file_of_the_workspace(tmp_path):
    assert Workspace(tmp_path).settings().database == f"sqlite:///{tmp_path}/fleet.db"


def test_the_environment_wins_over_the_file(with_settings, monkeypatch):
    workspace = with_settings('[fleet]\noperator = "asha"\ndatabase = "sqlite:///other.db"\n')
    monkeypatch.setenv("WINGSPAN_OPERATOR", "ben")

    settings = workspace.settings()

    assert (settings.operator, settings.database) == ("ben", "sqlite:///other.db")


def test_every_fault_of_the_settings_is_named(with_settings):
    workspace = with_settings("[fleet]\noperators = 3\ndatabase = 7\nrelay_patience_s = 0\n")

    with pytest.raises(InputError) as caught:
        workspace.settings()

    assert [str(problem) for problem in caught.value.problems] == [
        (
            "wingspan.toml [fleet] operators: operators is not a setting; "
            "use one of database, operator, clock, signing_key, broker, broker_authority, "
            "relay_patience_s"
        ),
        "wingspan.toml [fleet] database: 7 is not a text; write words in quotes",
        (
            "wingspan.toml [fleet] relay_patience_s: 0 is not a number above zero; "
            "write seconds, as 60"
        ),
    ]


def test_a_password_does_not_belong_in_the_file(with_settings):
    workspace = with_settings('[fleet]\ndatabase = "postgresql://me:s3cret@db/fleet"\n')

    with pytest.raises(InputError) as caught:
        workspace.settings()

    (problem,) = caught.value.problems
    assert "WINGSPAN_DATABASE_PASSWORD" in problem.cure
    assert "s3cret" not in str(problem)


@pytest.mark.parametrize("text", ["fleet = 3\n", "[fleet\n"])
def test_a_file_that_cannot_be_used_is_named(with_settings, text):
    with pytest.raises(InputError, match=r"cannot read .*wingspan\.toml"):
        with_settings(text).settings()

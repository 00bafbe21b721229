"""Who works here and which keys sign: two people agree, as soon as there are two."""

import json

import pyrage
import pytest
from click.testing import CliRunner

import wingspan
from tests.project.test_documentation import undocumented


@pytest.fixture
def people(tmp_path, keygen):
    """Return the files of the keys of some people."""
    names = ("asha", "ben", "cleo", "dee")
    for name in names:
        keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name)
    return {name: tmp_path / name for name in names}


@pytest.fixture
def types(empty_desk, people):
    """Return a function that runs a command as somebody, with their key, and returns its answer."""

    def run(who, *words, code=0):
        environment = {"WINGSPAN_OPERATOR": who, "WINGSPAN_SIGNING_KEY": str(people[who])}
        words = ("-C", str(empty_desk.root), "fleet", *words, "--json")
        result = CliRunner(env=environment).invoke(wingspan.main, words)
        assert result.exit_code == code, result.output
        answer = json.loads(result.stdout) if result.stdout else result.stderr
        assert not undocumented(answer)
        return answer

    return run


@pytest.fixture
def add(types, people):
    """Return a function that adds somebody as asha does."""

    def run(name, role="approver", by="asha"):
        words = ("operator", "add", name, "--role", role)
        return types(by, *words, "--key", f"{people[name]}.pub")

    return run


@pytest.fixture
def two(types, people, add):
    """Begin a fleet with an administrator and an approver."""
    types("asha", "init", "--key", f"{people['asha']}.pub")
    assert add("ben")["operator"]["operator"] == "ben"


def names(types):
    everyone = types("asha", "operator", "list")["operators"]
    return [one["operator"] for one in everyone if not one["removed_at"]]


@pytest.mark.usefixtures("two")
def test_the_third_person_takes_two(types, add):
    asked = add("cleo")
    assert (asked["operator"], len(asked["approvals_missing"])) == (None, 1)
    assert names(types) == ["asha", "ben"]

    assert types("ben", "approve", asked["request"])["approvals_missing"] == []
    done = add("cleo")
    assert (done["operator"]["role"], done["approvals_missing"]) == ("approver", [])
    assert names(types) == ["asha", "ben", "cleo"]


@pytest.mark.usefixtures("two")
def test_what_was_agreed_on_is_that_and_nothing_else(types, add):
    types("ben", "approve", add("cleo", role="viewer")["request"])

    assert add("cleo", role="admin")["approvals_missing"]
    assert names(types) == ["asha", "ben"]


@pytest.mark.usefixtures("two")
def test_asking_twice_is_one_request_and_one_person_is_not_two(types, add):
    first, second = add("cleo"), add("cleo")

    assert first["request"] == second["request"]
    assert "another person has to agree" in types("asha", "approve", first["request"], code=6)


@pytest.mark.usefixtures("two")
def test_a_request_that_was_stopped_allows_nothing(types, add):
    asked = add("cleo")
    types("ben", "approve", asked["request"])
    types("ben", "stop", asked["request"])

    again = add("cleo")
    assert again["approvals_missing"]
    assert again["request"] != asked["request"]


@pytest.mark.usefixtures("two")
def test_what_is_done_allows_nothing_more(types):
    words = ("operator", "add", "vic", "--role", "viewer")
    types("ben", "approve", types("asha", *words)["request"])
    assert types("asha", *words)["operator"]["operator"] == "vic"
    types("asha", "operator", "remove", "vic", "--yes")

    assert types("asha", *words)["approvals_missing"]


@pytest.mark.usefixtures("two")
def test_a_key_is_replaced_by_two(types, people, add):
    types("ben", "approve", add("cleo")["request"])
    add("cleo")
    words = ("operator", "key", "ben", "--key", f"{people['dee']}.pub")
    asked = types("asha", *words)
    types("cleo", "approve", asked["request"])

    assert types("asha", *words)["operator"]["key"] in people["dee"].with_suffix(".pub").read_text()


@pytest.mark.usefixtures("two")
def test_authorities_are_replaced_by_two(types):
    words = ("keys", "rotate", "--ca", "deploy", "--compromised", "--yes")
    asked = types("asha", *words)
    assert (asked["done"], len(asked["approvals_missing"])) == (False, 1)
    (waiting,) = types("ben", "requests")["requests"]
    assert (waiting["scope"], waiting["count"]) == (
        "replace the deploy authority, which was stolen",
        0,
    )

    types("ben", "approve", asked["request"])
    assert types("asha", *words)["done"]
    assert types("asha", "requests")["requests"] == []
    assert not types("asha", *words)["done"]  # Another replacement is another request.


@pytest.mark.usefixtures("two")
def test_a_key_is_sealed_by_two(types, tmp_path):
    glass = tmp_path / "glass.age"
    envelope = str(pyrage.x25519.Identity.generate().to_public())
    words = ("break-glass", "seal", "--out", str(glass), "--recipient", envelope)
    asked = types("asha", *words)
    assert (asked["file"], len(asked["approvals_missing"]), glass.exists()) == (None, 1, False)

    types("ben", "approve", asked["request"])
    assert types("asha", *words)["file"] == str(glass)
    assert names(types) == ["asha", "ben", "break-glass"]


@pytest.mark.usefixtures("two")
def test_off_boarding_takes_one(types):
    types("asha", "operator", "remove", "ben", "--yes")

    assert names(types) == ["asha"]


def test_an_approver_of_one_prison_is_no_second_person_for_the_estate(types, people, add):
    types("asha", "init", "--key", f"{people['asha']}.pub")
    words = ("operator", "add", "ben", "--role", "approver", "--prison", "MDI")
    types("asha", *words, "--key", f"{people['ben']}.pub")

    assert add("cleo")["operator"]["operator"] == "cleo"
    assert "may act on MDI alone" in types("ben", "approve", add("dee")["request"], code=6)


def test_an_administrator_without_a_key_takes_one_alone_and_then_needs_another(types, people, add):
    types("asha", "init")
    add("ben")
    given = types("asha", "operator", "key", "asha", "--key", f"{people['asha']}.pub")

    assert given["approvals_missing"] == []
    assert add("cleo")["approvals_missing"]


def test_a_key_that_is_another_persons_is_refused(types, people, add):
    types("asha", "init", "--key", f"{people['asha']}.pub")
    add("ben")

    said = types("asha", "operator", "key", "ben", "--key", f"{people['asha']}.pub", code=3)
    assert "that key is asha's" in said


def test_beginning_again_with_another_key_says_how_to_change_it(types, people):
    types("asha", "init")

    said = types("asha", "init", "--key", f"{people['asha']}.pub", code=3)
    assert "fleet operator key asha" in said

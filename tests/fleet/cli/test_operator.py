import pytest


@pytest.fixture
def key(tmp_path, keygen):
    """Return the file of a new public key."""
    keygen("-q", "-t", "ed25519", "-N", "", "-C", "ben@desk", "-f", tmp_path / "ben")
    return str(tmp_path / "ben.pub")


def test_who_begins_the_fleet_is_its_first_administrator(desk):
    (first,) = desk.answer("operator", "list")["operators"]

    assert (first["operator"], first["role"], first["prison"]) == ("asha", "admin", "")


def test_who_is_added_with_a_key_is_a_signer_of_the_next_statement(desk, key):
    before = desk.answer("keys", "show")
    added = desk.answer(
        "operator", "add", "ben", "--role", "approver", "--prison", "MDI", "--key", key
    )
    after = desk.answer("keys", "show")

    assert "ben@desk" not in added["operator"]["key"]
    assert (before["signers"], after["signers"]) == (0, 1)
    assert after["trust_statement"] == before["trust_statement"] + 1 == added["trust_statement"]


def test_removing_says_first_what_it_would_do(desk):
    desk.run("operator", "add", "ben", "--role", "viewer")
    said = desk.run("operator", "remove", "ben").stdout

    assert "add --yes to do it" in said
    assert desk.answer("operator", "list")["operators"][1]["removed_at"] == ""


def test_who_was_removed_is_on_record_and_acts_no_more(desk):
    desk.run("operator", "add", "ben", "--role", "admin")
    desk.run("operator", "remove", "ben", "--yes")

    ben = desk.answer("operator", "list")["operators"][1]
    assert (ben["removed_by"], bool(ben["removed_at"])) == ("asha", True)
    assert "ben was removed at" in desk.run("operator", "remove", "ben", "--yes", code=6).stderr


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("add", "asha", "--role", "viewer"), 3, "asha works here already"),
        (("add", "b n", "--role", "viewer"), 3, "is not a name for an operator"),
        (("add", "ben", "--role", "viewer", "--prison", "mdi"), 3, "is not the code of a prison"),
        (("add", "ben", "--role", "king"), 2, "is not one of"),
        (("remove", "asha", "--yes"), 6, "last administrator"),
        (("remove", "nobody", "--yes"), 6, "nobody is not an operator"),
    ],
)
def test_a_fault_is_named_and_nothing_changes(desk, words, code, why):
    before = desk.answer("operator", "list")

    assert why in desk.run("operator", *words, code=code).output
    assert desk.answer("operator", "list") == before


def test_a_private_key_is_not_taken_for_a_public_one(desk, key):
    private = key.removesuffix(".pub")
    said = desk.run("operator", "add", "ben", "--role", "approver", "--key", private, code=3)

    assert "not a public key" in said.stderr
    assert "PRIVATE" not in said.output

"""Signatures are OpenSSH's own: people have real keys."""

import pytest

from fleet.approval import Action
from fleet.approval.agreement import agreement, may_agree
from fleet.approval.order import APPROVED, REQUESTED, signed
from fleet.errors import RefusedError
from fleet.identity.statement import Signer
from tests.fleet.conftest import new_key

MDI = frozenset({"MDI"})


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Return the keys of some people, by name."""
    folder = tmp_path_factory.mktemp("people")
    for name in ("asha", "ben", "cleo"):
        new_key(folder / name)
    return {name: folder / name for name in ("asha", "ben", "cleo")}


@pytest.fixture
def signers(people):
    """Return a function that lists people as signers: their role, and their prison if one."""

    def listed(**roles):
        return [
            Signer(
                operator=name,
                role=role.split("@")[0],
                prison=role.partition("@")[2],
                key=people[name].with_suffix(".pub").read_text().strip(),
            )
            for name, role in roles.items()
        ]

    return listed


@pytest.fixture
def wipe(ask):
    """Return a request that takes two people; asha asks for it."""
    return ask(Action.WIPE, "MDI/A/1")


def given(people, request, *, asked="asha", approved=()):
    """Return signatures by operator."""
    namespaces = {asked: REQUESTED, **dict.fromkeys(approved, APPROVED)}
    return {
        name: signed(request, operator=name, key=people[name], namespace=namespace).signature
        for name, namespace in namespaces.items()
    }


def test_who_asks_is_one_and_who_agrees_the_other(people, signers, wipe):
    listed = signers(asha="operator", ben="approver")

    alone = agreement(wipe, given(people, wipe), listed, MDI)
    both = agreement(wipe, given(people, wipe, approved=["ben"]), listed, MDI)

    assert (alone.missing, both.missing) == (1, 0)
    assert [one.operator for one in both.signatures] == ["asha", "ben"]


@pytest.mark.parametrize(
    ("roles", "why"),
    [
        ({"asha": "operator"}, "is no signer"),
        ({"asha": "operator", "ben": "viewer"}, "is viewer"),
        ({"asha": "operator", "ben": "operator"}, "is operator"),
        ({"asha": "operator", "ben": "approver@LEI"}, "may act on LEI alone"),
    ],
)
def test_who_may_not_agree_does_not_count_and_is_told_why(people, signers, wipe, roles, why):
    found = agreement(wipe, given(people, wipe, approved=["ben"]), signers(**roles), MDI)

    assert (found.missing, found.void) == (1, {"ben": why})


def test_one_key_under_two_names_is_one_person(people, signers, wipe):
    (asha,) = signers(asha="operator")
    twin = Signer(operator="ben", role="approver", prison="", key=asha.key)
    signatures = given({**people, "ben": people["asha"]}, wipe, approved=["ben"])

    found = agreement(wipe, signatures, [asha, twin], MDI)

    assert (found.missing, found.void["ben"]) == (1, "has the key of another who signed")


def test_a_signature_for_asking_is_none_for_agreeing(people, signers, wipe):
    listed = signers(asha="operator", ben="approver")
    signatures = given(people, wipe)
    signatures["ben"] = signed(
        wipe, operator="ben", key=people["ben"], namespace=REQUESTED
    ).signature

    assert agreement(wipe, signatures, listed, MDI).missing == 1


def test_without_the_one_who_asked_nobody_can_agree(people, signers, wipe):
    listed = signers(asha="viewer", ben="approver", cleo="approver")

    found = agreement(wipe, given(people, wipe, approved=["ben", "cleo"]), listed, MDI)

    assert found.missing == 2


def test_who_asked_cannot_agree_and_a_stranger_cannot_either(signers, wipe):
    listed = signers(asha="admin", ben="approver")

    assert may_agree(wipe, "ben", listed).operator == "ben"
    with pytest.raises(RefusedError, match="asha asked for"):
        may_agree(wipe, "asha", listed)
    with pytest.raises(RefusedError, match="cleo is no signer"):
        may_agree(wipe, "cleo", listed)

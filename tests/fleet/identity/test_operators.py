import pytest

from fleet.errors import InputError, RefusedError
from fleet.identity.operators import (
    Operator,
    Role,
    added,
    read_operators,
    removed,
    working,
    write_operators,
)

ASHA = Operator(operator="asha", role=Role.ADMIN)
BEN = Operator(operator="ben", role=Role.APPROVER, prison="MDI", key="ssh-ed25519 BBBB")


def test_operators_are_read_as_they_were_written(tmp_path):
    write_operators(tmp_path / "operators.json", (ASHA, BEN))

    assert read_operators(tmp_path / "operators.json") == (ASHA, BEN)


def test_who_was_removed_stays_on_record_and_does_not_work_here():
    record = removed((ASHA, BEN), "ben", at="2026-11-25T12:00:00Z", by="asha")

    assert [one.operator for one in record] == ["asha", "ben"]
    with pytest.raises(RefusedError, match="ben was removed at 2026-11-25"):
        working(record, "ben")


def test_a_name_is_free_again_once_its_owner_was_removed():
    record = removed((ASHA, BEN), "ben", at="2026-11-25T12:00:00Z", by="asha")
    new = Operator(operator="ben", role=Role.VIEWER)

    assert working(added(record, new), "ben") == new


def test_one_key_never_has_two_names():
    with pytest.raises(InputError, match="that key is ben's"):
        added((ASHA, BEN), Operator(operator="carl", role=Role.OPERATOR, key=BEN.key))


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 65])
def test_a_name_is_one_word(name):
    with pytest.raises(InputError, match="not a name"):
        added((ASHA,), Operator(operator=name, role=Role.VIEWER))


def test_a_prison_is_named_by_its_code():
    with pytest.raises(InputError, match="not the code of a prison"):
        added((ASHA,), Operator(operator="x", role=Role.VIEWER, prison='MDI",estate'))


def test_the_last_administrator_stays():
    prison_admin = Operator(operator="dee", role=Role.ADMIN, prison="MDI")

    with pytest.raises(RefusedError, match="last administrator"):
        removed((ASHA, BEN, prison_admin), "asha", at="now", by="asha")

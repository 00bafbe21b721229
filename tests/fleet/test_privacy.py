import pytest

from fleet.device import NewDevice
from fleet.errors import InputError
from fleet.registry import personal_fields, refuse_personal
from fleet.registry.tables import Base


@pytest.mark.parametrize(
    "name",
    [
        "prisoner",
        "prisoner_name",
        "offenderNo",
        "NOMS number",
        "nomis_id",
        "prison-number",
        "surname",
        "First Name",
        "dateOfBirth",
        "date_of_birth",
        "dob",
        "religion",
        "release_date",
        "occupant",
        "email",
    ],
)
def test_a_field_about_a_person_is_known_by_its_name(name):
    assert personal_fields([name]) == [name]


@pytest.mark.parametrize(
    "name",
    ["serial", "cell", "prison_id", "host_key", "battery_percent", "package", "macro", "hostname"],
)
def test_a_field_about_a_device_is_not(name):
    assert personal_fields([name]) == []


def test_no_column_of_the_registry_is_about_a_person():
    columns = [column.name for table in Base.metadata.tables.values() for column in table.columns]

    assert personal_fields(columns) == []


def test_a_reason_that_holds_a_prison_number_is_refused_and_not_repeated(sqlite_registry):
    sqlite_registry.add([NewDevice(serial="S-1")], by="test", why="test")

    with pytest.raises(InputError) as caught:
        sqlite_registry.move("WS-000001", "C-1", by="test", why="A1234BC has moved")

    assert "A1234BC" not in "".join([str(caught.value), *map(str, caught.value.problems)])
    assert [change.field for change in sqlite_registry.history("WS-000001")] == ["serial"]


def test_every_field_about_a_person_is_named_at_any_depth():
    fields = {"battery": 1, "session": {"dob": "x", "log": ["seen by A1234BC"]}}

    with pytest.raises(InputError) as caught:
        refuse_personal("the facts of WS-000001", fields=fields)

    assert [problem.place for problem in caught.value.problems] == ["session.dob", "session.log"]


def test_a_serial_number_may_look_like_anything():
    refuse_personal("the reason", text="serial XA1234BC9 arrived")

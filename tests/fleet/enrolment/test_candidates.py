import pytest

from fleet.device import NewDevice
from fleet.enrolment import read_candidates
from fleet.errors import InputError

HEADING = "serial,host_key,model,location_key,address,port\n"


@pytest.fixture
def listed(tmp_path):
    """Return a function that reads a list with these rows, and the list's path."""
    path = tmp_path / "devices.csv"

    def read(*rows, heading=HEADING):
        path.write_text(heading + "".join(f"{row}\n" for row in rows), encoding="utf-8-sig")
        return read_candidates(path)

    return read


def faults(listed, *rows):
    with pytest.raises(InputError) as error:
        listed(*rows)
    return [str(problem) for problem in error.value.problems]


def test_a_row_is_a_device(listed, host_key):
    (device,) = listed(f"C1,{host_key(1)} root@tablet,WT-10,MDI-A-1-001,10.1.0.17,2222")

    assert device == NewDevice(
        serial="C1",
        host_key=f"{host_key(1)} root@tablet",
        model="WT-10",
        cell="MDI-A-1-001",
        address="10.1.0.17",
        port=2222,
    )


def test_a_port_that_is_not_given_is_sshs(listed, host_key):
    assert listed(f"C1,{host_key(1)},,MDI-A-1-001,10.1.0.17,")[0].port == 22


def test_every_fault_is_named_at_once(listed, host_key):
    found = faults(
        listed,
        f"C1,{host_key(1)},WT-10,MDI-A-1-001,10.1.0.17,ssh",
        "C2,ssh-rsa AAAA,WT-10,MDI-A-1-002,,22",
        f",{host_key(3)},a model,MDI-A-1-003,10.1.0.19,0",
    )

    assert [line.split(":")[0] for line in found] == [
        "devices.csv row 2, port",
        "devices.csv row 3, address",
        "devices.csv row 3, host_key",
        "devices.csv row 4, model",
        "devices.csv row 4, port",
        "devices.csv row 4, serial",
    ]


@pytest.mark.parametrize(
    ("second", "column"),
    [
        ("C1,{other},,MDI-A-1-002,10.1.0.18,", "serial"),
        ("C2,{one},,MDI-A-1-002,10.1.0.18,", "host_key"),
        ("C2,{other},,MDI-A-1-001,10.1.0.18,", "location_key"),
    ],
)
def test_what_is_one_devices_stands_once(listed, host_key, second, column):
    row = second.format(one=host_key(1), other=host_key(2))
    found = faults(listed, f"C1,{host_key(1)},,MDI-A-1-001,10.1.0.17,", row)

    assert [line.split(":")[0] for line in found] == [
        f"devices.csv row 2, {column}",
        f"devices.csv row 3, {column}",
    ]


def test_a_missing_column_is_named(listed):
    with pytest.raises(InputError) as error:
        listed(heading="serial,model,location_key\n")

    assert [problem.what for problem in error.value.problems] == [
        "there is no column host_key",
        "there is no column address",
    ]


def test_a_list_that_is_not_there_says_what_else_to_do(tmp_path):
    with pytest.raises(InputError, match="there is no") as error:
        read_candidates(tmp_path / "devices.csv")

    assert "--address" in error.value.hint

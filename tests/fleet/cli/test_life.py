import pytest


def history(desk, device):
    return [
        (change["field"], change["before"], change["after"], change["by"], change["why"])
        for change in desk.answer("show", device)["history"]
    ]


def test_a_lost_device_comes_back_quarantined(desk):
    assert desk.answer("lost", "WS-000001")["state"] == "lost"
    assert desk.answer("found", "WS-000001")["state"] == "quarantined"


def test_only_a_lost_device_can_be_found(desk):
    assert "WS-000001 is spare, not lost" in desk.run("found", "WS-000001", code=6).stderr


def test_a_retired_device_leaves_its_cell_for_good(desk):
    assert desk.answer("retire", "WS-000001") == {
        "schema": 1,
        "device": "WS-000001",
        "cell": "",
        "state": "retired",
    }
    assert "cannot become lost" in desk.run("lost", "WS-000001", code=6).stderr


@pytest.mark.parametrize("command", ["lost", "retire", "show"])
def test_a_device_that_is_not_there_is_named_with_those_like_it(desk, command):
    assert "WS-000001" in desk.run(command, "WS-00001", code=3).stderr


def test_a_reason_about_a_prisoner_is_refused(desk):
    result = desk.run("lost", "WS-000001", "--why", "A1234BC broke it", code=3)

    assert "leave it out" in result.stderr
    assert "A1234BC" not in result.stderr

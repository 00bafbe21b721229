import pytest


def history(desk, device):
    return [
        (change["field"], change["before"], change["after"], change["by"], change["why"])
        for change in desk.answer("show", device)["history"]
    ]


def test_a_move_is_recorded_with_who_and_why(desk):
    answer = desk.answer("move", "WS-000001", "LEI-B-1-001", "--why", "swap")

    assert (answer["device"], answer["cell"]) == ("WS-000001", "LEI-B-1-001")
    moved = ("cell", "MDI-A-1-001", "LEI-B-1-001", "asha", "swap")
    assert history(desk, "WS-000001")[-1] == moved


def test_a_device_is_not_moved_to_a_cell_that_is_not_there(desk):
    result = desk.run("move", "WS-000001", "MDI-A-1-003", code=3)

    assert "there is no such cell" in result.stderr
    assert desk.answer("show", "WS-000001")["cell"] == "MDI-A-1-001"


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

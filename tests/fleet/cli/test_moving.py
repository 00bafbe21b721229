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


def test_a_device_takes_the_cell_of_another(desk):
    answer = desk.answer("replace", "WS-000001", "WS-000005", "--why", "screen broken")

    assert (answer["device"], answer["cell"]) == ("WS-000005", "MDI-A-1-001")
    assert desk.answer("show", "WS-000001")["cell"] == ""
    assert history(desk, "WS-000005")[-1][:3] == ("replaces", "", "WS-000001")


def test_a_device_in_no_cell_cannot_be_replaced(desk):
    said = desk.run("replace", "WS-000005", "WS-000001", code=3).stderr

    assert "WS-000005 is in no cell" in said
    assert desk.answer("show", "WS-000001")["cell"] == "MDI-A-1-001"


def test_a_device_cannot_replace_itself(desk):
    assert "itself" in desk.run("replace", "WS-000001", "WS-000001", code=3).stderr


def test_devices_are_put_in_a_ring_and_found_by_it(desk):
    assert desk.answer("ring", "canary", "MDI/A/1")["changed"] == ["WS-000001", "WS-000002"]

    assert desk.answer("ring", "canary", "device:WS-000001")["changed"] == []
    assert len(desk.answer("list", "ring=canary")["devices"]) == 2
    desk.run("ring", "none", "device:WS-000001")
    assert [d["device"] for d in desk.answer("list", "ring=canary")["devices"]] == ["WS-000002"]


def test_a_ring_has_a_name_that_scopes_can_say(desk):
    said = desk.run("ring", "first ones", "MDI", code=3).stderr

    assert "letters, digits" in said

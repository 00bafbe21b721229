def test_devices_are_listed_by_scope(desk):
    assert desk.answer("list", "MDI/A/1")["devices"] == [
        {
            "device": "WS-000001",
            "cell": "MDI-A-1-001",
            "model": "t-1",
            "ring": "",
            "state": "spare",
        },
        {
            "device": "WS-000002",
            "cell": "MDI-A-1-002",
            "model": "t-1",
            "ring": "",
            "state": "spare",
        },
    ]


def test_all_devices_are_listed_without_a_scope(desk):
    assert len(desk.answer("list")["devices"]) == 5
    assert desk.run("list").stdout.splitlines()[-1] == "5 devices"


def test_nothing_to_list_is_said(desk):
    assert desk.run("list", "state=live").stdout == "no devices\n"


def test_an_unknown_place_ends_with_what_is_there(desk):
    result = desk.run("list", "MDL/A", code=3)

    assert "did you mean MDI?" in result.stderr
    assert result.stdout == ""


def test_all_that_is_known_of_a_device_is_shown(desk):
    answer = desk.answer("show", "WS-000001")

    assert (answer["prison_id"], answer["element"]) == ("MDI", "MDI/A/AP-1")
    assert [change["field"] for change in answer["history"]] == [
        "serial",
        "model",
        "cell",
        "host_key",
    ]
    assert "MDI-A-1-001" in desk.run("show", "WS-000001").stdout


def test_before_a_fleet_begins_there_is_nothing_and_stays_nothing(empty_desk):
    empty_desk.root.mkdir()

    assert "try: wingspan fleet init" in empty_desk.run("list", code=3).stderr
    assert list(empty_desk.root.iterdir()) == []

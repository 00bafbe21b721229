def test_a_fleet_begins_with_a_registry_keys_and_a_log(empty_desk):
    answer = empty_desk.answer("init")

    assert (answer["devices"], answer["cells"]) == (0, 0)
    assert "audit" in answer["made"]
    names = {path.name for path in empty_desk.root.iterdir()}
    assert {"fleet.db", "keys", "audit.jsonl"} <= names
    assert empty_desk.answer("audit", "verify")["entries"] == 1


def test_what_is_there_stays_when_a_fleet_is_begun_again(desk):
    keys = {path: path.read_bytes() for path in desk.workspace.keys.iterdir()}
    answer = desk.answer("init")

    assert (answer["made"], answer["devices"], answer["cells"]) == ([], 5, 4)
    assert {path: path.read_bytes() for path in desk.workspace.keys.iterdir()} == keys


def test_a_bad_topology_begins_nothing(empty_desk):
    file = empty_desk.workspace.topology
    file.parent.mkdir(parents=True)
    file.write_text("{}{")

    assert "is not a topology" in empty_desk.run("init", code=3).stderr
    assert not (empty_desk.root / "fleet.db").exists()
    assert not empty_desk.workspace.keys.exists()

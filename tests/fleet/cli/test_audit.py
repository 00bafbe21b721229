import json

import pytest


@pytest.fixture
def anchor(desk, tmp_path):
    """Return the file of an anchor of the log after `fleet init` and one listing."""
    desk.run("list", "MDI")
    file = tmp_path / "anchor.json"
    assert desk.answer("audit", "anchor", "--out", str(file))["entries"] == 2
    return str(file)


def test_every_command_that_touches_registry_or_devices_is_one_entry(desk):
    desk.run("list", "MDI/A")
    desk.run("move", "WS-000001", "LEI-B-1-001")
    desk.run("lost", "WS-000404", code=3)
    desk.run("audit", "verify")

    said = [
        (entry["operator"], entry["action"], entry["scope"], entry["outcome"])
        for entry in desk.answer("audit")["entries"]
    ]
    assert said == [
        ("asha", "fleet init", "", "done"),
        ("asha", "fleet list", "MDI/A", "done"),
        ("asha", "fleet move", "device:WS-000001", "done"),
        ("asha", "fleet lost", "WS-000404", "bad input"),
    ]


def test_what_may_be_a_prison_number_does_not_enter_the_log(desk):
    desk.run("list", "A1234BC", code=3)

    (_, entry) = desk.answer("audit")["entries"]
    assert entry["scope"] == "[prison number]"
    assert "A1234BC" not in desk.workspace.audit.read_text()


def test_the_last_entries_are_shown_newest_last(desk):
    desk.run("list", "MDI")
    desk.run("list", "LEI")

    lines = desk.run("audit", "--last", "2").stdout.splitlines()
    assert [line.split()[5] for line in lines] == ["MDI", "LEI"]


def test_a_log_is_whole_up_to_its_anchor(desk, anchor):
    desk.run("list")

    assert desk.answer("audit", "verify", "--anchor", anchor) == {
        "schema": 1,
        "entries": 3,
        "whole": True,
        "anchored_to": 2,
        "first_fault": None,
        "archived": 0,
        "archives": 0,
    }


def test_without_an_anchor_nothing_is_said_of_the_end(desk):
    assert desk.answer("audit", "verify")["anchored_to"] is None
    assert "does not show" in desk.run("audit", "verify").stdout


def test_an_end_cut_off_ends_with_exit_3(desk, anchor):
    log = desk.workspace.audit
    log.write_bytes(log.read_bytes().splitlines(keepends=True)[0])

    answer = desk.answer("audit", "verify", "--anchor", anchor, code=3)
    assert (answer["whole"], answer["entries"]) == (False, 1)
    assert "had 2 when it was anchored" in answer["first_fault"]["what"]


def test_an_edit_is_named_by_its_line(desk):
    desk.run("list")
    log = desk.workspace.audit
    log.write_bytes(log.read_bytes().replace(b"fleet list", b"fleet lock"))

    assert desk.answer("audit", "verify", code=3)["first_fault"]["line"] == 2


def test_an_anchor_that_was_changed_is_not_taken(desk, anchor, tmp_path):
    said = json.loads((tmp_path / "anchor.json").read_text())
    (tmp_path / "anchor.json").write_text(json.dumps(said | {"entries": 1}))

    result = desk.run("audit", "verify", "--anchor", anchor, code=3)
    assert "is not signed by" in result.stderr


def test_an_anchor_of_another_fleet_is_not_taken(desk, anchor):
    from shutil import rmtree

    rmtree(desk.workspace.keys)
    desk.run("init")

    assert "is not signed by" in desk.run("audit", "verify", "--anchor", anchor, code=3).stderr


def test_an_anchor_is_checked_by_the_public_key_that_was_kept_with_it(desk, anchor, tmp_path):
    from shutil import rmtree

    kept = tmp_path / "kept.pub"
    kept.write_bytes((desk.workspace.keys / "audit.pub").read_bytes())
    rmtree(desk.workspace.keys)

    given = ("--anchor", anchor, "--key", str(kept))
    assert desk.answer("audit", "verify", *given)["anchored_to"] == 2


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 2, "entries": 1, "head": "x", "at": ""}'])
def test_what_is_no_anchor_is_explained(desk, tmp_path, text):
    file = tmp_path / "anchor.json"
    file.write_text(text)

    assert "is not an anchor" in desk.run("audit", "verify", "--anchor", str(file), code=3).stderr


def test_a_log_that_is_gone_is_not_whole_by_its_anchor(desk, anchor):
    desk.workspace.audit.unlink()

    assert desk.answer("audit", "verify", "--anchor", anchor, code=3)["whole"] is False


def test_before_a_fleet_begins_there_is_no_log_to_verify(empty_desk):
    assert "there is no log" in empty_desk.run("audit", "verify", code=3).stderr


def test_without_keys_nothing_is_anchored(desk, tmp_path):
    (desk.workspace.keys / "audit").unlink()

    result = desk.run("audit", "anchor", "--out", str(tmp_path / "a.json"), code=3)
    assert "there is no" in result.stderr


def test_older_entries_go_to_an_archive_and_both_verify(desk, anchor):
    desk.run("list", "LEI")
    moved = desk.answer("audit", "archive", "--keep-days", "0")

    assert (moved["first"], moved["last"]) == (1, 3)
    kept = desk.answer("audit", "verify")
    assert (kept["entries"], kept["whole"], kept["archived"]) == (4, True, 3)
    whole = desk.answer("audit", "verify", "--archive", moved["file"], "--anchor", anchor)
    assert (whole["whole"], whole["anchored_to"], whole["archives"]) == (True, 2, 1)
    (entry,) = desk.answer("audit")["entries"]
    assert (entry["action"], entry["detail"]["last"]) == ("fleet audit archive", 3)


def test_an_archive_signed_by_another_key_is_not_whole(desk, tmp_path, keygen):
    desk.run("audit", "archive", "--keep-days", "0")
    keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other")

    said = desk.answer("audit", "verify", "--key", str(tmp_path / "other.pub"), code=3)
    assert "not signed" in said["first_fault"]["what"]


def test_the_policy_says_how_long_entries_stay_in_the_log(desk):
    assert desk.answer("audit", "archive")["keep_days"] == 400

    rules = desk.workspace.devices_csv.with_name("health.toml")
    rules.parent.mkdir(exist_ok=True)
    rules.write_text("[history]\nkeep_log_days = 90\n")
    assert "older than 90 days" in desk.run("audit", "archive").stdout


def test_an_anchor_of_what_was_archived_asks_for_the_archive(desk, anchor):
    desk.run("list", "LEI")
    desk.run("audit", "archive", "--keep-days", "0")

    said = desk.run("audit", "verify", "--anchor", anchor, code=3).stderr
    assert "try: --archive" in said

import pytest

from fleet.workspace import Workspace


def test_the_authorities_of_both_lanes_are_shown(desk):
    shown = desk.answer("keys", "show")["authorities"]

    assert [(one["lane"], one["authority"], one["signs"]) for one in shown] == [
        ("broker", "broker_ca", True),
        ("deploy", "deploy_ca", True),
    ]
    assert all(one["fingerprint"].startswith("SHA256:") for one in shown)


@pytest.mark.parametrize("ca", ["broker", "deploy"])
def test_a_rotation_says_first_what_it_would_do(desk, ca):
    said = desk.run("keys", "rotate", "--ca", ca).stdout

    assert f"{ca}_ca would be replaced" in said
    assert not (Workspace(desk.root).keys / f"{ca}_ca-2").exists()


def test_without_devices_a_rotation_is_done_at_once(desk):
    answer = desk.answer("keys", "rotate", "--ca", "broker", "--yes")

    assert (answer["authority"], answer["done"], answer["devices"]) == ("broker_ca-2", True, [])
    assert desk.answer("keys", "rotate", "--ca", "broker", "--yes")["authority"] == "broker_ca-3"


def test_a_key_that_others_may_read_is_refused_with_the_cure(desk):
    key = Workspace(desk.root).keys / "trust"
    key.chmod(0o644)

    assert f"chmod 600 {key}" in desk.run("keys", "show", code=6).stderr


def test_each_command_is_in_the_log(desk):
    desk.run("keys", "push")
    desk.run("keys", "rotate", "--ca", "deploy", "--yes")

    actions = [entry["action"] for entry in desk.answer("audit")["entries"]]
    assert actions[-2:] == ["fleet keys push", "fleet keys rotate"]

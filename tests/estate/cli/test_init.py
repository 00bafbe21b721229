import json

from click.testing import CliRunner

from wingspan import main


def init(*words):
    return CliRunner().invoke(main, ["init", *map(str, words)])


def test_a_new_workspace_is_named_with_the_next_command(tmp_path):
    result = init(tmp_path / "ws", "--from", "example")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"made {tmp_path / 'ws'}",
        f"next: wingspan -C {tmp_path / 'ws'} estate plan",
    ]


def test_the_answer_names_workspace_and_template(tmp_path):
    result = init(tmp_path / "ws", "--json")

    assert json.loads(result.stdout) == {
        "schema": 1,
        "workspace": str(tmp_path / "ws"),
        "template": "england-wales",
    }


def test_a_folder_that_is_not_empty_is_refused_with_exit_3(tmp_path):
    (tmp_path / "notes.txt").touch()

    result = init(tmp_path)

    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.splitlines() == [
        f"error: {tmp_path} is not an empty folder",
        "  try: name a new folder",
    ]


def test_an_unknown_template_is_wrong_usage(tmp_path):
    assert init(tmp_path / "ws", "--from", "scotland").exit_code == 2
    assert not (tmp_path / "ws").exists()


def test_without_a_folder_the_workspace_is_made_where_the_command_works(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    there = CliRunner().invoke(main, ["-C", "ws", "init", "--from", "example"])
    usual = init("--from", "example")

    assert there.stdout.startswith("made ws\n")
    assert (tmp_path / "ws" / "wingspan.toml").exists()
    assert usual.stdout.startswith("made wingspan-workspace\n")

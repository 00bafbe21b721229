import csv
import json

import pytest


def change(path, row, **values):
    """Write values into a row of a table, the first after the heading being 0."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[row].update(values)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def broken(spare):
    """Return a workspace with a fault in each of its files."""
    inputs = spare.root / "inputs"
    change(inputs / "register.csv", 0, operational_capacity="many")
    change(inputs / "wings.csv", 1, prison_id="EYX")
    change(inputs / "assumptions.csv", 2, key="schedule_is_hole")
    change(inputs / "rates.csv", 3, likely="-5")
    (spare.root / "wingspan.toml").write_text("[plan]\nsede = 1\n")
    return spare


def test_a_sound_workspace_has_no_problems_and_says_what_was_read(shell):
    answer = shell.answer("estate", "check")

    assert (answer["schema"], answer["problems"]) == (1, [])
    assert answer["counts"]["establishments"] == 6
    text = shell.run("estate", "check").stdout
    assert text.startswith("no problems in 6 establishments, 11 wings, ")


def test_the_problems_of_all_files_are_listed_at_once(broken):
    result = broken.run("estate", "check", "--json")
    answer = json.loads(result.stdout)

    assert (result.exit_code, result.stderr, answer["schema"]) == (3, "", 1)
    found = {(p["file"], p["place"], p["cure"]) for p in answer["problems"]}
    assert {
        ("wingspan.toml", "[plan] sede", "did you mean seed?"),
        ("wings.csv", "row 3, column A", "did you mean EYI?"),
        ("assumptions.csv", "row 4, column A", "did you mean schedule_is_whole?"),
        ("assumptions.csv", "", "copy its row from a new workspace"),
    } <= found
    places = {(file, place) for file, place, _ in found}
    assert {("register.csv", "row 2, column N"), ("rates.csv", "row 5, column F")} <= places


def test_every_problem_says_what_where_and_the_cure(broken):
    problems = json.loads(broken.run("estate", "check", "--json").stdout)["problems"]

    for problem in problems:
        assert problem.keys() == {"file", "place", "what", "cure"}
        assert all((problem["file"], problem["what"], problem["cure"]))


def test_the_text_has_a_line_for_each_problem_and_their_number(broken):
    result = broken.run("estate", "check")

    lines = result.stdout.splitlines()
    assert result.exit_code == 3
    assert lines[-1] == f"{len(lines) - 1} problems in {broken.root}"
    assert "wingspan.toml [plan] sede: sede is not a setting; did you mean seed?" in lines


@pytest.mark.parametrize("name", ["register.csv", "wings.csv", "assumptions.csv", "rates.csv"])
def test_a_missing_file_is_a_problem_and_not_an_accident(spare, name):
    (spare.root / "inputs" / name).unlink()

    result = spare.run("estate", "check", "--json")

    assert result.exit_code == 3
    assert name in {problem["file"] for problem in json.loads(result.stdout)["problems"]}


def test_checking_changes_nothing(broken):
    before = {p: p.read_bytes() for p in broken.root.rglob("*") if p.is_file()}

    broken.run("estate", "check")

    assert {p: p.read_bytes() for p in broken.root.rglob("*") if p.is_file()} == before

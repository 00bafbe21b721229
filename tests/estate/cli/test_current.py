import pytest


@pytest.mark.parametrize("words", [["estate", "rank"], ["estate", "explain", "LEI"]], ids=" ".join)
def test_nothing_is_noted_while_the_inputs_are_those_of_the_plan(shell, words):
    assert shell.run(*words).stderr == ""


@pytest.mark.parametrize(
    "words",
    [["estate", "rank"], ["estate", "explain", "LEI"], ["report", "workbook"]],
    ids=" ".join,
)
def test_inputs_that_have_moved_on_are_noted_beside_the_result(spare, words):
    before = spare.answer(*words)
    for name in ("rates.csv", "wings.csv"):
        with (spare.root / "inputs" / name).open("a") as file:
            file.write("\n")

    result = spare.run(*words, "--json")

    plan_id = before["plan_id"]
    assert result.exit_code == 0
    assert result.stderr == (
        f"note: rates.csv, wings.csv changed since plan {plan_id}; run estate plan\n"
    )
    assert spare.answer(*words) == before


def test_an_input_that_is_gone_is_noted_too(spare):
    (spare.root / "inputs" / "register.csv").unlink()

    assert spare.run("estate", "rank").stderr.startswith("note: register.csv changed since plan ")


def test_planning_again_ends_the_note(spare):
    with (spare.root / "inputs" / "rates.csv").open("a") as file:
        file.write("\n")

    spare.answer("estate", "plan")

    assert spare.run("estate", "rank").stderr == ""


def test_a_plan_that_was_edited_is_refused(spare):
    path = spare.root / "out" / "plan.json"
    path.write_text(path.read_text(encoding="utf-8").replace("Leeds", "Lds", 1), encoding="utf-8")

    assert "has been changed since it was made" in spare.refusal("estate", "rank")

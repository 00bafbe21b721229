import shutil

import pytest


@pytest.fixture
def plans(small):
    """Return a plan, and one of the same workspace over 20 years with another seed."""
    before, after = small.root / "before.json", small.root / "out" / "plan.json"
    shutil.copy(after, before)
    small.answer("estate", "plan", "--appraisal-years", 20, "--seed", 2)
    return before, after


def test_a_plan_does_not_differ_from_itself(small, plans):
    answer = small.answer("estate", "compare", plans[0], plans[0])

    assert (answer["capital_change_gbp"], answer["establishments"]) == (0, [])
    assert small.run("estate", "compare", plans[0], plans[0]).stdout.endswith("no difference\n")


def test_what_changed_is_named_with_its_cost(small, plans):
    answer = small.answer("estate", "compare", *plans)

    assert answer["settings_changed"] == ["seed", "appraisal_years"]
    assert answer["inputs_changed"] == []
    # Twice the years: more running cost, and the same first purchase.
    assert answer["whole_life_change_gbp"] > 0
    assert answer["capital_change_gbp"] == 0
    changes = [site["whole_life_change_gbp"] for site in answer["establishments"]]
    assert sum(changes) == pytest.approx(answer["whole_life_change_gbp"], abs=0.01)


def test_the_text_has_a_line_for_each_prison_with_another_rank_size_or_first_cost(small, plans):
    answer = small.answer("estate", "compare", *plans)

    lines = small.run("estate", "compare", *plans).stdout.splitlines()

    assert lines[0] == f"{answer['before']} → {answer['after']}"
    assert "settings changed: seed, appraisal_years" in lines
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    moved = [s for s in answer["establishments"] if len(set(s["rank"])) > 1]
    assert listed == [site["prison_id"] for site in moved]  # Cells and capital are as they were.


def test_a_file_that_is_no_plan_is_explained(small, plans):
    (small.root / "notes.json").write_text("{}")

    lines = small.refusal("estate", "compare", plans[0], small.root / "notes.json").splitlines()

    assert lines[0].endswith("notes.json is not a plan")
    assert lines[-1].startswith("  try: ")

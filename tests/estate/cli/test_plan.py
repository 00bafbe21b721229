import json
import os
import pty
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from estate.plan import read_plan

WINGSPAN = Path(sys.executable).with_name("wingspan")


def run(root, *words, **options):
    """Run the installed command in a process of its own."""
    return subprocess.run(
        [WINGSPAN, "-C", root, *words], check=False, capture_output=True, text=True, **options
    )


def test_the_answer_has_the_promised_fields_for_all_establishments(plan_answer):
    assert {
        "schema",
        "plan_id",
        "establishments",
        "landings",
        "cells",
        "capital_gbp",
        "whole_life_cost_gbp",
        "cost_per_cell_gbp",
        "files",
    } <= plan_answer.keys()
    assert plan_answer["schema"] == 1
    assert plan_answer["establishments"] == 6
    for money in ("capital_gbp", "whole_life_cost_gbp", "cost_per_cell_gbp"):
        low, likely, high = (plan_answer[money][bound] for bound in ("low", "likely", "high"))
        assert 0 < low < likely < high


def test_the_cost_per_cell_is_the_capital_shared_by_the_cells(plan_answer):
    per_cell = plan_answer["capital_gbp"]["likely"] / plan_answer["cells"]

    assert plan_answer["cost_per_cell_gbp"]["likely"] == pytest.approx(per_cell, abs=0.005)


def test_the_answer_names_files_that_hold_that_plan(plan_answer):
    plan = read_plan(Path(plan_answer["files"]["plan"]))
    topology = json.loads(Path(plan_answer["files"]["topology"]).read_text(encoding="utf-8"))

    assert plan.plan_id == topology["plan_id"] == plan_answer["plan_id"]
    assert (plan.cells, plan.landings) == (plan_answer["cells"], plan_answer["landings"])


def test_what_is_not_priced_is_listed_with_the_reason(plan_answer):
    reasons = {left["prison_id"]: left["reason"] for left in plan_answer["excluded"]}

    assert reasons["FYI"] == "its capacity is reported inside FMI's"
    assert plan_answer["priced"] + len(reasons) == 6


def test_with_json_nothing_but_the_answer_is_written_and_no_progress(spare):
    finished = run(spare.root, "estate", "plan", "--json")

    assert finished.returncode == 0
    assert json.loads(finished.stdout)["schema"] == 1
    assert finished.stderr == ""


def _all_of(reader):
    """Return all that is written to a terminal until its other end is closed.

    It holds a few kilobytes: a plan that takes long would wait for ever for somebody to read them.
    """
    found = b""
    with suppress(OSError):  # So Linux says that the other end is closed.
        while part := os.read(reader, 65_536):
            found += part
    return found


def test_progress_is_shown_on_a_terminal_and_only_there(spare):
    reader, writer = pty.openpty()
    with ThreadPoolExecutor(1) as pool:
        shown_bytes = pool.submit(_all_of, reader)
        try:
            finished = subprocess.run(
                [WINGSPAN, "-C", spare.root, "estate", "plan", "--json"],
                check=True,
                stdout=subprocess.PIPE,
                stderr=writer,
                env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
            )
        finally:
            os.close(writer)
        shown = shown_bytes.result().decode()
    os.close(reader)

    assert "planning" in shown
    assert json.loads(finished.stdout)["schema"] == 1


def test_the_text_says_what_it_costs_what_stands_first_and_what_is_left_out(spare):
    result = spare.run("estate", "plan")

    assert result.exit_code == 0
    assert re.search(
        r"^6 establishments, [\d,]+ landings, [\d,]+ cells$", result.stdout, re.MULTILINE
    )
    assert re.search(
        r"^capital      £[\d.]+m \(low £[\d.]+m, high £[\d.]+m\)$", result.stdout, re.MULTILINE
    )
    assert "OFFICIAL – handle locally" in result.stdout
    marked = re.search(r"^not for construction: (\d+) of (\d+) wings", result.stdout, re.MULTILINE)
    assert marked
    assert marked[1] == marked[2]
    assert "  Feltham (HMYOI): its capacity is reported inside FMI's" in result.stdout
    assert result.stdout.endswith(f"written: {spare.root / 'out' / 'plan.json'}\n")


def test_the_same_workspace_gives_the_same_bytes(spare):
    first = (spare.root / "out" / "plan.json").read_bytes()
    topology = (spare.root / "out" / "topology.json").read_bytes()

    spare.answer("estate", "plan", "--jobs", 2)

    assert (spare.root / "out" / "plan.json").read_bytes() == first
    assert (spare.root / "out" / "topology.json").read_bytes() == topology


def test_an_option_changes_the_plan(small):
    options = ("--appraisal-years", 20, "--marking", "EXERCISE", "--backbone-ways", 2)

    answer = small.answer("estate", "plan", *options)

    plan = read_plan(Path(answer["files"]["plan"]))
    assert answer["appraisal_years"] == plan.appraisal_years == 20
    assert (plan.marking, plan.backbone_ways) == ("EXERCISE", 2)


def test_show_config_says_where_each_value_comes_from_and_plans_nothing(spare, monkeypatch):
    monkeypatch.setenv("WINGSPAN_DRAWS", "50")
    (spare.root / "out" / "plan.json").unlink()

    config = spare.answer("estate", "plan", "--seed", 7, "--show-config")["config"]

    assert config["seed"] == {"value": 7, "from": "--seed"}
    assert config["draws"] == {"value": 50, "from": "WINGSPAN_DRAWS"}
    assert config["appraisal_years"] == {"value": 10, "from": "wingspan.toml"}
    assert sum(config["weights"]["value"].values()) == pytest.approx(1)
    assert not (spare.root / "out" / "plan.json").exists()


def test_bad_input_leaves_the_old_plan_as_it_was(spare):
    before = (spare.root / "out" / "plan.json").read_bytes()
    with (spare.root / "inputs" / "register.csv").open("a", encoding="utf-8") as file:
        file.write("LEI,Leeds again\n")

    stderr = spare.refusal("estate", "plan")

    assert "register.csv row 8" in stderr
    assert (spare.root / "out" / "plan.json").read_bytes() == before


def test_faulty_settings_are_explained(spare):
    (spare.root / "wingspan.toml").write_text("[plan]\nsede = 1\n")

    assert spare.refusal("estate", "plan").splitlines() == [
        "error: 1 problem in the settings",
        "  wingspan.toml [plan] sede: sede is not a setting; did you mean seed?",
    ]

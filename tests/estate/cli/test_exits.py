import json
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import estate
from estate.cli.exits import EXITS, EstateCommand
from estate.errors import EstateError, InputError, NoPlanError, Problem
from reports.terminal import Exit

WINGSPAN = Path(sys.executable).with_name("wingspan")


def kinds_of(error):
    """Return an error's class with all those below it."""
    return {error}.union(*(kinds_of(kind) for kind in error.__subclasses__()))


def ended_by(error):
    """Return the result of a command that an error ends."""

    @click.command(cls=EstateCommand)
    def command():
        raise error

    return CliRunner().invoke(command)


def test_every_error_that_we_can_explain_has_its_exit_code():
    for module in pkgutil.walk_packages(estate.__path__, "estate."):
        import_module(module.name)

    assert kinds_of(EstateError) == set(EXITS)


@pytest.mark.parametrize(
    ("error", "code"), [(InputError("bad"), Exit.BAD_INPUT), (NoPlanError("none"), Exit.NO_PLAN)]
)
def test_an_error_ends_the_command_with_its_code(error, code):
    result = ended_by(error)

    assert (result.exit_code, result.stdout) == (code, "")


def test_ctrl_c_ends_a_command_without_a_traceback_and_as_shells_expect():
    result = ended_by(KeyboardInterrupt())

    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == (
        "stopped: the files that were there before are whole, and designs made are kept\n"
    )


def test_an_error_says_what_because_try_and_lists_its_problems():
    error = InputError(
        "cannot read wings.csv",
        hint="wingspan init DIR makes one",
        problems=[Problem("wings.csv", "row 3", "landings is 'three'", "give a number")],
    )
    error.__cause__ = ValueError("'three' is no number")

    assert ended_by(error).stderr.splitlines() == [
        "error: cannot read wings.csv",
        "  because: 'three' is no number",
        "  try: wingspan init DIR makes one",
        "  wings.csv row 3: landings is 'three'; give a number",
    ]


def test_a_disk_that_refuses_is_explained():
    result = ended_by(OSError(28, "No space left on device", "out/plan.json"))

    assert result.exit_code == Exit.BAD_INPUT
    assert result.stderr.splitlines() == [
        "error: cannot read or write out/plan.json",
        "  because: No space left on device",
        "  try: make room, or choose a folder you may write; the old files are whole",
    ]


def test_a_fault_of_ours_keeps_its_traceback():
    assert isinstance(ended_by(ZeroDivisionError()).exception, ZeroDivisionError)


@pytest.mark.parametrize(
    "words",
    [
        ["estate", "plan", "--sede", "1"],
        ["estate", "plan", "--seed", "x"],
        ["estate", "plann"],
        ["estate", "explain"],
        ["report", "poster"],
        ["explain", "LEI"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_shows_the_usage(shell, words):
    result = shell.run(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Usage: wingspan")


@pytest.mark.parametrize(
    "words",
    [
        ["estate", "plan"],
        ["estate", "check"],
        ["estate", "rank"],
        ["estate", "explain", "LEI"],
        ["estate", "compare", "a.json", "b.json"],
        ["estate", "import", "wings", "w.csv"],
        ["report", "site"],
        ["report", "workbook"],
        ["report", "geopackage"],
    ],
    ids=" ".join,
)
def test_outside_a_workspace_every_command_explains_itself(nowhere, words):
    lines = nowhere.refusal(*words).splitlines()

    assert lines[0].startswith("error: ")
    assert len(lines) >= 2
    assert list(nowhere.root.iterdir()) == []


@pytest.mark.parametrize("words", [["plan"], ["check"]], ids=" ".join)
def test_a_folder_that_is_no_workspace_is_told_how_to_become_one(nowhere, words):
    stderr = nowhere.refusal("estate", *words)

    assert "  try: wingspan init DIR makes a workspace; name it with -C" in stderr


def test_every_answer_bears_its_schema(spare):
    plan = spare.root / "out" / "plan.json"
    for words in (
        ["estate", "plan"],
        ["estate", "plan", "--show-config"],
        ["estate", "check"],
        ["estate", "rank"],
        ["estate", "explain", "LEI"],
        ["estate", "explain", "EYI/HB1"],
        ["estate", "compare", plan, plan],
        ["report", "site"],
        ["report", "workbook"],
        ["report", "geopackage"],
    ):
        assert spare.answer(*words)["schema"] == 1, words


def test_a_result_folder_that_is_a_file_is_explained(spare):
    for path in (spare.root / "out").iterdir():
        path.unlink()
    (spare.root / "out").rmdir()
    (spare.root / "out").write_text("in the way")

    lines = spare.refusal("estate", "plan").splitlines()

    assert lines[0].startswith("error: cannot read or write ")
    assert lines[1].startswith("  because: ")
    assert lines[2].startswith("  try: ")


def test_a_reader_who_has_seen_enough_is_not_complained_to(shell):
    reader, writer = os.pipe()
    os.close(reader)
    command = [WINGSPAN, "-C", shell.root, "estate", "rank"]

    finished = subprocess.run(command, check=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)

    assert (finished.returncode, finished.stderr) == (1, b"")


def test_a_terminal_without_dashes_and_arrows_still_gets_the_whole_answer(shell):
    command = [WINGSPAN, "-C", shell.root, "estate", "explain", "LEI"]
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}

    text = subprocess.run(command, check=True, capture_output=True, env=plain).stdout
    answer = subprocess.run([*command, "--json"], check=True, capture_output=True, env=plain).stdout

    assert b"P5\\u2013P95" in text
    assert json.loads(answer) == shell.answer("estate", "explain", "LEI")

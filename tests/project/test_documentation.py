"""README.md names every command, option and JSON field, and what it shows is what happens.

A block marked ```console is run in a new copy of the project, from top to bottom. Each line
that starts with "$ " is a command, and the lines below it are all that it prints, except that
a line of "…" stands for any number of lines and "…" within a line for any text. A command may
fail only where the block shows its "error:".
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pytest

from fleet.device import DeviceState, NewDevice
from fleet.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BIN = Path(sys.executable).parent

# `make test` is what runs this test, and the copy stands in for a clone.
NOT_RUN = ("make test", "git clone", "cd ")

BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
# A backslash at the end of a line carries the command on to the next.
STEP = re.compile(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)

# Words in `{}` are paths in a copy of a planned workspace. `estate plan` is not here: its
# answer comes with that workspace.
AGE_KEY = "age1229zjruvfe0vd9d0egga7wqwxrzntlwt5esvnrc8jhdtfavsq42sgkuyd8"
ARGUMENTS = {
    "init": ["{spare}/another", "--from", "england-wales"],
    "estate check": [],
    "estate rank": [],
    "estate explain": ["LEI"],
    "estate compare": ["{workspace}/out/plan.json", "{workspace}/out/plan.json"],
    "estate import bulletin": ["{spare}/bulletin.xlsx"],
    "estate import wings": ["{workspace}/inputs/wings.csv"],
    "estate import survey": ["{spare}/survey.gpkg"],
    "estate survey": ["LEI", "--out", "{spare}/leeds.gpkg"],
    "estate import hmpps": ["{spare}/certificate.json", "{spare}/cell.json"],
    "fleet init": [],
    "fleet enrol": ["--yes"],
    "fleet operator list": [],
    "fleet operator add": ["dee", "--role", "viewer"],
    "fleet operator remove": ["ben", "--yes"],
    "fleet keys show": [],
    "fleet keys push": [],
    "fleet keys rotate": ["--ca", "broker", "--yes"],
    "fleet list": ["LEI", "state=spare"],
    "fleet show": ["WS-000001"],
    "fleet move": ["WS-000001", "LEI-T1-1-002"],
    "fleet replace": ["WS-000001", "WS-000002"],
    "fleet ring": ["canary", "device:WS-000001"],
    "fleet lost": ["WS-000001"],
    "fleet found": ["WS-000002"],
    "fleet retire": ["WS-000001"],
    "fleet audit verify": [],
    "fleet audit anchor": ["--out", "{spare}/anchor.json"],
    "fleet audit archive": ["--keep-days", "0"],
    "fleet health": [],
    "fleet diagnose": [],
    "fleet play": ["facts"],
    "fleet backup": ["--out", "{spare}/fleet.age", "--recipient", AGE_KEY],
    "fleet restore": ["{spare}/saved.age", "--identity", "{spare}/backup.key", "--replace"],
    "fleet clock serve": ["--listen", "127.0.0.1:0", "--seconds", "0.1"],
    "estate import measurements": ["{spare}/readings.json", "--site", "office"],
    "report site": [],
    "report workbook": [],
    "report geopackage": [],
}
# These act on devices: they are called while a lab is up in a workspace with keys.
IN_A_LAB = (
    "fleet diagnose",
    "fleet enrol",
    "fleet health",
    "fleet play",
    "fleet operator",
    "fleet keys",
)
# These change devices and take several people, or take a bundle: their answers are checked where
# they are tried (tests/fleet/relay, and tests/fleet/cli: test_change_…, test_wipe_…, test_bundle,
# test_left_alone_…).
CHECKED_WHERE_TRIED = {
    f"fleet {name}"
    for name in (
        "allowlist",
        "approve",
        "break-glass open",
        "break-glass seal",
        "bundle make",
        "bundle show",
        "bundle verify",
        "dead-man",
        "lock",
        "address",
        "operator key",
        "pause",
        "quarantine",
        "readmit",
        "reconcile",
        "relay admit",
        "relay install",
        "relay status",
        "relay users",
        "relay work",
        "release",
        "requests",
        "residue",
        "resume",
        "stop",
        "unlock",
        "update",
        "wipe",
    )
}
ON_LIVE_DEVICES = ("fleet diagnose", "fleet health", "fleet play")

# In the order in which one small lab goes through them.
REHEARSED = {
    "up": ["--devices", "2", "--prisons", "1"],
    "cut": ["LAB-0001"],
    "slow": ["LAB-0001"],
    "lose": ["LAB-0001"],
    "hang": ["LAB-0001"],
    "fill": ["LAB-0001"],
    "rekey": ["LAB-0002"],
    "clock": ["LAB-0002"],
    "swap": ["LAB-0001", "LAB-0002"],
    "power-off": ["LAB-0001"],
    "power-cut": ["LAB-0002"],
    "status": [],
    "restore": ["all"],
    "down": [],
}


def test_every_command_and_option_is_in_the_readme(commands):
    readme = README.read_text(encoding="utf-8")
    documented = words_in_code(readme)
    missing = [
        listed.line
        for listed in commands
        if not re.search(rf"\b{' '.join(listed.words)}\b", readme)
    ]
    missing += [
        f"{listed.line} {option.opts[-1]}"
        for listed in commands
        for option in listed.options
        if not documented.intersection(option.opts)
    ]

    assert not missing


def test_every_command_has_its_fields_checked(commands):
    called = {" ".join(listed.words) for listed in commands if not listed.is_group}

    rehearsed = {f"fleet rehearse {word}" for word in REHEARSED}
    tried = {"estate allowlists", "estate plan", *CHECKED_WHERE_TRIED}
    assert called == {*ARGUMENTS, *tried, *rehearsed}


def test_every_field_of_a_rehearsals_answer_is_in_the_readme(tmp_path):
    fleet = [BIN / "wingspan", "-C", tmp_path, "fleet"]
    subprocess.run([*fleet, "init"], check=True, capture_output=True)
    try:
        for called, given in REHEARSED.items():
            command = [*fleet, "rehearse", called, *given, "--json"]
            finished = subprocess.run(command, check=False, capture_output=True, text=True)
            if called == "up" and finished.returncode == 3 and not os.environ.get("CI"):
                pytest.skip(finished.stderr)
            assert finished.returncode == 0, finished.stderr
            answer = json.loads(finished.stdout)
            assert "schema" in answer
            assert not undocumented(answer)
    finally:
        subprocess.run([*fleet, "rehearse", "down"], check=True, capture_output=True)


def test_every_field_of_a_plans_answer_is_in_the_readme(plan_answer):
    assert not undocumented(plan_answer)


@pytest.mark.parametrize("called", ARGUMENTS)
def test_every_field_of_an_answer_is_in_the_readme(called, workspace, tmp_path):
    copy = shutil.copytree(workspace, tmp_path / "workspace")
    write_bulletin(tmp_path / "bulletin.xlsx")
    write_exports(tmp_path)
    write_readings(tmp_path / "readings.json")
    if called == "estate import survey":
        draft = [BIN / "wingspan", "-C", copy, "estate", "survey", "LEI", "--out"]
        subprocess.run([*draft, tmp_path / "survey.gpkg"], check=True, capture_output=True)
    if called.startswith("fleet ") and not called.startswith(("fleet init", *IN_A_LAB)):
        begin_fleet(copy)
    if called == "fleet restore":
        save_fleet(copy, tmp_path)
    given = [word.format(workspace=copy, spare=tmp_path) for word in ARGUMENTS[called]]
    command = [BIN / "wingspan", "-C", copy, *called.split(), *given, "--json"]
    live = called in ON_LIVE_DEVICES
    with rehearsal(copy, live=live) if called.startswith(IN_A_LAB) else nullcontext():
        finished = subprocess.run(command, check=False, capture_output=True, text=True)
    shutil.rmtree(copy)  # Plans are large, and pytest keeps the folders of three runs.

    assert finished.returncode == 0, finished.stderr
    answer = json.loads(finished.stdout)
    assert "schema" in answer
    assert not undocumented(answer)


def test_what_the_readme_shows_is_what_happens(project_files, tmp_path):
    for name in project_files:
        target = tmp_path / "wingspan" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    environment = environment_for(tmp_path / "venv")
    steps = shown_in(README.read_text(encoding="utf-8"))
    assert steps, "README.md shows no command in a ```console block"

    page = README.read_text(encoding="utf-8")
    for command, shown in steps:
        expected = shown
        finished = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=tmp_path / "wingspan",
            env=environment,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        printed = finished.stdout.splitlines()
        if os.environ.get("REFRESH_README"):  # `make readme`: what is printed now is right.
            expected = refreshed(shown, printed)
            old, new = ("\n".join([f"$ {command}", *lines, ""]) for lines in (shown, expected))
            page = page.replace(old, new, 1)
            README.write_text(page, encoding="utf-8")
        difference = "\n".join(difflib.ndiff(expected, printed))
        assert shows(expected, printed), f"$ {command}\n{difference}"
        assert finished.returncode == 0 or any(line.startswith("error:") for line in expected)


def test_an_ellipsis_stands_for_what_a_reader_need_not_see():
    assert shows(["127 prisons", "…", "done"], ["127 prisons", "1", "2", "done"])
    assert shows(["planned in … s"], ["planned in 4.2 s"])
    assert not shows(["127 prisons", "…"], ["126 prisons", "1"])
    assert not shows(["127 prisons"], ["127 prisons", "one line more"])


def test_a_console_block_is_commands_and_what_they_print():
    page = "```console\n$ echo one; \\\n    echo two\none\ntwo\n$ make test\n…\n```\n"

    assert shown_in(page) == [("echo one; \\\n    echo two", ["one", "two"])]


def test_a_page_is_refreshed_where_it_no_longer_holds_and_keeps_what_stands_for_any_text():
    expected = ["plan …  OFFICIAL", "127 prisons, 5 cells", "…", "written: plan.json"]
    printed = ["plan 3f2a  OFFICIAL", "127 prisons, 6 cells", "more", "written: plan.json"]

    assert refreshed(expected, printed) == [
        "plan …  OFFICIAL",
        "127 prisons, 6 cells",
        "…",
        "written: plan.json",
    ]


def save_fleet(workspace: Path, folder: Path) -> None:
    """Write a backup of the fleet, and the key that opens it."""
    keygen = ["/usr/bin/age-keygen", "-o", folder / "backup.key"]
    subprocess.run(keygen, check=True, capture_output=True)
    shown = ["/usr/bin/age-keygen", "-y", folder / "backup.key"]
    recipient = subprocess.run(shown, check=True, capture_output=True, text=True).stdout.strip()
    words = ["fleet", "backup", "--out", folder / "saved.age", "--recipient", recipient]
    subprocess.run([BIN / "wingspan", "-C", workspace, *words], check=True, capture_output=True)


@contextmanager
def rehearsal(workspace: Path, *, live: bool) -> Iterator[None]:
    """Have a lab of two devices up for the block, enrolled where that is asked for."""
    fleet = [BIN / "wingspan", "-C", workspace, "fleet"]
    subprocess.run([*fleet, "init"], check=True, capture_output=True)
    hired = [*fleet, "operator", "add", "ben", "--role", "viewer"]
    subprocess.run(hired, check=True, capture_output=True)
    rehearse = [*fleet, "rehearse"]
    started = subprocess.run([*rehearse, "up", "--devices", "2"], check=False, capture_output=True)
    if started.returncode == 3 and not os.environ.get("CI"):
        pytest.skip(started.stderr.decode())
    for words in ("enrol", "--yes"), ("health",):
        if live:
            done = subprocess.run([*fleet, *words], check=False, capture_output=True, text=True)
            assert done.returncode == 0, (started.stderr.decode(), done.stdout, done.stderr)
    yield
    subprocess.run([*rehearse, "down"], check=True, capture_output=True)


def undocumented(answer: object) -> list[str]:
    """Return the fields that README.md never shows as code; keys such as "LEI" are not fields."""
    fields = {name for name in keys_of(answer) if re.fullmatch(r"[a-z][a-z0-9_]*", name)}
    return sorted(fields - words_in_code(README.read_text(encoding="utf-8")))


def keys_of(answer: object) -> set[str]:
    if isinstance(answer, list):
        return set().union(*map(keys_of, answer))
    if isinstance(answer, dict):
        return set(answer).union(*map(keys_of, answer.values()))
    return set()


def words_in_code(page: str) -> set[str]:
    """Return the words and options in blocks and spans of code."""
    code = "\n".join(re.findall(r"^```.*?^```|`[^`\n]+`", page, re.DOTALL | re.MULTILINE))
    return set(re.findall(r"--?[a-zA-Z][a-z0-9-]*|[a-z][a-z0-9_]*", code))


def shown_in(page: str) -> list[tuple[str, list[str]]]:
    """Return the commands of the page's ```console blocks, each with the lines shown below it."""
    return [
        (command, printed.splitlines())
        for block in BLOCK.findall(page)
        for command, printed in STEP.findall(block)
        if not command.startswith(NOT_RUN)
    ]


def shows(expected: list[str], printed: list[str]) -> bool:
    any_lines, any_text = r"(?:.*\n)*?", ".*?"
    pattern = "".join(
        any_lines if line == "…" else re.escape(line.rstrip()).replace("…", any_text) + r"\n"
        for line in expected
    )
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed)) is not None


def refreshed(expected: list[str], printed: list[str]) -> list[str]:
    """Return the lines of a block with those that no longer hold replaced by the most like them.

    A line that nothing printed is like is left out.
    """
    lines: list[str] = []
    left = list(printed)
    for line in expected:
        holds = next((n for n, told in enumerate(left) if shows([line], [told])), None)
        if line == "…":
            lines.append(line)
        elif holds is not None:
            lines.append(line)
            left = left[holds + 1 :]
        elif like := difflib.get_close_matches(line, left, n=1):
            lines.append(like[0])
            left = left[left.index(like[0]) + 1 :]
    return lines


def environment_for(folder: Path) -> dict[str, str]:
    """Return the environment of a reader who has installed the project in `folder`.

    The folder stands for this virtual environment, so that `make` finds everything installed
    and cannot change what the tests run on.
    """
    folder.mkdir()
    (folder / "bin").symlink_to(BIN)
    for stamp in (".created", ".installed", ".developed"):
        (folder / stamp).touch()
    inherited = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return inherited | {"VENV": str(folder), "PATH": path, "COLUMNS": "80"}


def begin_fleet(workspace: Path) -> None:
    """Begin a fleet of two devices in some cells of the plan; the second is lost."""
    subprocess.run([BIN / "wingspan", "-C", workspace, "fleet", "init"], check=True)
    with Registry.open(f"sqlite:///{workspace}/fleet.db") as registry:
        new = [NewDevice(serial=f"S-{n}", model="t-1", cell="LEI-T1-1-001") for n in range(2)]
        registry.add(new, by="test", why="test")
        registry.record_facts({"WS-000001": {"battery": 80}}, at=datetime.now(UTC))
        registry.set_state("WS-000002", DeviceState.LOST, by="test", why="test")


def write_bulletin(path: Path) -> None:
    """Write today's population bulletin of a prison service that has one prison."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "MonthlyBulletin"
    today = datetime.now(tz=UTC)
    for row in (
        ["Prison Population Bulletin"],
        [f"Report Date: {today:%d/%m/%Y}"],
        ["Prison Name", "Baseline CNA", "In Use CNA", "Operational Capacity", "Population"],
        ["Leeds", 640, 640, 1100, 1050],
        ["Total", 640, 640, 1100, 1050],
    ):
        sheet.append(row)
    book.save(path)


def write_exports(folder: Path) -> None:
    """Write a cell certificate of one cell, and a location that differs from it."""
    cell = {"pathHierarchy": "A-001", "locationType": "CELL"}
    wing = {"pathHierarchy": "A", "locationType": "WING", "locationCode": "A"}
    certificate = {
        "prisonId": "LEI",
        "approvedDate": "2026-07-01T12:00:00",
        "locations": [wing | {"subLocations": [cell | {"locationCode": "001", "maxCapacity": 2}]}],
    }
    location = cell | {"prisonId": "LEI", "code": "001", "capacity": {"maxCapacity": 1}}
    (folder / "certificate.json").write_text(json.dumps(certificate), encoding="utf-8")
    (folder / "cell.json").write_text(json.dumps(location), encoding="utf-8")


def write_readings(path: Path) -> None:
    """Write readings of one access point at ten places of an office, each nearer than the last."""
    readings = [
        {
            "access_point": "AP1",
            "signal_dbm": -40 - 3 * metres,
            "frequency_mhz": 5500,
            "x_m": metres,
            "y_m": 0,
            "ap_x_m": 0,
            "ap_y_m": 0,
        }
        for metres in range(10, 0, -1)
    ]
    path.write_text(json.dumps({"schema": 1, "readings": readings}), encoding="utf-8")

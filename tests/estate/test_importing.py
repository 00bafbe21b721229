import csv
import json
from types import SimpleNamespace

import click
import openpyxl
import pytest
from click.testing import CliRunner

from estate.cli.importing import import_
from estate.errors import InputError
from estate.tables import REGISTER, WINGS

HEADING = ["Prison Name", "Baseline CNA", "In Use CNA", "Operational Capacity", "Population"]
ROWS = [
    ["Leeds", 669, 650, 1200, 1100],
    ["Usk / Prescoed", 352, 352, 500, 480],
    ["Haslar", 100, 90, 110, 80],
    ["Total", 1121, 1092, 1810, 1660],
]
PRISONS = {
    "LEI": "Leeds (HMP)",
    "MDI": "Moorland (HMP & YOI)",
    "UKI": "Usk (HMP)",
    "UPI": "Prescoed (HMP & YOI)",
}


def write_table(path, table, rows):
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, table.names, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def inputs(tmp_path):
    """Return the inputs of a workspace with four prisons and two wings."""
    folder = tmp_path / "inputs"
    folder.mkdir()
    prisons = [{"prison_id": i, "name": n, "gender": "male"} for i, n in PRISONS.items()]
    write_table(folder / "register.csv", REGISTER, prisons)
    wings = [{"prison_id": "LEI", "wing": wing, "landings": "4"} for wing in "AB"]
    write_table(folder / "wings.csv", WINGS, wings)
    return folder


@pytest.fixture
def run(inputs):
    """Return a function that runs a command of the group in that workspace."""

    @click.group()
    @click.pass_context
    def estate(ctx):
        ctx.obj = SimpleNamespace(inputs=inputs)

    estate.add_command(import_)

    def invoke(*arguments):
        return CliRunner().invoke(estate, ["import", *map(str, arguments)])

    return invoke


@pytest.fixture
def bulletin(tmp_path):
    """Return a function that writes rows as a bulletin."""

    def write(rows=ROWS, dated="30/10/2026"):
        book = openpyxl.Workbook()
        for row in [[f"Report Date: {dated}"], HEADING, *rows]:
            book.active.append(row)
        book.save(tmp_path / "bulletin.xlsx")
        return tmp_path / "bulletin.xlsx"

    return write


@pytest.fixture
def schedule(tmp_path):
    """Return a function that writes rows as a wing schedule."""
    return lambda *rows: write_table(tmp_path / "survey.csv", WINGS, rows)


def problems_of(result):
    assert isinstance(result.exception, InputError), result.output
    return [str(problem) for problem in result.exception.problems]


def test_a_bulletin_updates_the_register_and_says_what_it_did(run, bulletin, inputs):
    result = run("bulletin", bulletin())

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "bulletin of 2026-10-30: 3 prisons updated",
        "  UKI: its share of the row 'Usk / Prescoed'",
        "  UPI: its share of the row 'Usk / Prescoed'",
        "rows that mean no prison of the register: Haslar",
        "prisons that it does not name: MDI",
    ]
    with (inputs / "register.csv").open(encoding="utf-8") as stream:
        leeds = next(csv.DictReader(stream))
    assert (leeds["population"], leeds["capacity_dated"]) == ("1100", "2026-10-30")


def test_a_bulletin_answers_in_json(run, bulletin, inputs):
    answer = json.loads(run("bulletin", bulletin(), "--json").stdout)

    assert answer == {
        "schema": 1,
        "file": "bulletin.xlsx",
        "report_date": "2026-10-30",
        "register": str(inputs / "register.csv"),
        "updated": answer["updated"],
        "unmatched": ["Haslar"],
        "untouched": ["MDI"],
    }
    assert answer["updated"][0] == {
        "prison_id": "LEI",
        "baseline_cna": 669,
        "operational_capacity": 1200,
        "population": 1100,
        "shared_row": "",
    }


def test_a_bulletin_with_faults_lists_them_all_and_writes_nothing(run, bulletin, inputs):
    before = (inputs / "register.csv").read_bytes()
    rows = [["Leeds", 669, "x", 1200, 1100], ["HMP Leeds", 1, 1, 1, 1], ROWS[-1]]

    result = run("bulletin", bulletin(rows))

    assert len(problems_of(result)) == 2
    assert (inputs / "register.csv").read_bytes() == before


def test_a_file_that_is_not_there_is_a_problem_of_the_input(run, tmp_path):
    for command in ("bulletin", "wings"):
        (problem,) = problems_of(run(command, tmp_path / "none.xlsx"))
        assert problem.startswith("none.xlsx: there is no such file")


def test_a_schedule_replaces_the_wings_of_its_prisons_and_says_how_many(run, schedule, inputs):
    file = schedule(
        {"prison_id": "LEI", "wing": "C", "landings": "5"},
        {"prison_id": "MDI", "wing": "1", "landings": "3"},
        {"prison_id": "MDI", "wing": "2", "landings": "3"},
    )

    result = run("wings", file)

    assert result.stdout.splitlines() == [
        "LEI: 1 wing in place of 2",
        "MDI: 2 wings where there was none",
    ]
    with (inputs / "wings.csv").open(encoding="utf-8") as stream:
        assert [row["wing"] for row in csv.DictReader(stream)] == ["C", "1", "2"]


def test_a_schedule_answers_in_json(run, schedule, inputs):
    result = run("wings", schedule({"prison_id": "LEI", "wing": "C", "landings": "5"}), "--json")

    assert json.loads(result.stdout) == {
        "schema": 1,
        "file": "survey.csv",
        "wings": str(inputs / "wings.csv"),
        "prisons": [{"prison_id": "LEI", "wings": 1, "replaced": 2}],
    }


def test_a_schedule_with_faults_lists_them_all_and_writes_nothing(run, schedule, inputs):
    before = (inputs / "wings.csv").read_bytes()
    file = schedule(
        {"prison_id": "LEX", "wing": "A", "landings": "5"},
        {"prison_id": "MDI", "wing": "1", "landings": "three"},
    )

    assert problems_of(run("wings", file)) == [
        "survey.csv row 2, column A: the prison 'LEX' is unknown; did you mean LEI?",
        (
            "survey.csv row 3, column F: landings is 'three'; "
            "give a whole number from 1 up to 8, such as 3"
        ),
    ]
    assert (inputs / "wings.csv").read_bytes() == before


@pytest.fixture
def certificate(tmp_path):
    """Return a cell certificate: one wing of two cells, one of which is a store since."""
    cells = [
        {"locationCode": code, "pathHierarchy": f"A-{code}", "locationType": "CELL"} | fact
        for code, fact in (("001", {"maxCapacity": 2}), ("002", {"convertedCellType": "STORE"}))
    ]
    wing = {"locationCode": "A", "pathHierarchy": "A", "locationType": "WING"}
    content = {
        "prisonId": "LEI",
        "approvedBy": "JBLOGGS_GEN",
        "approvedDate": "2026-07-01T12:00:00",
        "signedOperationCapacity": 1100,
        "locations": [wing | {"subLocations": cells}],
    }
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_exports_of_hmpps_replace_the_wings_and_say_what_they_did(run, certificate):
    result = run("hmpps", certificate)

    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "LEI: 1 wing in place of 2",
        "  1 cell to plan for",
        "  not planned for: 1 converted",
        "  register: certificate of 2026-07-01, operational_capacity 1100",
        "  wings of the schedule that no file holds, now gone: B",
        "  A: one spur a landing, with no spur level and no spur rule",
    ]


def test_exports_of_hmpps_answer_in_json(run, certificate, inputs):
    answer = json.loads(run("hmpps", certificate, "--json").stdout)

    (prison,) = answer.pop("prisons")
    assert answer == {
        "schema": 1,
        "files": ["certificate.json"],
        "wings": str(inputs / "wings.csv"),
        "register": str(inputs / "register.csv"),
    }
    assert (prison["cells"], prison["converted"], prison["register_updated"]) == (1, 1, True)
    assert "JBLOGGS" not in str(prison)


def test_exports_of_hmpps_with_a_fault_write_nothing(run, certificate, tmp_path, inputs):
    before = (inputs / "wings.csv").read_bytes()
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")

    found = problems_of(run("hmpps", certificate, broken, "--prison", "LEI"))

    assert found == [
        (
            "broken.json: it is not JSON (Input data was truncated); "
            "export it again, whole and unedited"
        )
    ]
    assert (inputs / "wings.csv").read_bytes() == before


@pytest.mark.parametrize("command", [(), ("bulletin",), ("wings",), ("hmpps",)], ids=str)
def test_help_shows_an_example_that_can_be_run(run, command):
    result = run(*command, "-h")

    assert result.exit_code == 0
    assert "\n  wingspan -C out/england-wales estate import " in result.stdout.replace("    ", "  ")


@pytest.mark.parametrize("command", ["bulletin", "wings", "hmpps"])
def test_every_field_of_the_json_is_documented(run, bulletin, schedule, certificate, command):
    file = {
        "bulletin": bulletin,
        "wings": lambda: schedule({"prison_id": "LEI", "wing": "C", "landings": "5"}),
        "hmpps": lambda: certificate,
    }[command]()
    answer = json.loads(run(command, file, "--json").stdout)
    fields = [*answer, *(answer.get("updated") or answer["prisons"])[0]]

    text = run(command, "--help").stdout

    assert [field for field in fields if field not in text] == []

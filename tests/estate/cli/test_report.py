from pathlib import Path

import pyogrio
import pytest
from openpyxl import load_workbook

from estate.sources.survey_layers import write_survey

REPORTS = {
    "site": ("site/index.html", "pages"),
    "workbook": ("plan.xlsx", "sheets"),
    "geopackage": ("plan.gpkg", "layers"),
}


def parts_in(path):
    """Return the number of pages, sheets (contents aside) or layers."""
    if path.suffix == ".html":
        return len(list(path.parent.glob("*.html")))
    if path.suffix == ".xlsx":
        return len(load_workbook(path, read_only=True).sheetnames) - 1
    return sum(1 for _, kind in pyogrio.list_layers(path) if kind)


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_is_written_where_its_answer_says(spare, report):
    name, parts = REPORTS[report]

    answer = spare.answer("report", report)

    path = spare.root / "out" / name
    assert answer == {
        "schema": 1,
        "plan_id": spare.answer("estate", "rank")["plan_id"],
        "file": str(path),
        parts: parts_in(path),
    }


@pytest.mark.parametrize("report", REPORTS)
def test_the_text_names_the_file_and_what_is_in_it(spare, report):
    name, parts = REPORTS[report]

    result = spare.run("report", report)

    path = spare.root / "out" / name
    assert result.stdout == f"written: {path} ({parts_in(path)} {parts})\n"
    assert result.stderr == ""


@pytest.mark.parametrize("report", REPORTS)
def test_the_same_plan_gives_the_same_report_and_nothing_beside_it(spare, report):
    out = spare.root / "out"
    contents = []

    for _ in range(2):
        spare.answer("report", report)
        contents.append({p.name: p.read_bytes() for p in out.rglob("*") if p.is_file()})

    assert contents[0] == contents[1]
    assert not [name for name in contents[0] if name.startswith(".")]


def test_an_older_site_is_replaced_whole(spare):
    (spare.root / "out" / "site").mkdir()
    (spare.root / "out" / "site" / "of-a-closed-prison.html").touch()

    spare.answer("report", "site")

    assert not (spare.root / "out" / "site" / "of-a-closed-prison.html").exists()


@pytest.mark.parametrize("report", REPORTS)
def test_without_a_plan_the_way_to_one_is_shown(spare, report):
    (spare.root / "out" / "plan.json").unlink()

    assert "  try: wingspan -C DIR estate plan writes one" in spare.refusal("report", report)


def with_ground(shell, survey):
    """Draw the ground of a prison of a workspace, and plan it anew."""
    folder = shell.root / "inputs" / "surveys"
    folder.mkdir(exist_ok=True)
    write_survey(survey, folder / "EYI.gpkg", prison="Elmley (HMP)", marking="OFFICIAL")
    shell.answer("estate", "plan")


def test_sensitive_pages_stand_apart_from_the_others_and_are_marked(small, elmley_ground):
    with_ground(small, elmley_ground)

    plain, whole = (
        Path(small.answer("report", "site", *asked)["file"]).parent
        for asked in ((), ("--sensitive",))
    )

    assert (plain.name, whole.name) == ("site", "site-sensitive")
    for page in plain.glob("*.html"):
        assert "SENSITIVE:" not in page.read_text()
    for page in whole.glob("*.html"):
        assert page.read_text().count("SENSITIVE: names single points of failure") == 2
    # Which chamber two wings share stands in the sensitive page alone.
    assert "chamber of" not in (plain / "EYI.html").read_text()
    assert "only way of HB1, HB2" in (whole / "EYI.html").read_text()


def test_sensitive_pages_are_refused_where_no_ground_is_drawn(small):
    refusal = small.refusal("report", "site", "--sensitive")

    assert "no survey of the plan draws the ground of a prison" in refusal
    assert "wingspan report site writes the pages without it" in refusal
    assert not (small.root / "out" / "site-sensitive").exists()

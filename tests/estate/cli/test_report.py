import pyogrio
import pytest
from openpyxl import load_workbook

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

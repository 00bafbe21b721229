"""Single points of failure are shown to who asks for them, and nowhere else."""

import re
import zipfile

import pytest

# The words with which an answer would tell of one.
TELLING = re.compile(
    rb"single.point|cells.lost|second.routes?|SENSITIVE: names|core room", re.IGNORECASE
)


@pytest.fixture(scope="module")
def houseblocks(shell):
    return shell.answer("estate", "explain", "EYI", "--sensitive")


def test_points_come_largest_first_and_the_uplink_takes_every_cell(shell, houseblocks):
    lost = [point["cells_lost"] for point in houseblocks["single_points_of_failure"]]

    assert lost == sorted(lost, reverse=True)
    assert min(lost) >= 2
    assert lost[0] == shell.answer("estate", "explain", "EYI")["cells"]
    kinds = {point["kind"] for point in houseblocks["single_points_of_failure"]}
    assert {"uplink", "comms_room", "duct", "distributor", "switch", "power"} <= kinds
    assert "core_switch" not in kinds


def test_a_cure_is_named_priced_and_saves_no_more_than_is_lost(houseblocks):
    for point in houseblocks["single_points_of_failure"]:
        cure = point["cure"]
        assert (cure is None) == bool(point["without_cure"])
        if cure:
            assert 0 < cure["cells_saved"] <= point["cells_lost"]
            money = cure["whole_life_cost_gbp"]
            assert 0 < money["low"] <= money["likely"] <= money["high"]


def test_an_extra_is_the_sum_of_its_lines_and_all_extras_are_the_sum_of_each(houseblocks):
    for extra in houseblocks["second_routes"]:
        lines = sum(line["cost_gbp"]["likely"] for line in extra["lines"])
        assert extra["whole_life_cost_gbp"]["likely"] == pytest.approx(lines)
    total = sum(e["whole_life_cost_gbp"]["likely"] for e in houseblocks["second_routes"])
    assert houseblocks["second_routes_gbp"]["likely"] == pytest.approx(total)


def test_a_wing_has_its_own_points_and_those_that_it_hangs_from(shell):
    answer = shell.answer("estate", "explain", "eyi/hb1", "--sensitive")

    assert answer["place"] == "EYI/HB1"
    assert {point["wing"] for point in answer["single_points_of_failure"]} == {"", "HB1"}


def test_the_text_is_marked_at_both_ends(shell):
    lines = shell.run("estate", "explain", "EYI", "--sensitive").stdout.splitlines()

    assert lines[0] == lines[-1]
    assert lines[0].startswith("SENSITIVE")


def test_what_is_no_prison_or_wing_is_refused(shell):
    assert "ask for EYI/HB1" in shell.refusal("estate", "explain", "EYI/HB1/2", "--sensitive")
    assert "has no wing" in shell.refusal("estate", "explain", "EYI/XX", "--sensitive")
    assert "not designed" in shell.refusal("estate", "explain", "FYI", "--sensitive")


def test_no_other_output_tells_of_a_single_point_of_failure(spare, houseblocks):
    assert TELLING.search(repr(houseblocks).encode())
    for report in ("site", "workbook", "geopackage"):
        spare.answer("report", report)
    files = [path for path in (spare.root / "out").rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert {".json", ".html", ".xlsx", ".gpkg"} <= kinds
    for path in files:
        assert not TELLING.search(_content(path)), path
    for place in ("EYI", "EYI/HB1", "EYI/HB1/2"):
        assert not TELLING.search(spare.run("estate", "explain", place).stdout.encode())
        assert not TELLING.search(spare.run("estate", "explain", place, "--json").stdout.encode())


def _content(path):
    """Return the bytes of a file, those of a workbook unpacked."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as book:
        return b"\n".join(book.read(name) for name in book.namelist())

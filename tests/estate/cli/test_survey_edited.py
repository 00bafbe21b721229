"""A draft edited as a person does in QGIS: what they may do, and every fault they can make."""

import re
import sqlite3
from contextlib import closing

import geopandas as gpd
import pyogrio
import pytest
import shapely
from shapely import LineString, Polygon
from shapely.affinity import translate


class Draft:
    """A draft on the disk, edited layer by layer and feature by feature."""

    def __init__(self, path):
        self.path = path

    def layer(self, name, change):
        """Put a changed layer in place of the one there."""
        frame = change(gpd.read_file(self.path, layer=name))
        frame.to_file(self.path, layer=name, driver="GPKG")

    def geometry(self, layer, name):
        """Return the geometry of a feature."""
        frame = gpd.read_file(self.path, layer=layer)
        return frame.geometry[frame.iloc[:, 0] == name].iloc[0]

    def change(self, layer, name, **values):
        """Change columns, or the geometry, of a feature."""

        def changed(frame):
            row = frame.index[frame.iloc[:, 0] == name][0]
            for column, value in values.items():
                frame.loc[row, column] = value
            return frame

        self.layer(layer, changed)

    def add(self, layer, **values):
        """Draw a feature."""

        def added(frame):
            drawn = {column: values.get(column) for column in frame.columns}
            rows = [*frame.to_dict("records"), drawn]
            return gpd.GeoDataFrame(rows, columns=frame.columns, crs="EPSG:27700")

        self.layer(layer, added)

    def delete(self, layer, name):
        """Delete a feature."""
        self.layer(layer, lambda frame: frame[frame.iloc[:, 0] != name])


@pytest.fixture
def draft(spare, tmp_path):
    """Return a draft survey of Elmley in a workspace that may be changed."""
    path = tmp_path / "elmley.gpkg"
    spare.answer("estate", "survey", "EYI", "--out", path)
    return Draft(path)


def test_a_wall_is_moved_a_riser_added_and_a_span_deleted(spare, draft):
    wall = draft.geometry("walls", "EYI-HB1/party-1-002")
    draft.change("walls", "EYI-HB1/party-1-002", geometry=translate(wall, yoff=0.25))
    # A riser at the far end of the first spur's left side, from landing 1 to 2 …
    x, y = draft.geometry("spans", "EYI-HB1/run-1-006").coords[-1]
    stroke = LineString([(x, y), (x + 0.3, y)])
    draft.add(
        "spans",
        span_id="EYI-HB1/riser-end",
        floor=0,
        containment="riser",
        length_m=2.8,
        geometry=stroke,
    )
    # … by which landing 2 is reached from there, without its own way from the hub.
    draft.delete("spans", "EYI-HB1/run-2-001")

    before = spare.answer("estate", "explain", "EYI/HB1")
    imported = spare.answer("estate", "import", "survey", draft.path)
    spare.answer("estate", "plan")
    after = spare.answer("estate", "explain", "EYI/HB1")

    assert {wing["wing"]: wing["cells"] for wing in imported["wings"]}["HB1"] == 114
    assert after["cells"] == before["cells"]
    again = spare.answer("estate", "survey", "EYI", "--out", draft.path.with_name("again.gpkg"))
    kept = Draft(again["file"])
    assert kept.geometry("walls", "EYI-HB1/party-1-002").equals(translate(wall, yoff=0.25))
    assert kept.geometry("spans", "EYI-HB1/riser-end").equals(stroke)


def test_every_fault_of_a_file_is_listed_at_once_and_nothing_is_imported(spare, draft):
    cell = draft.geometry("spaces", "EYI-HB1/cell-1-001")
    corners = list(cell.exterior.coords)
    bow = Polygon([corners[0], corners[2], corners[1], corners[3], corners[0]])
    draft.change("spaces", "EYI-HB1/cell-1-001", geometry=bow)
    draft.change("spaces", "EYI-HB1/cell-1-002", space_id="EYI-HB1/cell-1-003")
    draft.delete("spans", "EYI-HB1/drop-1-010")
    x, y = draft.geometry("spans", "EYI-HB1/run-1-001").coords[0]
    dot = LineString([(x, y), (x, y)])
    draft.add("spans", span_id="dot", floor=0, containment="tray", geometry=dot)
    draft.change("walls", "EYI-HB1/party-1-001", material="cheese")
    draft.change("walls", "EYI-HB1/party-1-003", material="")
    draft.layer("doors", lambda doors: doors.to_crs("EPSG:4326"))
    draft.layer("outlets", lambda f: f.set_geometry(shapely.force_3d(f.geometry, 1.2)))

    said = spare.refusal("estate", "import", "survey", draft.path)

    others = len(gpd.read_file(draft.path, layer="outlets")) - 2
    for part in (
        "layer spaces, EYI-HB1/cell-1-001: its outline is not valid: Self-intersection",
        "layer spaces, EYI-HB1/cell-1-003: 2 features have this name",
        "layer spaces, EYI-HB1/cell-1-010: it has no way along the spans to a distributor",
        "layer spans, dot: it has no length",
        "layer walls, EYI-HB1/party-1-001: material is 'cheese'",
        "layer walls, EYI-HB1/party-1-003: material is blank",
        "layer doors: its coordinates are in WGS 84; save it in EPSG:27700",
    ):
        assert part in said
    assert said.count("it has heights, in 3D; save the layer in 2D") == 1
    assert f"EYI-HB1/outlet-1-002 and {others} others: it has heights" in said
    assert not (spare.root / "inputs" / "surveys").exists()


def test_a_prison_without_walls_is_not_imported(spare, draft):
    cells = (gpd.read_file(draft.path, layer="spaces")["kind"] == "cell").sum()
    draft.layer("walls", lambda walls: walls[:0])

    said = spare.refusal("estate", "import", "survey", draft.path)

    assert "1 problem in elmley.gpkg" in said
    assert f"EYI-HB1/cell-1-002 and {cells - 2} others: it stands in the open" in said
    assert "draw its walls" in said
    assert not (spare.root / "inputs" / "surveys").exists()


def test_a_survey_with_easting_and_northing_swapped_is_not_imported(spare, draft):
    for layer, _ in pyogrio.list_layers(draft.path):
        if layer != "layer_styles":
            draft.layer(
                layer,
                lambda f: f.set_geometry(shapely.transform(f.geometry, lambda at: at[:, ::-1])),
            )

    said = spare.refusal("estate", "import", "survey", draft.path)

    assert "1 problem in elmley.gpkg" in said
    assert "km from where the register has Elmley" in said
    assert "its easting and northing are swapped: exchange them in every layer" in said
    assert not (spare.root / "inputs" / "surveys").exists()


def test_an_outline_that_does_not_close_is_found(spare, draft):
    with closing(sqlite3.connect(draft.path)) as database:
        database.execute("PRAGMA trusted_schema = 1")
        (fid, blob) = database.execute(
            "SELECT fid, geom FROM spaces WHERE space_id = 'EYI-HB1/cell-1-001'"
        ).fetchone()
        for (name,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'spaces'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        # The last corner of the ring, which repeats the first, is the last 16 bytes.
        opened = blob[:-16] + bytes(16)
        database.execute("UPDATE spaces SET geom = ? WHERE fid = ?", (opened, fid))
        database.commit()

    said = spare.refusal("estate", "import", "survey", draft.path)

    assert "layer spaces, EYI-HB1/cell-1-001: its geometry cannot be read" in said
    assert "an outline that does not close; draw it again" in said


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_half_copied_file_is_refused(spare, draft, share):
    whole = draft.path.read_bytes()
    draft.path.write_bytes(whole[: int(share * len(whole))])

    said = spare.refusal("estate", "import", "survey", draft.path)

    assert "it is damaged or half-copied; copy the file again, whole" in said
    assert not (spare.root / "inputs" / "surveys").exists()


def test_a_prison_without_a_design_ends_the_plan_and_leaves_the_old_one(spare, draft):
    def stretched(frame):
        frame.loc[frame["containment"] != "drop", "length_m"] = 5000.0
        return frame

    draft.layer("spans", stretched)
    spare.answer("estate", "import", "survey", draft.path)
    before = (spare.root / "out" / "plan.json").read_bytes()

    result = spare.run("estate", "plan")

    assert (result.exit_code, result.stdout) == (4, "")
    first, *rest = result.stderr.splitlines()
    assert first == "error: 6 wings have no design that keeps every rule"
    assert rest[0].startswith("  try: change what stands beside each wing below")
    headings = [line for line in rest if line.startswith("  wing EYI-HB")]
    assert [line[:14] for line in headings] == [f"  wing EYI-HB{n}" for n in range(1, 7)]
    for line in headings:
        assert re.search(r"no design keeps every rule for \d+ of \d+ cells; draw a distrib", line)
    assert rest[2].startswith("  EYI-HB1, cell EYI-HB1-")
    assert "because" not in result.stderr
    assert (spare.root / "out" / "plan.json").read_bytes() == before


def test_what_a_prison_without_a_design_is_told_to_try_is_enough(small, tmp_path):
    def stretched(frame):
        frame.loc[frame["containment"] != "drop", "length_m"] = 4999.0
        return frame

    path = tmp_path / "elmley.gpkg"
    small.answer("estate", "survey", "EYI", "--out", path)
    Draft(path).layer("spans", stretched)
    small.answer("estate", "import", "survey", path)
    refused = small.run("estate", "plan")
    assert refused.exit_code == 4
    limit = re.search(r"a permanent_link_m of ([\d.]+) in inputs/assumptions.csv", refused.stderr)[
        1
    ]

    assumptions = small.root / "inputs" / "assumptions.csv"
    was, now = "permanent_link_m,m,90,90,90,", f"permanent_link_m,m,{limit},{limit},{limit},"
    text = assumptions.read_text(encoding="utf-8")
    assert was in text
    assumptions.write_text(text.replace(was, now), encoding="utf-8")

    small.answer("estate", "plan")


def test_a_wing_whose_data_cabling_stands_says_that_no_link_is_new(small, tmp_path):
    path = tmp_path / "elmley.gpkg"
    small.answer("estate", "survey", "EYI", "--out", path)
    draft = Draft(path)
    rack = draft.geometry("distributors", "EYI-HB1/distributor")
    outlets = gpd.read_file(path, layer="outlets")
    facts = {"state": "existing", "switch_ports_free": 24, "rack_units_free": 9}
    draft.change("distributors", "EYI-HB1/distributor", **facts)
    blank = gpd.read_file(path, layer="cables").columns
    links = [
        {"cable_id": f"link-{number}", "wing": "HB1", "kind": "cat6a", "floor": 0, "cable_count": 1}
        | {"state": "existing", "to_floor": at.floor, "length_m": 60.0}
        | {"geometry": LineString([rack, at.geometry])}
        for number, at in enumerate(outlets[outlets["wing"] == "HB1"].itertuples())
    ]
    frame = gpd.GeoDataFrame(links, crs="EPSG:27700").reindex(columns=blank)
    draft.layer("cables", lambda _: frame)
    small.answer("estate", "import", "survey", path)
    small.answer("estate", "plan")

    wing, spur = (
        small.run("estate", "explain", place).stdout for place in ("EYI/HB1", "EYI/HB1/s1")
    )

    assert "cabling ends in: nearest comms room; no copper link is new\n" in wing
    assert wing.count("reuses the data cabling of 6 of 6 cells") == 2
    assert "longest link" not in spur

"""The estates that tests of several modules plan, read from the shipped facts."""

import csv
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from shapely import LineString, Point

from estate.cabling.cache import DesignCache
from estate.catalogue import Assumptions, Catalogue
from estate.pipeline import Designing, make_plan, read_inputs, sizings_of
from estate.sources.survey import Feature, Survey
from estate.survey import draft
from estate.survey.draft import BLANK
from estate.workspace import Settings, create


@pytest.fixture(scope="session", autouse=True)
def planning_keeps_designs(kept_designs):
    """Make every plan of these tests use and keep designs, as the command does."""
    kept = partial(Designing, cache=DesignCache(kept_designs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("estate.pipeline.Designing", kept)
        yield


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """Return the inputs of the example workspace: six prisons, one of them counted in another."""
    root = tmp_path_factory.mktemp("small") / "example"
    return read_inputs(create(root, template="example"))


@pytest.fixture(scope="session")
def example_plan(example, workspace):
    """Return the plan of the example workspace; `workspace` has its designs made by then."""
    assert workspace.is_dir()
    return make_plan(example, Settings())


@pytest.fixture(scope="session")
def hamlet_workspace(tmp_path_factory):
    """Return a workspace of two small prisons, whose wings are designed in a moment.

    Elmley has two wings alike, of 12 cells on two landings in concrete, and Moorland a dormitory
    of 6 rooms in brick, where access points pay.
    """
    workspace = create(tmp_path_factory.mktemp("small") / "hamlet", template="example")
    places = {"EYI": "24", "MDI": "6"}
    block = {"spurs": "2+2+2", "landings": "2", "cells_per_landing": "6", "cells": "12"}
    rooms = {"spurs": "", "landings": "1", "cells_per_landing": "6", "cells": "6"}
    brick = {"typology": "dormitory", "material": "brick", "thickness_mm": "215"}
    wings = {("EYI", "HB1"): block, ("EYI", "HB2"): block, ("MDI", "1"): {**rooms, **brick}}
    with edited(workspace.inputs / "register.csv") as rows:
        rows[:] = [row for row in rows if row["prison_id"] in places]
        for row in rows:
            for column in ("baseline_cna", "operational_capacity", "population"):
                row[column] = places[row["prison_id"]]
    with edited(workspace.inputs / "wings.csv") as rows:
        rows[:] = [row | wings.get((row["prison_id"], row["wing"]), {"wing": ""}) for row in rows]
        rows[:] = [row for row in rows if row["wing"]]
    return workspace


@contextmanager
def edited(path):
    """Yield the rows of a CSV file, and write them as they then are."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = list(rows[0])
    yield rows
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="session")
def hamlet(hamlet_workspace):
    """Return the inputs of the two small prisons."""
    return read_inputs(hamlet_workspace)


@pytest.fixture(scope="session")
def hamlet_plan(hamlet):
    """Return the plan of the two small prisons."""
    return make_plan(hamlet, Settings())


@pytest.fixture(scope="session")
def elmley_joined(hamlet):
    """Return a function that returns a draft of Elmley's two wings with a duct between them.

    It leads for so many metres from where the way to its comms room enters one to there in the
    other; `change` is told each feature and returns it as it is to be.
    """

    def joined(length_m, change=lambda feature: feature, inputs=hamlet):
        drawn = draft(sizings_of(inputs)["EYI"], at=(600_000.0, 170_000.0))
        ends = [_inner_end(drawn, wing) for wing in ("HB1", "HB2")]
        facts = {"span_id": "between", "wing": "HB1", "containment": "duct", "length_m": length_m}
        between = Feature(
            layer="spans",
            facts={**BLANK["spans"], "floor": 0, "state": "new", **facts},
            geometry=LineString(ends),
        )
        layers = {**drawn.layers, "spans": (*drawn.layers["spans"], between)}
        return Survey(
            layers={name: tuple(map(change, features)) for name, features in layers.items()}
        )

    return joined


def _inner_end(survey, wing):
    """Return the end of a wing's way to its comms room that is not at the rack."""
    (link,) = (s for s in survey.layers["spans"] if s.name == f"EYI-{wing}/comms-link")
    (rack,) = (d for d in survey.layers["distributors"] if d.text("wing") == wing)
    return max(link.geometry.coords, key=lambda end: Point(end).distance(rack.geometry))


@pytest.fixture(scope="session")
def england_wales(tmp_path_factory):
    """Return the inputs of England and Wales."""
    root = tmp_path_factory.mktemp("large") / "england-wales"
    return read_inputs(create(root, template="england-wales"))


@pytest.fixture(scope="session")
def catalogue(example):
    """Return the shipped rates and assumptions over ten years."""
    return Catalogue(rates=example.rates, assumptions=example.assumptions, appraisal_years=10)


@pytest.fixture(scope="session")
def leeds(example):
    """Return Leeds as the register has it: 669 places of CNA, 1,212 of capacity, 1,138 people."""
    return next(prison for prison in example.establishments if prison.prison_id == "LEI")


@pytest.fixture(scope="session")
def assuming():
    """Return a function that returns assumptions with other values for some of them."""

    def changed(assumptions, values):
        standing = assumptions.by_key
        return Assumptions(
            {**standing, **{k: replace(standing[k], value=value) for k, value in values.items()}}
        )

    return changed


T = 0.2  # Of every wall of the cell block, in metres.
WALLS_X = (0.0, 3.2, 6.4, 9.6)
WALLS_Y = (0.0, 4.0, 6.2, 10.2)


def _cell_walls():
    """Yield (x, y, x, y) of the walls of a landing of 9.4 by 2 m, three cells on either side."""
    for y in WALLS_Y:
        yield 0.0, y, WALLS_X[-1] + T, y + T
    for x in WALLS_X:
        for low, high in ((T, WALLS_Y[1]), (WALLS_Y[2] + T, WALLS_Y[3])):
            yield x, low, x + T, high
    for x in (WALLS_X[0], WALLS_X[-1]):
        yield x, WALLS_Y[1] + T, x + T, WALLS_Y[2]


def _cells():
    """Yield (number, its box, the y of the wall with its door, which is 0.9 m wide) of each cell.

    The door begins 1 m along the cell.
    """
    for side, (low, high) in enumerate(((T, WALLS_Y[1]), (WALLS_Y[2] + T, WALLS_Y[3]))):
        for index, x in enumerate(WALLS_X[:-1]):
            yield 3 * side + index + 1, (x + T, low, x + T + 3.0, high), WALLS_Y[1 + side]


class _IfcBlock:
    """An IFC model of the cell block being built."""

    def __init__(self, unit, schema):
        from ifcopenshell.api import run

        self.run = run
        self.per_m = {"METERS": 1.0, "MILLIMETERS": 1000.0}[unit]
        self.model = run("project.create_file", version=schema)
        if schema == "IFC2X3":  # There everything has an owner.
            person = run("owner.add_person", self.model)
            firm = run("owner.add_organisation", self.model)
            both = {"person": person, "organisation": firm}
            run("owner.add_person_and_organisation", self.model, **both)
            run("owner.add_application", self.model, application_developer=firm)
        project = run("root.create_entity", self.model, ifc_class="IfcProject", name="Prison")
        run("unit.assign_unit", self.model, length={"is_metric": True, "raw": unit})
        whole = run("context.add_context", self.model, context_type="Model")
        self.body = run(
            "context.add_context",
            self.model,
            context_type="Model",
            context_identifier="Body",
            target_view="MODEL_VIEW",
            parent=whole,
        )
        self.building = self.part("IfcBuilding", "Block", project)

    def part(self, kind, name, whole):
        """Add a part of the spatial structure."""
        part = self.run("root.create_entity", self.model, ifc_class=kind, name=name)
        self.run("aggregate.assign_object", self.model, products=[part], relating_object=whole)
        return part

    def box(self, product, box, *, z, height):
        """Give a product the body of an upright box, in metres."""
        matrix = np.eye(4)
        matrix[:3, 3] = (box[0], box[1], z)
        self.run("geometry.edit_object_placement", self.model, product=product, matrix=matrix)
        x, y = ((box[2 + i] - box[i]) * self.per_m for i in (0, 1))
        make = self.model
        corners = [(0.0, 0.0), (x, 0.0), (x, y), (0.0, y), (0.0, 0.0)]
        line = make.createIfcPolyline([make.createIfcCartesianPoint(point) for point in corners])
        area = make.createIfcArbitraryClosedProfileDef("AREA", None, line)
        origin = make.createIfcCartesianPoint((0.0, 0.0, 0.0))
        solid = make.createIfcExtrudedAreaSolid(
            area,
            make.createIfcAxis2Placement3D(origin, None, None),
            make.createIfcDirection((0.0, 0.0, 1.0)),
            height * self.per_m,
        )
        shape = make.createIfcShapeRepresentation(self.body, "Body", "SweptSolid", [solid])
        self.run("geometry.assign_representation", make, product=product, representation=shape)

    def product(self, kind, name, storey, box, *, height=2.8):
        """Add a product to a storey, as high above the ground as that is."""
        product = self.run("root.create_entity", self.model, ifc_class=kind, name=name)
        self.box(product, box, z=storey.Elevation / self.per_m, height=height)
        self.run(
            "spatial.assign_container", self.model, products=[product], relating_structure=storey
        )
        return product

    def storey(self, floor, *, spaces):
        """Add a storey with its walls, doors and, if wanted, spaces."""
        storey = self.part("IfcBuildingStorey", f"Level {floor}", self.building)
        storey.Elevation = 3.0 * floor * self.per_m
        walls = {box: self.product("IfcWall", "Wall", storey, box) for box in _cell_walls()}
        concrete = self.run("material.add_material", self.model, name="Precast concrete C40")
        self.run(
            "material.assign_material", self.model, products=list(walls.values()), material=concrete
        )
        by_y = {box[1]: wall for box, wall in walls.items() if box[0] == 0.0 and box[2] > 1}
        for number, (x, low, right, high), y in _cells():
            opening = self.run("root.create_entity", self.model, ifc_class="IfcOpeningElement")
            hole = (x + 1.0, y - 0.05, x + 1.9, y + T + 0.05)
            self.box(opening, hole, z=3.0 * floor, height=2.1)
            self.run("feature.add_feature", self.model, feature=opening, element=by_y[y])
            leaf = (x + 1.0, y + 0.02, x + 1.9, y + 0.07)
            door = self.product("IfcDoor", "Door", storey, leaf, height=2.1)
            self.run("feature.add_filling", self.model, opening=opening, element=door)
            if spaces:
                space = self.part("IfcSpace", f"{number:03d}", storey)
                space.LongName = "Cell"
                self.box(space, (x, low, right, high), z=3.0 * floor, height=2.8)
        if spaces:
            landing = self.part("IfcSpace", "Landing", storey)
            box = (T, WALLS_Y[1] + T, WALLS_X[-1], WALLS_Y[2])
            self.box(landing, box, z=3.0 * floor, height=2.8)
        kind = "IfcFurnishingElement" if self.model.schema == "IFC2X3" else "IfcFurniture"
        self.product(kind, "Table", storey, (4.0, 5.0, 5.0, 5.5), height=0.7)


@pytest.fixture
def write_ifc(tmp_path):
    """Return a function that writes a cell block of two storeys as IFC.

    Each storey has three cells of 3 m by 3.8 m on either side of its landing, and a table.
    """

    def write(name="block.ifc", *, unit="METERS", spaces=True, schema="IFC4"):
        block = _IfcBlock(unit, schema)
        for floor in (0, 1):
            block.storey(floor, spaces=spaces)
        block.model.write(str(tmp_path / name))
        return tmp_path / name

    return write


@pytest.fixture
def write_dxf(tmp_path):
    """Return a function that writes a landing of the cell block as DXF, and returns its path.

    Walls are drawn by their two faces, broken at each door, whose block has a leaf and its swing.
    """
    import ezdxf

    def write(name="block.dxf", *, insunits=4, per_m=1000.0, labels=True, change=None):
        document = ezdxf.new()
        document.header["$INSUNITS"] = insunits
        space = document.modelspace()
        door = document.blocks.new("DOOR-900")
        door.add_line((0, 0), (0, 0.9 * per_m))
        door.add_arc((0, 0), 0.9 * per_m, 0, 90)
        for box in _faces():
            points = [(x * per_m, y * per_m) for x, y in box]
            space.add_lwpolyline(points, close=True, dxfattribs={"layer": "A-WALL"})
        for number, (x, low, _, _), y in _cells():
            at = ((x + 1.0) * per_m, (y + T / 2) * per_m)
            space.add_blockref("DOOR-900", at, dxfattribs={"layer": "A-DOOR"})
            if labels:
                text = space.add_text(f"Cell {number}", dxfattribs={"layer": "A-TEXT"})
                text.dxf.insert = ((x + 1.5) * per_m, (low + 1.5) * per_m)
        if labels:
            text = space.add_mtext("Landing", dxfattribs={"layer": "A-TEXT"})
            text.dxf.insert = (5 * per_m, 5 * per_m)
        if change:
            change(document, space)
        document.saveas(tmp_path / name)
        return tmp_path / name

    return write


def _faces():
    """Yield the outlines of the stretches of wall between doors."""
    doors = [(x + 1.0, x + 1.9, y) for _, (x, _, _, _), y in _cells()]
    for x0, y0, x1, y1 in _cell_walls():
        gaps = sorted((left, right) for left, right, y in doors if y == y0 and x1 - x0 > 1)
        ends = [x0, *(end for gap in gaps for end in gap), x1]
        for left, right in zip(ends[::2], ends[1::2], strict=True):
            yield (left, y0), (right, y0), (right, y1), (left, y1)


@pytest.fixture(scope="session")
def elmley_ground(hamlet):
    """Return the draft of Elmley with a core, a chamber, and a duct from each wing to that."""
    drawn = draft(sizings_of(hamlet)["EYI"], at=(597_000.0, 168_000.0))
    racks = {f.name: (f.geometry.x, f.geometry.y) for f in drawn.layers["distributors"]}
    core, chamber = (597_100.0, 168_100.0), (597_100.0, 168_060.0)
    lines = {
        "trunk": (chamber, core, 40.0),
        "to-hb1": (racks["EYI-HB1/distributor"], chamber, None),
        "to-hb2": (racks["EYI-HB2/distributor"], chamber, None),
        "round": (racks["EYI-HB1/distributor"], core, None),
    }
    facts = {"floor": 0, "surveyed_by": "J. Smith", "surveyed_on": "2026-09-14"}
    ducts = tuple(
        Feature(
            layer="spans",
            facts={
                **BLANK["spans"],
                **facts,
                "span_id": name,
                "containment": "duct",
                "state": "existing" if name == "trunk" else "new",
                "length_m": length_m,
            },
            geometry=LineString([start, end]),
        )
        for name, (start, end, length_m) in lines.items()
    )
    rack = {"distributor_id": "core", "kind": "campus_distributor", "state": "existing"}
    campus = Feature(
        layer="distributors",
        facts={**BLANK["distributors"], **facts, **rack},
        geometry=Point(core),
    )
    layers = {
        **drawn.layers,
        "spans": (*drawn.layers["spans"], *ducts),
        "distributors": (*drawn.layers["distributors"], campus),
    }
    return replace(drawn, layers=layers)

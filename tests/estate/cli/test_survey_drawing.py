"""A survey that begins with a drawing: read, completed as by a person, imported, planned from."""

import geopandas as gpd
import pytest


def edit(path, layer, change):
    frame = change(gpd.read_file(path, layer=layer))
    frame.to_file(path, layer=layer, driver="GPKG")


@pytest.fixture
def folder(tmp_path, write_ifc, monkeypatch):
    """Return the folder that commands run in, with the drawing block.ifc."""
    write_ifc()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_ifc_drawing_of_a_wing_is_imported_and_planned(spare, write_ifc, tmp_path):
    path = tmp_path / "elmley.gpkg"

    drawn = spare.answer(
        "estate", "survey", "EYI", "--from", write_ifc(), "--wing", "HB1", "--out", path
    )
    imported = spare.answer("estate", "import", "survey", path)
    spare.answer("estate", "plan")

    assert (drawn["origin"], drawn["wings"]) == ("drawing", 6)
    assert drawn["drawing"] == {
        "file": "block.ifc",
        "unit": "metre",
        "moved": True,
        "walls": 28,
        "doors": 12,
        "spaces": 14,
        "cells": 12,
        "keys": 12,
        "unread": [
            {
                "what": "IfcFurniture",
                "layer": f"Level {floor}",
                "why": "not part of a survey",
                "count": 1,
            }
            for floor in (0, 1)
        ],
    }
    cells = {wing["wing"]: (wing["cells"], wing["cells_before"]) for wing in imported["wings"]}
    assert cells["HB1"] == (12, 114)
    assert cells["HB2"] == (114, 114)
    assert spare.answer("estate", "explain", "EYI/HB1")["cells"] == 12


def test_a_dxf_drawing_is_imported_once_its_keys_are_given(spare, write_dxf, tmp_path):
    path = tmp_path / "elmley.gpkg"
    drawing = write_dxf(labels=False)
    words = ("estate", "survey", "EYI", "--from", drawing, "--wing", "HB1", "--out", path)

    text = spare.run(*words).stdout

    assert "read: block.dxf, in mm, by $INSUNITS: 10 walls, 6 doors, 7 spaces, 6 of them cells" in (
        text
    )
    assert "to add: the location keys of 6 cells" in text
    said = spare.refusal("estate", "import", "survey", path)
    assert "6 problems in elmley.gpkg" in said
    assert said.count("it is a cell and has no location_key") == 6

    def keyed(spaces):
        cells = spaces["space_id"].str.startswith("EYI-HB1/") & (spaces["kind"] == "cell")
        numbers = cells.cumsum()[cells]
        spaces.loc[cells, "location_key"] = [f"EYI-HB1-1-{number:03d}" for number in numbers]
        return spaces

    edit(path, "spaces", keyed)
    imported = spare.answer("estate", "import", "survey", path)
    assert {wing["wing"]: wing["cells"] for wing in imported["wings"]}["HB1"] == 6


def test_what_was_not_understood_is_said_and_how_to_say_it(spare, write_dxf, tmp_path):
    def foreign(_, space):
        for entity in space.query("LWPOLYLINE"):
            entity.dxf.layer = "MUR"

    drawing = write_dxf(change=foreign)
    words = ("estate", "survey", "EYI", "--from", drawing, "--out", tmp_path / "a.gpkg")
    layers = tmp_path / "layers.toml"
    layers.write_text('[layers]\nwalls = ["mur"]\n')

    said = spare.refusal(*words)
    text = spare.run(*words, "--layers", layers).stdout

    assert "block.dxf has no layer that is known to hold walls" in said
    assert "name them in --layers FILE.toml: [layers], walls = [...]; it has " in said
    assert "MUR" in said
    assert "10 walls, 6 doors, 7 spaces" in text


def test_units_are_asked_for_and_taken(spare, write_dxf, tmp_path):
    drawing = write_dxf(insunits=0)
    path = tmp_path / "a.gpkg"
    words = ("estate", "survey", "EYI", "--from", drawing, "--out", path)

    assert "does not say in which units it is drawn" in spare.refusal(*words)
    assert not path.exists()
    assert spare.answer(*words, "--units", "mm")["drawing"]["unit"] == "mm, by --units"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "plan.pdf"), 3, "plan.pdf is neither an IFC nor a DXF file by its name"),
        (("--from", "none.dxf"), 3, "there is no such file"),
        (("--wing", "HB1"), 2, "say how to read a drawing: give --from"),
        (("--from", "block.ifc", "--units", "mm"), 2, "an IFC file has its own units"),
        (("--from", "block.ifc", "--wing", "HB9"), 3, "is planned without a wing HB9"),
    ],
)
def test_a_drawing_that_cannot_be_taken_is_refused(spare, folder, words, code, said):
    result = spare.run("estate", "survey", "EYI", *words, "--out", folder / "a.gpkg")

    assert result.exit_code == code
    assert said in " ".join(result.stderr.split())
    assert not (folder / "a.gpkg").exists()


def test_help_documents_every_field_of_what_was_read(spare, write_ifc, tmp_path):
    words = ("--from", write_ifc(), "--out", tmp_path / "a.gpkg")
    read = spare.answer("estate", "survey", "EYI", *words)["drawing"]

    text = spare.run("estate", "survey", "-h").stdout

    fields = {*read, *read["unread"][0]}
    assert [field for field in sorted(fields) if field not in text] == []

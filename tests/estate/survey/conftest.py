"""A small prison to survey, and the means to edit its survey as a person does."""

import shutil
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pytest

from estate.model import Grade, Wing, WingShape
from estate.sizing import Sizing
from estate.sources.survey import scan_survey
from estate.sources.survey_layers import write_survey
from estate.survey import draft, surveyed
from estate.survey.check import survey_problems

CENTRE = (430_000.0, 433_000.0)  # Near Leeds.
SHAPE = WingShape(
    typology="two_spur_block",
    layout=((3, 2), (2, 2)),
    material="concrete",
    thickness_mm=200,
    distance_to_comms_m=45.0,
    cabling="unknown",
)
ASSUMED = ("cells", "layout", "dimensions", "construction", "distance_to_comms_m")


def a_wing(code, **changes):
    """Return a wing of nine cells on two landings, of which nothing is known."""
    wing = Wing(
        prison_id="LEI",
        wing=code,
        name=f"Wing {code}",
        shape=SHAPE,
        cells_low=8.0,
        cells_high=10.0,
        grade=Grade.ASSUMED,
        assumed=ASSUMED,
        power="unknown",
        asbestos="unknown",
        listed="unknown",
        decant_possible="unknown",
        surveyed_on="",
        source="typology",
        basis="two-spur block, typical, not this prison",
    )
    return replace(wing, **changes)


class Sheet:
    """A survey on the disk, edited layer by layer as with any GIS, and read again."""

    def __init__(self, path):
        self.path = path

    def read(self, layer):
        """Return a layer as a frame."""
        return gpd.read_file(self.path, layer=layer, engine="pyogrio")

    def write(self, layer, frame):
        """Put a frame in place of a layer."""
        frame.to_file(self.path, layer=layer, driver="GPKG", engine="pyogrio")

    def change(self, layer, name, **values):
        """Change columns, or the geometry, of the feature of that name."""
        frame = self.read(layer)
        row = frame.index[frame.iloc[:, 0] == name]
        assert len(row) == 1, f"{layer} has {len(row)} features called {name}"
        for column, value in values.items():
            frame.loc[row[0], column] = value
        self.write(layer, frame)

    def delete(self, layer, *names):
        """Delete features by name."""
        frame = self.read(layer)
        gone = frame.iloc[:, 0].isin(names)
        assert gone.sum() == len(names)
        self.write(layer, frame[~gone])

    def add(self, layer, **values):
        """Draw a feature of which only these columns are filled."""
        frame = self.read(layer)
        drawn = {column: values.get(column) for column in frame.columns}
        rows = [*frame.to_dict("records"), drawn]
        self.write(layer, gpd.GeoDataFrame(rows, columns=frame.columns, crs="EPSG:27700"))

    def geometry(self, layer, name):
        """Return the geometry of the feature of that name."""
        frame = self.read(layer)
        return frame.geometry[frame.iloc[:, 0] == name].iloc[0]

    def sign(self, *layers):
        """Sign every feature of these layers, as one who measured them would."""
        for layer in layers:
            frame = self.read(layer)
            frame["surveyed_by"] = "J. Smith"
            frame["surveyed_on"] = "2026-09-14"
            self.write(layer, frame)

    def problems(self):
        """Return (place, what) of every problem."""
        reading = scan_survey(self.path)
        found = [*reading.problems, *survey_problems(reading.survey, known=["LEI", "MDI"])]
        assert all(problem.cure for problem in found)
        return [(problem.place, problem.what) for problem in found]

    def survey(self):
        """Return the survey, which must be without fault."""
        assert self.problems() == []
        return scan_survey(self.path).survey


@pytest.fixture(scope="session")
def sizing():
    """Return a prison of two wings of nine cells each."""
    return Sizing(wings=(a_wing("A"), a_wing("B")), basis="18 cells, assumed")


@pytest.fixture(scope="session")
def drafted(sizing, tmp_path_factory):
    """Return the path of the draft of that prison, to be copied and never changed."""
    path = tmp_path_factory.mktemp("draft") / "leeds.gpkg"
    write_survey(draft(sizing, at=CENTRE), path, prison="Leeds (HMP)", marking="OFFICIAL")
    return path


@pytest.fixture
def sheet(drafted, tmp_path):
    """Return the draft of that prison, to be edited at will."""
    return Sheet(Path(shutil.copy(drafted, tmp_path / "leeds.gpkg")))


@pytest.fixture
def wing():
    """Return a function that returns a wing of nine cells."""
    return a_wing


@pytest.fixture
def result(sheet, sizing):
    """Return a function that returns what the survey on the disk makes of the prison."""
    return lambda: surveyed(sizing, sheet.survey(), prison_id="LEI")

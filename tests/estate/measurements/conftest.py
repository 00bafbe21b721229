"""A wing with readings in it, made by the model itself with losses that are known."""

import csv
import json

import numpy as np
import pytest

from estate.measurements import Building, Target, import_measurements
from estate.model import WingShape
from estate.network import placed
from estate.radio.paths import trace
from estate.radio.propagation import Propagation, path_loss_db
from estate.radio.scene import middle_of
from estate.typology import lay_out

SHAPE = WingShape(
    typology="two_spur_block",
    layout=((8, 8), (8, 8)),
    material="concrete",
    thickness_mm=200,
    distance_to_comms_m=45.0,
)
TRUTH = Propagation(door_loss_db=22.0, wall_extra_db={"concrete": 5.0})


def readings_in(building, truth=TRUTH, *, level_db=-4.0):
    """Return what devices in every cell would read of five access points in cells."""
    places = {
        key: (*middle_of(cell), cell.floor * building.storey_height_m)
        for key, cell in building.cells.items()
    }
    senders = list(places)[1::4]
    paths = trace(
        building.scene,
        access_points_m=np.add([places[key] for key in senders], (0, 0, 2.3)),
        receivers_m=np.add(list(places.values()), (0, 0, 1.0)),
    )
    loss_db = path_loss_db(paths, frequency_ghz=5.5, propagation=truth).total_db
    return [
        {
            "access_point": f"AP in {sender}",
            "signal_dbm": f"{20 + level_db - loss_db[row, column]:.1f}",
            "frequency_mhz": "5500",
            "cell": cell,
            "ap_cell": sender,
            "eirp_dbm": "20",
        }
        for row, sender in enumerate(senders)
        for column, cell in enumerate(places)
        if 20 + level_db - loss_db[row, column] > -100
    ]


class Desk:
    """A folder of inputs into which files of readings are imported."""

    def __init__(self, folder, assumptions, building):
        self.inputs = folder / "inputs"
        self.inputs.mkdir()
        self.folder = folder
        self.building = building
        self.buildings = {}
        self.assumptions = assumptions

    def write(self, rows, name="leeds.csv"):
        """Write rows to a file, and return its path."""
        path = self.folder / name
        if name.endswith(".json"):
            path.write_text(json.dumps({"schema": 1, "readings": rows}), encoding="utf-8")
            return path
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(k for row in rows for k in row)))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def take(self, rows, name="leeds.csv", **options):
        """Import rows and return what was done."""
        target = Target(
            inputs=self.inputs,
            prisons=["LEI", "MDI"],
            buildings=lambda _: self.buildings or {self.building.key: self.building},
            assumptions=self.assumptions,
            **options,
        )
        return import_measurements(self.write(rows, name), target)

    def kept(self):
        """Return the names of all files of the inputs."""
        return sorted(str(p.relative_to(self.inputs)) for p in self.inputs.rglob("*.csv"))


@pytest.fixture(scope="session")
def wing():
    """Return a wing of 32 concrete cells on two landings, LEI-A."""
    network = placed(lay_out(SHAPE), prefix="LEI-A", offset=(0.0, 0.0))
    return Building(key="LEI-A", network=network, storey_height_m=2.8, is_surveyed=False)


@pytest.fixture(scope="session")
def readings(wing):
    """Return what would be read there."""
    return readings_in(wing)


@pytest.fixture(scope="session")
def read_in():
    """Return the function that returns what would be read in a wing, were the losses so."""
    return readings_in


@pytest.fixture
def desk(tmp_path, example, wing):
    """Return a desk at which readings of that wing are imported."""
    return Desk(tmp_path, example.assumptions, wing)

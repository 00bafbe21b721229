"""Radio against tables and measurements that lie outside the repository."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.measured_buildings import write_readings
from estate.radio.capacity import AC, AX
from estate.radio.channels import Band, channels
from estate.radio.materials import read_materials
from estate.radio.slab import polarised_powers, slab_losses_db
from wingspan import main

SHARED = Path(__file__).resolve().parents[3] / "shared"
TABLES = SHARED / "facts" / "tables"
MEASURED = SHARED / "bench" / "real" / "wifi_rss_rtt"

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir() and not os.environ.get("CI"), reason="../shared is not here"
)

# Their names: ours.
MATERIALS = {"wood": "timber"}
GENERATIONS = {"802.11ac": AC, "802.11ax": AX}


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_slab_of_the_table_is_within_a_hundredth_of_a_decibel():
    table = rows(TABLES / "slab_loss_computed.csv")
    cosines = np.cos(np.radians([0.0, 45.0, 70.0]))

    off_db = []
    for row in table:
        material = read_materials()[MATERIALS.get(row["material"], row["material"])]
        facts = {"thickness_mm": float(row["thickness_mm"]), "frequency_ghz": float(row["f_ghz"])}
        mean_db = slab_losses_db(material, cosines=cosines, **facts)
        te_db, tm_db = (
            -10 * np.log10(p) for p in polarised_powers(material, cosines=cosines, **facts)
        )
        found = [mean_db[0], te_db[1], tm_db[1], mean_db[1], te_db[2], tm_db[2], mean_db[2]]
        names = [name for name in row if name.startswith("loss_")]
        off_db += [abs(a - float(row[name])) for a, name in zip(found, names, strict=True)]

    assert len(table) == 68
    assert max(off_db) <= 0.01


def test_every_rate_of_the_table_follows_from_the_formula():
    checked = 0
    for row in rows(TABLES / "mcs_rates.csv"):
        width_mhz, scheme = int(row["bw_mhz"]), int(row["mcs"])
        waveform = GENERATIONS[row["standard"]]
        rate = waveform.rate_mbps(scheme, width_mhz=width_mhz, streams=int(row["nss"]))
        assert rate == pytest.approx(float(row["rate_mbps_gi0.8us"] or 0), abs=0.051)
        checked += 1

    assert checked > 100


def test_every_channel_of_the_table_has_its_power_and_conditions():
    for row in rows(TABLES / "channels_eirp_gb.csv"):
        found = {c.number: c for c in channels(Band(row["band_ghz"]), width_mhz=20)}
        channel = found[int(row["channel_20mhz"])]
        assert channel.centre_mhz == float(row["centre_mhz"])
        assert channel.eirp_dbm_max == float(row["max_eirp_dbm"])
        assert channel.radar_detection is (row["dfs"] == "yes")
        assert channel.indoor_only is (row["indoor_only"] == "yes")


@pytest.mark.parametrize(
    ("site", "unsettled"),
    [
        # Entirely in line of sight: nothing can be said of what is not.
        ("lecture_theatre", ["exponent_out_of_sight", "out_of_sight_db"]),
        ("office", []),
    ],
)
def test_a_measured_building_is_predicted_within_4_5_db_where_it_was_not_fitted(
    site, unsettled, tmp_path
):
    workspace, file = tmp_path / "workspace", tmp_path / "readings.csv"
    write_readings(site, source=MEASURED, target=file)
    created = CliRunner().invoke(main, ["init", str(workspace), "--from", "example"])
    assert created.exit_code == 0, created.output

    words = ["estate", "import", "measurements", str(file), "--site", site, "--json"]
    result = CliRunner().invoke(main, ["-C", str(workspace), *words])

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["rmse_db_after"] <= 4.5
    assert found["rmse_db_after"] < found["rmse_db_before"]
    assert found["unsettled"] == unsettled

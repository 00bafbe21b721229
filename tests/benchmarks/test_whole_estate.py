"""The estates that the growth of a plan is measured on, and how growth is told from size."""

from __future__ import annotations

import shutil
import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.measuring import Cost, growth_exponent, measured
from benchmarks.resampling import resample, resampled
from estate.sources.register import read_register
from estate.sources.wings import read_wings
from estate.workspace import SHIPPED

WITH_A_UNIT_INSIDE = [
    {
        "prison_id": prison_id,
        "latitude": latitude,
        "baseline_cna": "100",
        "operational_capacity": "",
        "population": "120",
        "counted_in": counted_in,
    }
    for prison_id, latitude, counted_in in (
        ("UNI", "51.1", "HOM"),
        ("HOM", "51.2", ""),
        ("OTH", "51.3", ""),
    )
]
WINGS = [{"prison_id": "HOM", "wing": "A"}, {"prison_id": "HOM", "wing": "B"}]


@pytest.mark.parametrize("prisons", [1, 10, 127, 300])
def test_a_resampled_estate_passes_the_readers_and_has_its_size(tmp_path, prisons):
    for name in ("register.csv", "wings.csv"):
        shutil.copyfile(SHIPPED[name], tmp_path / name)

    resample(tmp_path, prisons=prisons, seed=1)

    known = {prison.prison_id for prison in read_register(tmp_path / "register.csv")}
    read_wings(tmp_path / "wings.csv", known=known)  # It raises on a wing of another prison.
    assert len(known) == prisons


@given(prisons=st.integers(1, 40), seed=st.integers(0, 2**32))
def test_a_prison_counted_in_another_follows_the_copy_of_that_one(prisons, seed):
    register, _ = resampled(WITH_A_UNIT_INSIDE, WINGS, prisons=prisons, seed=seed)

    assert len(register) == prisons
    for before, row in pairwise([{}, *register]):
        is_unit = row["latitude"] == "51.1"
        assert row["counted_in"] == (before["prison_id"] if is_unit else "")
        assert not is_unit or before["latitude"] == "51.2"


@given(seed=st.integers(0, 2**32))
def test_capacities_move_together_by_up_to_a_tenth_and_blanks_stay_blank(seed):
    register, _ = resampled(WITH_A_UNIT_INSIDE, WINGS, prisons=3, seed=seed)

    for row in register:
        cna, population = int(row["baseline_cna"]), int(row["population"])
        assert 90 <= cna <= 110
        assert population == pytest.approx(1.2 * cna, abs=1.2)  # Each is rounded by itself.
        assert row["operational_capacity"] == ""


def test_each_copy_of_a_prison_keeps_all_its_wings():
    register, wings = resampled(WITH_A_UNIT_INSIDE, WINGS, prisons=6, seed=1)

    homes = [row["prison_id"] for row in register if row["latitude"] == "51.2"]
    assert len(homes) == 2
    assert wings == [{"prison_id": home, "wing": wing} for home in homes for wing in "AB"]


def test_the_same_seed_draws_the_same_estate_and_another_seed_another():
    first, again, other = (
        resampled(WITH_A_UNIT_INSIDE, WINGS, prisons=30, seed=seed) for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


@settings(max_examples=20)
@given(exponent=st.floats(0.2, 3), start=st.floats(0.01, 100))
def test_the_exponent_of_a_power_law_is_its_power(exponent, start):
    measures = {size: start * size**exponent for size in (10, 30, 127, 500, 1000)}

    assert growth_exponent(measures) == pytest.approx(exponent)


def test_commands_in_turn_add_up_their_times_but_not_their_memory():
    small = Cost(wall_s=2.0, cpu_s=1.0, memory_mb=300.0)
    large = Cost(wall_s=3.0, cpu_s=4.0, memory_mb=500.0)

    assert Cost.in_turn([small, large, small]) == Cost(wall_s=7.0, cpu_s=6.0, memory_mb=500.0)


def test_a_command_is_measured_down_to_its_memory_and_its_answer_kept():
    hold_200_mb = "held = b'x' * 200_000_000; print('{\"cells\": 5}')"

    cost, answer = measured([sys.executable, "-c", hold_200_mb])

    assert cost.memory_mb >= 200
    assert answer == {"cells": 5}


def test_what_measures_imports_nothing_heavy_that_would_count_as_the_memory_of_what_is_measured():
    script = "import json, sys, benchmarks.whole_estate; print(json.dumps(sorted(sys.modules)))"

    _, modules = measured([sys.executable, "-c", script])

    assert not {"numpy", "pandas", "geopandas", "distributed", "joblib"} & set(modules)


def test_a_command_that_fails_says_why():
    with pytest.raises(RuntimeError, match=r"ended with 3:\nno disk"):
        measured([sys.executable, "-c", "import sys; print('no disk', file=sys.stderr); exit(3)"])

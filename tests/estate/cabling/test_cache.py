from dataclasses import replace

import pytest

from estate.cabling.cache import DesignCache, design_catalogue
from estate.design import design_wing
from estate.estimate import Estimate
from estate.model import WingShape

SHAPE = WingShape(
    typology="two_spur_block",
    layout=((2, 2),),
    material="concrete",
    thickness_mm=200,
    distance_to_comms_m=30.0,
)


@pytest.fixture(scope="module")
def design(catalogue):
    return design_wing(SHAPE, design_catalogue(catalogue))


@pytest.fixture
def cache(tmp_path):
    return DesignCache(tmp_path / "designs")


@pytest.fixture
def kept(cache, catalogue, design):
    """Return the cache with the design of the shape in it."""
    cache.keep(design, SHAPE, design_catalogue(catalogue), None)
    return cache


def test_a_design_that_was_kept_comes_back_the_same(kept, catalogue, design):
    assert kept.find(SHAPE, design_catalogue(catalogue), None) == design


def test_what_a_design_depends_on_is_part_of_its_name(kept, catalogue, assuming):
    assumed = (
        ("containment_temperature_c", 60),
        ("radio_less_noise_db", 3),
        ("cells_per_access_point_airtime", 5),
    )
    dearer = replace(catalogue.rates["cabinet"], rate=Estimate.exactly(9))
    others = (
        *(
            replace(
                catalogue,
                assumptions=assuming(catalogue.assumptions, {key: Estimate.exactly(value)}),
            )
            for key, value in assumed
        ),
        replace(catalogue, rates={**catalogue.rates, "cabinet": dearer}),
        replace(catalogue, appraisal_years=20),
    )

    assert all(kept.find(SHAPE, design_catalogue(other), None) is None for other in others)
    assert kept.find(replace(SHAPE, thickness_mm=150), design_catalogue(catalogue), None) is None


def test_what_a_design_does_not_depend_on_leaves_it_found(kept, catalogue, design, assuming):
    busier = assuming(catalogue.assumptions, {"spare_devices": Estimate.exactly(0.5)})

    found = kept.find(SHAPE, design_catalogue(replace(catalogue, assumptions=busier)), None)

    assert found == design


def test_a_file_that_was_cut_off_is_made_anew(kept, catalogue):
    (file,) = kept.folder.iterdir()
    file.write_bytes(file.read_bytes()[:-9])

    assert kept.find(SHAPE, design_catalogue(catalogue), None) is None


def test_a_folder_that_cannot_be_written_to_stops_no_plan(tmp_path, catalogue, design):
    (tmp_path / "designs").write_text("a file, not a folder")

    DesignCache(tmp_path / "designs").keep(design, SHAPE, design_catalogue(catalogue), None)

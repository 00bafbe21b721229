import re
from dataclasses import replace

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from shapely.affinity import affine_transform, translate

from estate.errors import InputError
from estate.sources.survey_layers import write_survey
from estate.survey import draft, import_survey
from estate.survey.position import place_problems
from estate.survey.wings import by_wing

CENTRE = (430_000.0, 451_000.0)  # Of the draft: far from where its swapped coordinates are.
TO_DEGREES = Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)


def moved(survey, change, *, wing=""):
    """Return a survey of which each geometry, or those of one wing, were changed."""
    return replace(
        survey,
        layers={
            name: tuple(
                replace(f, geometry=change(f.geometry)) if not wing or f.text("wing") == wing else f
                for f in features
            )
            for name, features in survey.layers.items()
        },
    )


def to(system):
    way = Transformer.from_crs("EPSG:27700", system, always_xy=True)
    return lambda geometry: shapely.transform(
        geometry, lambda points: np.column_stack(way.transform(*points.T))
    )


@pytest.fixture
def prison(leeds):
    """Return Leeds where the draft lies."""
    longitude, latitude = TO_DEGREES.transform(*CENTRE)
    return replace(leeds, prison_id="LEI", latitude=latitude, longitude=longitude)


@pytest.fixture
def found(sizing, prison):
    """Return a function that returns (what, cure) of a draft that was changed."""

    def problems(change, *, wing="", register=prison):
        survey = moved(draft(sizing, at=CENTRE), change, wing=wing)
        parts = by_wing(survey, prison_id="LEI")
        return [(p.what, p.cure) for p in place_problems(parts, register)]

    return problems


def away(east_m, north_m=0.0):
    return lambda geometry: translate(geometry, east_m, north_m)


def test_a_draft_lies_where_its_prison_is(found):
    assert found(away(0)) == []


def test_a_survey_may_lie_beside_the_point_of_its_prison(found):
    assert found(away(4_000)) == []
    assert found(away(6_000)) != []


def test_a_survey_far_away_is_told_how_far_and_what_to_do(found, prison):
    ((what, cure),) = found(away(0, 100_000))

    assert what == f"it lies 100 km from where the register has {prison.name}"
    assert cure.startswith("move it there, set the system that its coordinates are in")
    assert "correct latitude and longitude of LEI in inputs/register.csv" in cure


def test_one_wing_far_away_is_named(found, prison):
    ((what, _),) = found(away(50_000), wing="B")

    assert what == f"wing B lies 50 km from where the register has {prison.name}"


@pytest.mark.parametrize(
    ("change", "cure"),
    [
        (
            lambda geometry: affine_transform(geometry, [0, 1, 1, 0, 0, 0]),
            "its easting and northing are swapped",
        ),
        (to("EPSG:4326"), "its coordinates are in WGS 84, whatever they are called"),
        (to("EPSG:32630"), "its coordinates are in WGS 84 / UTM zone 30N, whatever"),
        (to("EPSG:3857"), "its coordinates are in WGS 84 / Pseudo-Mercator, whatever"),
        (
            lambda geometry: translate(geometry, -430_000, -451_000),
            "its coordinates seem to be a drawing's own",
        ),
    ],
    ids=["swapped", "degrees", "UTM", "web", "drawing"],
)
def test_what_brought_it_away_is_recognised(found, change, cure):
    ((_, said),) = found(change)

    assert said.startswith(cure)


def test_of_a_prison_without_a_position_nothing_is_said(found, prison):
    nowhere = replace(prison, latitude=None, longitude=None)

    assert found(away(300_000), register=nowhere) == []


def test_a_survey_that_lies_elsewhere_is_not_imported(sizing, prison, tmp_path):
    path, into = tmp_path / "leeds.gpkg", tmp_path / "surveys"
    swapped = moved(
        draft(sizing, at=CENTRE), lambda geometry: affine_transform(geometry, [0, 1, 1, 0, 0, 0])
    )
    write_survey(swapped, path, prison="Leeds (HMP)", marking="OFFICIAL")

    with pytest.raises(InputError, match=re.escape("1 problem in leeds.gpkg")) as caught:
        import_survey(
            path,
            into=into,
            prisons={"LEI": prison},
            sizings={"LEI": sizing},
            marking="OFFICIAL",
        )

    assert "easting and northing are swapped" in caught.value.problems[0].cure
    assert not into.exists()

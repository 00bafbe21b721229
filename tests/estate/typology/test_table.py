from __future__ import annotations

import pytest

from estate.typology import read_typologies

TYPOLOGIES = read_typologies()
FACTS = [fact for typology in TYPOLOGIES.values() for fact in typology.facts]


def test_the_shipped_typologies_are_the_seven_of_the_wing_schedule():
    assert list(TYPOLOGIES) == [
        "radial_gallery",
        "three_spur_houseblock",
        "two_spur_block",
        "linear_wing",
        "cross_plan_block",
        "quick_build",
        "dormitory",
    ]


@pytest.mark.parametrize(
    ("name", "landings", "cells_per_spur", "cells"),
    [
        ("three_spur_houseblock", 3, (12, 14, 12), 114),  # Elmley HB1-4, Moorland 1-4
        ("two_spur_block", 2, (30, 30), 120),  # Chelmsford G
        ("linear_wing", 2, (18, 18, 18), 108),  # Full Sutton A-D
        ("cross_plan_block", 4, (20, 20, 20), 240),  # Five Wells
        ("quick_build", 2, (30, 30), 120),  # Elmley HB5
    ],
)
def test_a_typical_wing_has_the_cells_of_the_published_ones(name, landings, cells_per_spur, cells):
    typology = TYPOLOGIES[name]

    assert (typology.landings, typology.cells_per_spur) == (landings, cells_per_spur)
    assert typology.typical_cells == cells


def test_pentonvilles_pitch_is_an_internal_width_and_one_wall():
    radial = TYPOLOGIES["radial_gallery"]

    # 7 ft is 2.13 m and 18 in of brick 0.457 m: 2.59 m.
    assert radial.cell_width_m + radial.thickness_mm / 1000 == pytest.approx(2.587)


def test_cells_per_place_have_a_range_because_places_are_not_cells():
    dormitory = TYPOLOGIES["dormitory"].cells_per_place

    assert dormitory.as_tuple() == (0.15, 0.30, 0.60)


def test_every_typology_states_the_same_facts():
    names = {name: [fact.name for fact in typology.facts] for name, typology in TYPOLOGIES.items()}

    assert all(stated == names["radial_gallery"] for stated in names.values())


def test_every_fact_has_a_meaning_and_either_a_source_or_the_word_assumed():
    silent = [fact for fact in FACTS if not (fact.meaning and fact.source)]
    unfounded = [f for f in FACTS if f.verified == "no" and not f.source.startswith("assumed")]

    assert {fact.verified for fact in FACTS} == {"yes", "partly", "no"}
    assert not silent
    assert not unfounded


def test_a_range_holds_its_value():
    ranges = [fact for fact in FACTS if fact.low is not None]

    assert ranges
    assert not [fact for fact in ranges if not fact.low <= float(fact.value) <= fact.high]


def test_there_is_one_angle_for_each_spur_and_the_hub_has_a_side_within_half_a_turn():
    for typology in TYPOLOGIES.values():
        angles = sorted(set(typology.spur_angles_deg))
        gaps = [b - a for a, b in zip(angles, [*angles[1:], angles[0] + 360], strict=True)]

        assert len(typology.spur_angles_deg) == typology.spurs
        assert len(angles) == 1 or max(gaps) <= 180


def test_the_landings_of_a_wing_are_even_with_the_remainder_lowest():
    assert TYPOLOGIES["cross_plan_block"].landings_for(10) == (3, 3, 2, 2)
    assert TYPOLOGIES["cross_plan_block"].landings_for(2) == (1, 1)

import numpy as np
import pytest

from estate.errors import InputError
from estate.radio.fabric import DOOR, OPENING, Fabric, LossTable
from estate.radio.materials import read_materials
from estate.radio.slab import slab_loss_db, slab_losses_db

CONCRETE = read_materials()["concrete"]


def test_every_material_names_the_edition_that_its_constants_are_from():
    assert all("P.2040-4 (09/2025)" in material.edition for material in read_materials().values())


def test_the_permittivity_of_concrete_is_worked_out_by_hand():
    # sigma = 0.0462 * 5.5^0.7822 = 0.1753 S/m; 0.1753 / (2 pi 5.5e9 * 8.854e-12) = 0.573.
    found = CONCRETE.permittivity(5.5)

    assert found.real == pytest.approx(5.24)
    assert found.imag == pytest.approx(-0.573, abs=0.001)


def test_many_angles_at_once_lose_what_each_loses_alone():
    angles_deg = np.array([0.0, 30.0, 60.0, 85.0])

    found = slab_losses_db(
        CONCRETE, thickness_mm=200, frequency_ghz=5.5, cosines=np.cos(np.radians(angles_deg))
    )

    alone = [
        slab_loss_db(CONCRETE, thickness_mm=200, frequency_ghz=5.5, angle_deg=angle)
        for angle in angles_deg
    ]
    assert found == pytest.approx(alone)


def test_glass_of_9_5_mm_agrees_with_a_published_recheck():
    # 1.36 dB at 5.18 GHz and 0.62 at 5.745: the thin slab resonates.
    glass = read_materials()["glass"]

    assert slab_loss_db(glass, thickness_mm=9.5, frequency_ghz=5.18) == pytest.approx(
        1.36, abs=0.01
    )
    assert slab_loss_db(glass, thickness_mm=9.5, frequency_ghz=5.745) == pytest.approx(
        0.62, abs=0.01
    )


def table_of(*fabrics, **extra_db):
    return LossTable.of(fabrics, frequency_ghz=5.5, door_loss_db=15, extra_db=extra_db)


def looked_up_db(table, cosine):
    return table.losses_db(np.array([0]), cosine=np.array([cosine]))[0]


@pytest.mark.parametrize("angle_deg", [0.0, 17.3, 44.9, 70.1, 85.0])
@pytest.mark.parametrize(("material", "thickness_mm"), [("concrete", 300), ("brick", 457)])
def test_looking_a_loss_up_is_within_a_hundredth_of_working_it_out(
    material, thickness_mm, angle_deg
):
    table = table_of(Fabric(material, thickness_mm))

    exact = slab_loss_db(
        read_materials()[material],
        thickness_mm=thickness_mm,
        frequency_ghz=5.5,
        angle_deg=angle_deg,
    )
    found = looked_up_db(table, np.cos(np.radians(angle_deg)))
    assert found == pytest.approx(exact, abs=0.01)


def test_a_door_loses_its_parameter_at_any_angle_and_an_opening_nothing():
    assert looked_up_db(table_of(Fabric(DOOR)), 0.3) == 15
    assert looked_up_db(table_of(Fabric(OPENING)), 0.3) == 0


def test_what_measurement_adds_to_a_material_is_added_to_each_wall_of_it():
    concrete = Fabric("concrete", 200)

    added = looked_up_db(table_of(concrete, concrete=4), 1.0)

    assert added - looked_up_db(table_of(concrete), 1.0) == pytest.approx(4)


def test_no_wall_amplifies_whatever_a_fit_says():
    assert looked_up_db(table_of(Fabric("plasterboard", 12.5), plasterboard=-10), 1.0) == 0


def test_a_material_without_constants_is_named_with_those_that_have_them():
    with pytest.raises(InputError, match="'cheese'") as caught:
        table_of(Fabric("cheese", 100))

    assert "concrete" in caught.value.hint

import pytest

from estate.radio.slab import MATERIALS, free_space_loss_db, slab_loss_db


# ITU-R P.2040 losses at normal incidence and 5.5 GHz, computed apart from this code.
@pytest.mark.parametrize(
    ("material", "thickness_mm", "loss_db"),
    [
        ("concrete", 100, 14.0),
        ("concrete", 150, 20.2),
        ("concrete", 200, 26.5),
        ("brick", 102.5, 4.1),
        ("brick", 330, 9.4),
        ("brick", 457, 12.8),
    ],
)
def test_the_slab_agrees_with_the_published_formula(material, thickness_mm, loss_db):
    found = slab_loss_db(MATERIALS[material], thickness_mm=thickness_mm, frequency_ghz=5.5)

    assert found == pytest.approx(loss_db, abs=0.05)


def test_a_slant_costs_far_less_than_dividing_by_its_cosine():
    # 200 mm concrete at 70 degrees: 29.6 dB by the slab, 77 dB by 1/cos.
    found = slab_loss_db(MATERIALS["concrete"], thickness_mm=200, frequency_ghz=5.5, angle_deg=70)

    assert found == pytest.approx(29.6, abs=1.0)


def test_ten_metres_of_air_cost_67_db():
    assert free_space_loss_db(distance_m=10, frequency_ghz=5.5) == pytest.approx(67.3, abs=0.1)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.cabling.rules import (
    limit_allowing_m,
    optical_margin_db,
    permanent_link_m,
    read_rules,
    section_mm2,
    switches_per_cabinet,
)


@pytest.mark.parametrize(
    ("temperature_c", "screened", "limit_m"),
    [
        (20, True, 90.0),
        (40, True, 86.5),  # 90 / 1.04
        (60, True, 83.3),  # 90 / 1.08
        (40, False, 83.3),  # 90 / 1.08
        (60, False, 75.0),  # 90 / 1.20
        (10, True, 90.0),
    ],
)
def test_heat_shortens_the_permanent_link(temperature_c, screened, limit_m):
    found = permanent_link_m(90, temperature_c=temperature_c, screened=screened, rules=read_rules())

    assert found == limit_m


@given(
    st.floats(min_value=1, max_value=50_000),
    st.floats(min_value=0, max_value=80),
    st.booleans(),
)
def test_the_limit_that_allows_a_link_is_enough_once_heat_has_shortened_it(
    link_m, temperature_c, screened
):
    heat = {"temperature_c": temperature_c, "screened": screened, "rules": read_rules()}

    assert permanent_link_m(limit_allowing_m(link_m, **heat), **heat) >= link_m - 1e-6


def test_every_rule_says_where_it_is_from_and_whether_that_was_verified():
    for rule in read_rules():
        assert rule.source
        assert rule.unit
        assert rule.meaning
        assert rule.verified in {"yes", "partly", "no"}


def test_new_containment_is_half_full_of_its_cables():
    # Ten cables of 50.3 mm² are half of 1,006 mm².
    assert section_mm2(10, rules=read_rules()) == 1006.0


def test_a_cabinet_holds_what_its_rack_its_cooling_and_its_circuit_allow():
    # 28 U for 4 U each; 740 W fed lose 15 %, so 381 W of heat of 3,000; 1,010 W of 7,360.
    limits = switches_per_cabinet(poe_ports=48, rules=read_rules())

    assert limits == {"rack": 7, "heat": 7, "power": 7}


def test_a_splitter_for_32_cells_two_kilometres_away_fits_the_budget():
    # 0.8 dB of fibre, 3 dB of connectors, 17.5 dB of splitter and 3 dB in reserve, of 28 dB.
    assert optical_margin_db(2000, rules=read_rules()) == pytest.approx(3.7)
    assert optical_margin_db(20_000, rules=read_rules()) < 0

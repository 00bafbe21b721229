"""What the first rules would have built, beside which a design stands."""

from dataclasses import replace

from estate.cabling.by_rule import by_rule
from estate.cabling.wing import WingProblem
from estate.model import Outlet, WingShape

SHAPE = WingShape(
    typology="dormitory",
    layout=((3,),),
    material="brick",
    thickness_mm=215,
    distance_to_comms_m=0.0,
)


def test_an_outlet_to_which_nothing_leads_costs_nothing_and_changes_no_length(corridor, catalogue):
    network = corridor(3)
    stray = Outlet(outlet_id="stray", floor=0, at=(99.0, 9.0), space_id="store")
    strayed = replace(network, outlets=(*network.outlets, stray))

    ruled, without = (
        by_rule(SHAPE, WingProblem.of(each, catalogue), limit_m=86.5) for each in (strayed, network)
    )

    assert ruled == without
    assert 0 < ruled.cost_gbp < 100_000

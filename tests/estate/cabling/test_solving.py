from dataclasses import replace

import pytest

from estate.cabling.joint import Joint
from estate.cabling.options import Option
from estate.cabling.solving import design_in_turn, solved
from estate.cabling.wing import WingProblem
from estate.estimate import Estimate
from estate.model import Outlet


def test_three_cells_cost_what_their_metres_and_pieces_add_up_to(joint_of, corridor):
    found = solved(joint_of(corridor(3)), seed=1)

    # Cables of 13, 23 and 33 m; 30 m of containment; one cabinet in the comms room.
    assert found.solution.items == {
        "cabinet": 1.0,
        "cable_cat6a": 69.0,
        "containment_steel": 30.0,
        "core_drill": 3.0,
        "network_dock": 3.0,
        "outlet_cat6a": 3.0,
        "power_circuit": 1.0,
        "switch_48_poe": 1.0,
    }
    assert found.stopped_by == "optimal"
    assert found.bound_gbp == pytest.approx(found.solution.cost_gbp)


def test_the_objective_is_the_whole_life_cost_of_the_lines_it_implies(joint_of, corridor):
    for cells in (1, 4, 9, 40):
        joint = joint_of(corridor(cells))
        solution = solved(joint, seed=1).solution
        quantities = {item: Estimate.exactly(n) for item, n in solution.items.items()}

        whole_life_gbp = joint.wing.catalogue.whole_life_gbp(quantities)

        assert solution.cost_gbp == pytest.approx(float(whole_life_gbp), abs=0.01)


def test_containment_that_stands_is_not_built_again(joint_of, corridor):
    new = solved(joint_of(corridor(3)), seed=1).solution
    standing = solved(joint_of(corridor(3, state="existing")), seed=1).solution

    # The first 10 m of 30 at £85 a metre.
    assert standing.items["containment_steel"] == 20.0
    assert new.cost_gbp - standing.cost_gbp == pytest.approx(850.0)


def test_containment_that_is_full_gets_new_beside_it(joint_of, corridor):
    full = corridor(3, state="existing", fill_percent=40.0)

    assert solved(joint_of(full), seed=1).solution.items["containment_steel"] == 30.0


def test_the_free_section_is_room_for_so_many_cables_and_no_more(joint_of, corridor):
    # 100 x 50 mm, 37 % full: 3 % of 5,000 mm² is room for two cables of 50.3 mm², not for three.
    part = {"state": "existing", "fill_percent": 37.0, "width_mm": 100.0, "depth_mm": 50.0}

    two, three = (solved(joint_of(corridor(n, **part)), seed=1).solution for n in (2, 3))

    assert two.items["containment_steel"] == 10.0
    assert three.items["containment_steel"] == 30.0


def test_an_outlet_that_stands_needs_neither_cable_nor_drilling(joint_of, corridor):
    network = corridor(2)
    ready = tuple(replace(outlet, state="existing", category="cat6a") for outlet in network.outlets)

    solution = solved(joint_of(replace(network, outlets=ready)), seed=1).solution

    assert solution.items.keys() == {"cabinet", "network_dock", "power_circuit", "switch_48_poe"}


def test_idle_ports_of_a_comms_room_are_used_before_a_switch_is_bought(joint_of, corridor):
    network = corridor(3)
    rooms = tuple(replace(d, state="existing", switch_ports_free=3) for d in network.distributors)

    solution = solved(joint_of(replace(network, distributors=rooms)), seed=1).solution

    assert "switch_48_poe" not in solution.items
    assert "cabinet" not in solution.items


def test_beyond_the_link_limit_a_cabinet_stands_nearer(joint_of, corridor):
    # The ninth cell is 93 m from the comms room, the eighth 83 m; the limit is 86.5 m.
    short, long = (solved(joint_of(corridor(n)), seed=1).solution for n in (8, 9))

    assert {long.joint.hubs[link.hub].kind for link in short.links} == {"comms room"}
    assert "new cabinet" in {long.joint.hubs[link.hub].kind for link in long.links}
    for solution in (short, long):
        assert max(map(solution.cable_m, solution.links)) <= 86.5


def test_fibre_runs_to_a_new_cabinet(joint_of, corridor):
    solution = solved(joint_of(corridor(9)), seed=1).solution

    assert solution.items["fibre_internal"] > 0


def test_a_pair_serves_a_cell_only_where_its_test_was_passed(joint_of, corridor):
    network = corridor(2)

    def with_pairs(test):
        voice = {"kind": "outlet", "state": "existing", "category": "voice", "pair_mbps": 100.0}
        pairs = tuple(
            Outlet(
                outlet_id=f"pair-{n}",
                floor=0,
                at=(10.0 * n, 1.6),
                space_id=f"cell-{n}",
                pair_test=test,
                **voice,
            )
            for n in (1, 2)
        )
        return joint_of(replace(network, outlets=(*network.outlets, *pairs)))

    assert with_pairs("passed").is_offered(0, Option.EXISTING_PAIRS)
    untested = with_pairs("untested")
    assert not untested.is_offered(0, Option.EXISTING_PAIRS)
    assert "no pair test of 10 Mbit/s" in untested.refused[0, Option.EXISTING_PAIRS]


def test_each_option_of_a_landing_is_priced_beside_the_rest(joint_of, corridor):
    found = solved(joint_of(corridor(3)), seed=1)

    assert found.solution.options == {0: Option.OUTLETS}
    other = found.alternatives[0, Option.PASSIVE_OPTICAL]
    assert other.cost_gbp > found.solution.cost_gbp
    assert other.items["pon_terminal"] == 3.0
    assert other.items["pon_splitter"] == 1.0


def test_dearer_containment_never_makes_a_wing_cheaper(joint_of, corridor, catalogue):
    joint = joint_of(corridor(9))
    steel = catalogue.rates["containment_steel"]
    dear = replace(steel, rate=steel.rate.scaled(2))
    dearer = replace(catalogue, rates={**catalogue.rates, "containment_steel": dear})

    other = Joint.of(WingProblem.of(corridor(9), dearer))

    assert solved(other, seed=1).solution.cost_gbp >= solved(joint, seed=1).solution.cost_gbp


def test_what_one_search_found_the_next_of_the_same_problem_does_not_look_for(joint_of, corridor):
    joint, known = joint_of(corridor(4)), {}
    design_in_turn(joint, seed=1, known=known)
    found = dict(known)

    again = design_in_turn(joint, seed=1, known=known)

    assert known == found
    assert again in found.values()


def test_what_was_found_of_one_problem_is_not_taken_for_another(joint_of, corridor):
    known = {}
    dear = design_in_turn(joint_of(corridor(3)), seed=1, known=known)
    standing = joint_of(corridor(3, state="existing"))

    cheap = design_in_turn(standing, seed=1, known=known)

    assert cheap.joint is standing
    assert dear.cost_gbp - cheap.cost_gbp == pytest.approx(850.0)

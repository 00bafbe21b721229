from dataclasses import replace

import pytest

from estate.cabling.infeasible import no_design
from estate.cabling.solving import solved
from estate.optimise import InfeasibleError


def test_a_cell_without_a_way_is_named_with_what_to_draw(joint_of, corridor):
    network = corridor(3)
    cut = replace(network, spans=tuple(s for s in network.spans if s.span_id != "run-3"))
    joint = joint_of(cut)

    with pytest.raises(InfeasibleError) as refusal:
        solved(joint, seed=1)
    error = no_design(joint, refusal.value)

    assert str(error) == "cell 1-003 has no way along containment to any distributor"
    assert error.hint == (
        "draw the missing span in the survey, from the cell's outlet to a distributor"
    )

from dataclasses import replace

import pytest

from estate.cabling.infeasible import no_design
from estate.cabling.solving import solved
from estate.optimise import InfeasibleError, Remedy


def test_a_cell_without_a_way_is_named_with_what_to_draw(joint_of, corridor):
    network = corridor(3)
    cut = replace(network, spans=tuple(s for s in network.spans if s.span_id != "run-3"))
    joint = joint_of(cut)

    with pytest.raises(InfeasibleError) as refusal:
        solved(joint, seed=1)
    error = no_design(joint, refusal.value)

    assert str(error) == "no design keeps every rule for 1 of 3 cells"
    assert [str(problem) for problem in error.problems] == [
        (
            "cell 1-003: it has no way along containment to any distributor; "
            "draw the missing span in the survey"
        )
    ]
    assert error.hint == (
        "draw the missing span in the survey, from the cell's outlet to a distributor"
    )


def test_cells_too_far_for_copper_and_fibre_are_named_with_how_far_a_link_would_have_to_reach(
    joint_of, corridor
):
    # 15 km of fibre lose 6 dB, and with connectors and reserve more than optics bridge.
    network = corridor(7)
    first, *others = network.spans
    joint = joint_of(replace(network, spans=(replace(first, length_m=15_000.0), *others)))

    with pytest.raises(InfeasibleError) as refusal:
        solved(joint, seed=1)
    error = no_design(joint, refusal.value)

    assert str(error) == "no design keeps every rule for 7 of 7 cells"
    first, *_, more, optical, pairs = map(str, error.problems)
    assert first == (
        "cell 1-007: it reaches no distributor within 86.5 m (permanent_link_m, less for heat); "
        "the nearest is 15,063.0 m away, cabinet in room"
    )
    assert more == "and 2 cells more: likewise; the same helps"
    assert optical.startswith("passive optical to each cell: the optical budget is 1.5 dB short")
    assert pairs.startswith("existing pairs: no pair test of 10 Mbit/s is stated")
    # At 40 degrees screened cable loses 4 % more: 15,063 m are as good as 15,665.6 at 20.
    assert error.hint == (
        "draw a distributor within 86.5 m of these cells, or allow links of 15,063.0 m at 40 °C: "
        "a permanent_link_m of 15665.6 in inputs/assumptions.csv"
    )


@pytest.mark.parametrize(
    ("remedy", "words", "rule"),
    [
        # 97.3 m times 1.04 for 40 degrees is 101.192: rounded up, so that it is enough.
        (
            Remedy(kind="length_limit", index=-1, amount=97.25),
            "allow links of 97.3 m at 40 °C: a permanent_link_m of 101.2 in",
            "links of 86.5 m (permanent_link_m, less for heat)",
        ),
        (
            Remedy(kind="ports", index=0, amount=2.5),
            "3 more ports in cabinet in room",
            "the ports of cabinet in room",
        ),
        (
            Remedy(kind="cables", index=0, amount=2),
            "2 more cables along run-1",
            "the fill of run-1",
        ),
        (
            Remedy(kind="load", index=0, amount=0.251),
            "let outlet-1 bear 26% more",
            "the load of outlet-1",
        ),
    ],
)
def test_what_would_have_to_give_is_said_in_site_words(joint_of, corridor, remedy, words, rule):
    refusal = InfeasibleError("", culprits=[0, 2], remedies=[remedy])

    error = no_design(joint_of(corridor(3)), refusal)

    assert words in error.hint
    assert str(error) == "no design keeps every rule for 2 of 3 cells together"
    assert [str(problem) for problem in error.problems] == [
        f"cell {key}: each could be served, and not all at once within {rule}; see what to try"
        for key in ("1-001", "1-003")
    ]

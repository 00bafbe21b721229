"""Whether the next wave may begin: failures of the update and of the network are told apart."""

from fleet.diagnosis import Sighting
from fleet.topology import Element, ServedCell, Topology
from fleet.verdict import Ended, verdict

SWITCHES = ("MDI/SW-1", "MDI/SW-2")
CELLS = {f"MDI-{n:02d}": SWITCHES[n // 12] for n in range(24)}
TOPOLOGY = Topology(
    elements=(
        Element(id="MDI/uplink", kind="uplink", prison_id="MDI"),
        *(
            Element(id=switch, kind="switch", parent="MDI/uplink", prison_id="MDI")
            for switch in SWITCHES
        ),
    ),
    cells=tuple(
        ServedCell(cell=cell, element=element, prison_id="MDI") for cell, element in CELLS.items()
    ),
)
BEHIND = {s: [c for c, element in CELLS.items() if element == s] for s in SWITCHES}


def seen(silent):
    return [Sighting(device=c, cell=c, silent=c in silent, prison_id="MDI") for c in CELLS]


def judged(*, proven=(), failed=None, silent=(), quiet_too=(), percent=5.0):
    """Return the verdict on a wave; `quiet_too` are silent around it."""
    ended = Ended(proven=proven, failed=failed or {}, silent=silent)
    sightings = seen({*silent, *quiet_too})
    return verdict(ended, sightings, TOPOLOGY, failed_percent_max=percent)


def test_all_proven_lets_the_next_wave_begin():
    assert judged(proven=list(CELLS)).halt == ""


def test_more_failures_than_are_allowed_halt_it_and_one_is_named():
    found = judged(proven=list(CELLS)[:18], failed={"MDI-23": "the check starts: it does not"})

    assert found.halt == (
        "1 of 19 devices failed or fell silent, and at most 5 % may: "
        "MDI-23: the check starts: it does not"
    )


def test_as_many_failures_as_are_allowed_do_not():
    # One of twenty is five per cent, and not more.
    assert judged(proven=list(CELLS)[:19], failed={"MDI-23": "no"}).halt == ""


def test_a_switch_that_died_is_no_failed_update():
    first, second = (BEHIND[switch] for switch in SWITCHES)

    # Half of each switch's devices were in the wave; behind the second nobody answers any more.
    found = judged(proven=first[:6], silent=second[:6], quiet_too=second[6:])

    assert found.halt == ""
    assert [cause.element for cause in found.causes] == ["MDI/SW-2"]
    assert found.unexplained == ()


def test_devices_that_fall_silent_while_their_neighbours_talk_failed():
    first, second = (BEHIND[switch] for switch in SWITCHES)

    found = judged(proven=first[:6], silent=second[:6])

    assert found.unexplained == tuple(second[:6])
    assert "6 of 12 devices failed or fell silent" in found.halt

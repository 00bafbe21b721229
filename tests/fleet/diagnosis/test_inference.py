"""The probabilities equal those of counting out every combination of failures."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.diagnosis.groups import groups_of
from fleet.diagnosis.inference import weigh
from fleet.diagnosis.priors import read_priors
from fleet.topology import Element, ServedCell, Topology

PRIORS = read_priors()


def counted_out(groups, silent):
    """Return each group's probability to be an outermost failure, by trying all combinations.

    At most two groups that cross the tree fail at once, as in what is tested.
    """
    shares, weights = PRIORS.silences()
    every = (*groups.tree, *groups.crossing)
    failed = np.array(
        [1 - np.prod([1 - PRIORS.of(e.kind).failed for e in g.elements]) for g in every]
    )
    total, outermost = 0.0, np.zeros(len(every))
    for state in product([False, True], repeat=len(every)):
        crossing = [on for on, group in zip(state, every, strict=True) if group not in groups.tree]
        if sum(crossing) > 2:
            continue
        cut = frozenset().union(*(g.devices for on, g in zip(state, every, strict=True) if on))
        prior = np.prod(np.where(state, failed, 1 - failed))
        chances = np.exp(weights)
        for device, quiet in enumerate(silent):
            if device in cut:
                chances = chances * (1 - PRIORS.stale if quiet else PRIORS.stale)
            else:
                chances = chances * (shares if quiet else 1 - shares)
        chance = prior * chances.sum()
        total += chance
        for index, (on, group) in enumerate(zip(state, every, strict=True)):
            around = [
                other
                for is_on, other in zip(state, every, strict=True)
                if is_on and other in groups.tree and group in groups.tree
                if group.devices < other.devices
            ]
            outermost[index] += chance * (on and not around)
    return outermost / total


@st.composite
def sites(draw):
    """Return the groups of a small site, and who is silent in it."""
    count = draw(st.integers(1, 7))
    elements = [Element(id="e0", kind="uplink", prison_id="X")]
    for number in range(1, draw(st.integers(1, 5))):
        parent = draw(st.integers(0, number - 1))
        elements.append(Element(id=f"e{number}", kind="switch", parent=f"e{parent}", prison_id="X"))
    if draw(st.booleans()):
        elements = [
            Element(id=e.id, kind=e.kind, parent=e.parent, needs=("power",))
            if draw(st.booleans())
            else e
            for e in elements
        ]
        elements.append(Element(id="power", kind="power"))
    names = [e.id for e in elements if e.id != "power"]
    cells = tuple(
        ServedCell(cell=f"c{n}", element=draw(st.sampled_from(names))) for n in range(count)
    )
    topology = Topology(elements=tuple(elements), cells=cells)
    groups = groups_of(topology, {n: cell.element for n, cell in enumerate(cells)})
    return groups, np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))


@given(sites())
def test_a_tree_of_groups_is_weighed_exactly(case):
    groups, silent = case
    # Only crossing groups that are mostly silent are tried; the others hardly matter.
    if any(silent[sorted(group.devices)].mean() <= 0.5 for group in groups.crossing):
        return

    weighed = weigh(groups, silent, PRIORS)

    expected = counted_out(groups, silent)
    assert np.concatenate([weighed.tree, weighed.crossing]) == pytest.approx(expected, abs=1e-9)


def test_the_share_of_devices_silent_by_themselves_is_learnt():
    cells = tuple(ServedCell(cell=f"c{n}", element=f"e{n}") for n in range(100))
    elements = (
        Element(id="e", kind="uplink"),
        *(Element(id=f"e{n}", kind="switch", parent="e") for n in range(100)),
    )
    topology = Topology(elements=elements, cells=cells)
    groups = groups_of(topology, {n: cell.element for n, cell in enumerate(cells)})

    weighed = weigh(groups, np.arange(100) % 5 == 0, PRIORS)

    assert weighed.silence == pytest.approx(0.2, abs=0.03)

"""A plan in which interference keeps an access point busy, for all that people look at."""

from dataclasses import dataclass, replace

import pytest

from estate.pipeline import make_plan
from estate.plan import Plan
from estate.workspace import Settings


@dataclass(frozen=True)
class Busy:
    """A plan, and the keys of the wings that have too busy an access point."""

    plan: Plan
    wings: frozenset[str]


@pytest.fixture(scope="session")
def busy(example_plan):
    """Return the example's plan with an access point of a gallery more beyond its airtime."""
    name = next(w.design for w in example_plan.site("LEI").wings if w.wing.wing == "T1")
    design = example_plan.designs[name]
    point = next(iter(design.air.airtime))
    air = replace(design.air, airtime={**design.air.airtime, point: 0.62}, overloaded=(point,))
    designs = {**example_plan.designs, name: replace(design, air=air)}
    wings = frozenset(
        wing.wing.key
        for site in example_plan.establishments
        for wing in site.wings
        if designs[wing.design].air and designs[wing.design].air.overloaded
    )
    return Busy(plan=replace(example_plan, designs=designs), wings=wings)


@pytest.fixture(scope="session")
def elmley_drawn(hamlet, elmley_ground):
    """Return a function that plans the two small prisons with the ground of Elmley drawn.

    `change` is told each feature of its survey, and returns it as it is to be, or None; or it has
    whole layers. `ways` is how many ways of fibre each comms room has.
    """
    made = {}

    def plan(change=None, *, ways=1):
        if change is None and ways in made:
            return made[ways]
        layers = elmley_ground.layers
        if callable(change):
            edited = {name: map(change, features) for name, features in layers.items()}
            layers = {name: tuple(f for f in found if f) for name, found in edited.items()}
        else:
            layers = {**layers, **(change or {})}
        inputs = replace(hamlet, surveys={"EYI": replace(elmley_ground, layers=layers)})
        found = make_plan(inputs, replace(Settings(), backbone_ways=ways))
        return made.setdefault(ways, found) if change is None else found

    return plan

"""A plan in which interference keeps an access point busy, for all that people look at."""

from dataclasses import dataclass, replace

import pytest

from estate.plan import Plan


@dataclass(frozen=True)
class Busy:
    """A plan, and the keys of the wings that have too busy an access point."""

    plan: Plan
    wings: frozenset[str]


@pytest.fixture(scope="session")
def busy(example_plan):
    """Return the example's plan with one access point of a gallery beyond its budget of airtime."""
    name = next(w.design for w in example_plan.site("LEI").wings if w.wing.wing == "T1")
    design = example_plan.designs[name]
    point = next(iter(design.air.airtime))
    air = replace(design.air, airtime={**design.air.airtime, point: 0.62}, overloaded=(point,))
    designs = {**example_plan.designs, name: replace(design, air=air)}
    wings = frozenset(
        wing.wing.key
        for site in example_plan.establishments
        for wing in site.wings
        if wing.design == name
    )
    return Busy(plan=replace(example_plan, designs=designs), wings=wings)

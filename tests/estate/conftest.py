"""The estates that tests of several modules plan, read from the shipped facts."""

from dataclasses import replace

import pytest

from estate.catalogue import Assumptions
from estate.design import Catalogue
from estate.pipeline import make_plan, read_inputs
from estate.workspace import Settings, create


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """Return the inputs of the example workspace: six prisons, one of them counted in another."""
    root = tmp_path_factory.mktemp("small") / "example"
    return read_inputs(create(root, template="example"))


@pytest.fixture(scope="session")
def example_plan(example):
    """Return the plan of the example workspace."""
    return make_plan(example, Settings())


@pytest.fixture(scope="session")
def england_wales(tmp_path_factory):
    """Return the inputs of England and Wales."""
    root = tmp_path_factory.mktemp("large") / "england-wales"
    return read_inputs(create(root, template="england-wales"))


@pytest.fixture(scope="session")
def england_wales_plan(england_wales):
    """Return the plan of England and Wales."""
    return make_plan(england_wales, Settings())


@pytest.fixture(scope="session")
def catalogue(example):
    """Return the shipped rates and assumptions over ten years."""
    return Catalogue(rates=example.rates, assumptions=example.assumptions, appraisal_years=10)


@pytest.fixture(scope="session")
def leeds(example):
    """Return Leeds as the register has it: 669 places of CNA, 1,212 of capacity, 1,138 people."""
    return next(prison for prison in example.establishments if prison.prison_id == "LEI")


@pytest.fixture(scope="session")
def assuming():
    """Return a function that returns assumptions with other values for some of them."""

    def changed(assumptions, values):
        standing = assumptions.by_key
        return Assumptions(
            {**standing, **{k: replace(standing[k], value=value) for k, value in values.items()}}
        )

    return changed

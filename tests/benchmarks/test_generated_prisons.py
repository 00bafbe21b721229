"""The prisons on which the gap of designs is measured: as large as asked, and drawn by a seed."""

import pytest

from benchmarks.designs import shipped_catalogue
from benchmarks.generated_prisons import LARGE, LARGE_MIN, VERY_LARGE, generated
from estate.cabling.wing import WingProblem
from estate.sizing import places_of
from estate.sources.register import read_register
from estate.typology import read_typologies
from estate.workspace import SHIPPED


@pytest.fixture(scope="module")
def thirty():
    return generated(30, seed=1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_there_are_as_many_as_asked_and_enough_of_them_are_large(seed):
    prisons = generated(12, seed=seed)

    assert len({prison.name for prison in prisons}) == len(prisons) == 12
    assert sum(prison.places > LARGE for prison in prisons) >= LARGE_MIN
    assert any(prison.places > VERY_LARGE for prison in prisons)


def test_places_and_typologies_are_those_of_prisons_in_the_register(thirty):
    places = {
        prison.prison_id: found.count
        for prison in read_register(SHIPPED["register.csv"])
        if (found := places_of(prison))
    }

    assert all(places[prison.name.partition("-")[2]] == prison.places for prison in thirty)
    assert len({prison.typology for prison in thirty}) >= 4


def test_cells_and_walls_are_within_what_the_typology_allows(thirty):
    for prison in thirty:
        typology = read_typologies()[prison.typology]
        share = typology.cells_per_place
        walls = next(fact for fact in typology.facts if fact.name == "thickness_mm")
        landings = next(fact for fact in typology.facts if fact.name == "landings")

        assert share.low * prison.places - 1 <= prison.cells <= share.high * prison.places + 1
        for kind in prison.wings:
            assert walls.low <= kind.shape.thickness_mm <= walls.high
            assert len(kind.shape.layout) <= landings.high
            cells = [space for space in kind.network.spaces if space.kind == "cell"]
            assert len(cells) == kind.shape.cells


def test_plant_that_stands_is_drawn_too(thirty):
    networks = [kind.network for prison in thirty for kind in prison.wings]

    assert any(span.fill_percent is not None for n in networks for span in n.spans)
    assert any(outlet.state == "existing" for n in networks for outlet in n.outlets)
    assert any(d.switch_ports_free for n in networks for d in n.distributors)


def test_every_wing_is_a_problem_that_can_be_posed(thirty):
    catalogue = shipped_catalogue()

    for kind in thirty[-1].wings:
        assert len(WingProblem.of(kind.network, catalogue).cells) == kind.shape.cells


def test_the_same_seed_draws_the_same_prisons_and_another_seed_others(thirty):
    assert generated(30, seed=1) == thirty
    assert generated(30, seed=2) != thirty


def test_too_few_or_too_many_are_refused():
    with pytest.raises(ValueError, match="expected 5 to"):
        generated(4, seed=1)
    with pytest.raises(ValueError, match="not 1000"):
        generated(1000, seed=1)

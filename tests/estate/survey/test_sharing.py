import pytest

from estate.model import Distributor, Network
from estate.survey.sharing import shared_out


def rack(name="rack", **free):
    return Distributor(
        distributor_id=name, floor=0, at=(0.0, 0.0), space_id="", state="existing", **free
    )


def shared(cells, *distributors):
    networks = {key: Network(distributors=distributors) for key in cells}
    return {key: found.distributors for key, found in shared_out(networks, cells).items()}


def test_what_is_free_in_a_shared_rack_is_shared_by_cells():
    free = {"ports_free": 40, "switch_ports_free": 20, "rack_units_free": 8, "power_free_w": 2000.0}

    parts = shared({"A": 60, "B": 20}, rack(**free))

    ((a,), (b,)) = parts["A"], parts["B"]
    assert (a.ports_free, a.switch_ports_free, a.rack_units_free) == (30, 15, 6)
    assert (b.ports_free, b.switch_ports_free, b.rack_units_free) == (10, 5, 2)
    assert (a.power_free_w, b.power_free_w) == (1500.0, 500.0)


@pytest.mark.parametrize("count", range(8))
def test_the_parts_of_what_does_not_divide_add_up(count):
    parts = shared({"A": 10, "B": 10, "C": 12}, rack(rack_units_free=count))

    assert sum(found.rack_units_free for (found,) in parts.values()) == count
    assert parts["C"][0].rack_units_free == max(f.rack_units_free for (f,) in parts.values())


def test_what_is_not_stated_stays_so():
    parts = shared({"A": 10, "B": 10}, rack())

    assert parts["A"] == (rack(),)


def test_a_rack_of_one_wing_alone_is_its_own():
    own = Network(distributors=(rack("own", switch_ports_free=7),))

    assert shared_out({"A": own, "B": Network()}, {"A": 5, "B": 5}) == {"A": own, "B": Network()}

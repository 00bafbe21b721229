"""Where cables may end, and what leads the backbone there."""

from dataclasses import replace

from estate.model import Distributor


def drawn(place, **changes):
    return Distributor(distributor_id="drawn", floor=0, at=(place, 0.0), space_id="", **changes)


def hubs_of(joint, network):
    return {hub.name: hub for hub in joint(network).hubs}


def test_a_new_distributor_beside_another_is_a_cabinet_with_fibre_to_it(joint_of, corridor):
    """It stands at the third joint: three spans of 10 m from the comms room."""
    network = corridor(3)

    both = replace(network, distributors=(*network.distributors, drawn(30.0)))

    hub = hubs_of(joint_of, both)["cabinet at joint-3"]
    assert (hub.kind, hub.items["fibre_internal"]) == ("new cabinet", 30.0)


def test_a_distributor_that_stands_has_its_backbone(joint_of, corridor):
    network = corridor(3)
    standing = drawn(30.0, state="existing", switch_ports_free=8)

    hubs = hubs_of(joint_of, replace(network, distributors=(*network.distributors, standing)))

    assert hubs["drawn"].kind == "comms room"
    # The other is new: now it is that one to which fibre is led.
    assert hubs["cabinet at room"].items["fibre_internal"] == 30.0


def test_a_new_distributor_that_nothing_joins_to_the_other_has_a_backbone_of_its_own(
    joint_of, corridor
):
    network = corridor(3)
    cut = replace(
        network,
        spans=tuple(span for span in network.spans if span.span_id != "run-3"),
        distributors=(*network.distributors, drawn(30.0)),
    )

    assert hubs_of(joint_of, cut)["cabinet in drawn"].kind == "comms room"


def test_the_only_distributor_is_a_comms_room(joint_of, corridor):
    assert {hub.kind for hub in joint_of(corridor(2)).hubs} == {"comms room"}

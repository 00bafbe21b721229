"""A wing that a survey repeats has the joints of its layout; one that it changes has its own."""

from dataclasses import replace

import pytest

from estate.network import placed, shift_between
from estate.typology import lay_out


@pytest.fixture
def laid(sizing):
    """Return a function that returns a wing's layout where a surveyed network of it lies."""

    def there(network):
        home = lay_out(sizing.wings[0].shape)
        return placed(home, prefix="LEI-A", offset=shift_between(home, network))

    return there


def test_an_untouched_draft_has_the_joints_and_the_order_of_its_layout(result, laid):
    network = result().networks["LEI-A"]

    again = laid(network)
    assert network.junctions == again.junctions
    bare = {"grade": again.spans[0].grade, "source": ""}
    assert [replace(span, **bare) for span in network.spans] == [
        replace(span, **bare) for span in again.spans
    ]
    assert [space.space_id for space in network.spaces] == [s.space_id for s in again.spaces]


def test_features_in_another_order_say_the_same(result, sheet):
    before = result().networks["LEI-A"]
    for layer in ("walls", "spans", "outlets"):
        sheet.write(layer, sheet.read(layer).iloc[::-1].reset_index(drop=True))

    assert result().networks["LEI-A"] == before


def test_a_wing_that_is_signed_and_not_changed_keeps_its_joints_and_its_grade(result, sheet, laid):
    sheet.sign("spans", "walls")

    network = result().networks["LEI-A"]

    assert network.junctions == laid(network).junctions
    assert {span.grade for span in network.spans} == {"A"}


@pytest.mark.parametrize(
    "change",
    [
        lambda sheet: sheet.change("walls", sheet.read("walls")["wall_id"][0], material="brick"),
        lambda sheet: sheet.change("spans", "LEI-A/run-1-001", fill_percent=10.0),
        lambda sheet: sheet.change("outlets", "LEI-A/outlet-1-001", state="existing"),
    ],
    ids=["wall", "span", "outlet"],
)
def test_a_wing_that_is_changed_has_joints_of_its_own(result, sheet, laid, change):
    change(sheet)

    network = result().networks["LEI-A"]

    assert network.junctions != laid(network).junctions
    assert len(network.junctions) == len(laid(network).junctions)

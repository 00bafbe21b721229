import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.device import DeviceState
from fleet.errors import InputError
from fleet.scope import Scope

places = st.sampled_from(
    ["MDI", "MDI/A", "MDI/A/2", "MDI/A/N/2", "MDI-A-2-014", "device:WS-000001"]
)
filters = st.sampled_from(["model=t-1", "ring=canary", "version=1.2", "state=live", "state=lost"])


def test_no_word_is_the_whole_estate():
    assert Scope.parse([]) == Scope.parse("estate") == Scope()


def test_the_whole_estate_swallows_its_parts_and_keeps_filters():
    assert Scope.parse("MDI estate ring=canary") == Scope((), (("ring", "canary"),))


def test_a_wing_may_have_a_space_in_its_name():
    assert Scope.parse(["MDI/House 1/2"]).places == ("MDI/House 1/2",)


@given(st.lists(st.one_of(places, filters)))
def test_a_scope_is_read_back_as_it_is_written(words):
    scope = Scope.parse(words)

    assert Scope.parse(str(scope)) == scope


@given(st.lists(st.one_of(places, filters)), st.randoms())
def test_neither_order_nor_repetition_changes_a_scope(words, random):
    mixed = [*words, *words]
    random.shuffle(mixed)

    assert Scope.parse(mixed) == Scope.parse(words)


@pytest.mark.parametrize(
    ("word", "cure"),
    [
        ("MDI//2", "write PRISON/WING/LANDING"),
        ("A/B/C/D/E", "write PRISON/WING/LANDING"),
        ("device:", "write device:WS-000123"),
        ("modle=x", "did you mean model?"),
        ("state=liv", "did you mean live?"),
        ("ring=a b", "use letters"),
        ("colour=red", "use one of model, ring, version, state"),
    ],
)
def test_a_word_that_cannot_be_read_is_named_with_a_cure(word, cure):
    with pytest.raises(InputError) as caught:
        Scope.parse(["MDI", word])

    (problem,) = caught.value.problems
    assert problem.place == word
    assert cure in problem.cure
    assert shlex.quote(word) in str(caught.value)


def test_a_scope_that_names_states_is_not_limited_further():
    live = {DeviceState.LIVE}

    assert Scope.parse("state=lost").in_states(live) == Scope.parse("state=lost")
    assert Scope.parse("MDI").in_states(live) == Scope.parse("MDI state=live")

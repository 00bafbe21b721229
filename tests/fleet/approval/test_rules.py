import pytest

from fleet.approval import Action, people_for

LANDING = ["MDI/A/1", "MDI/A/1"]
WING = ["MDI/A/1", "MDI/A/2"]
ESTATE = ["MDI/A/1", "LEI/A/1"]


@pytest.mark.parametrize(
    ("action", "places", "parameters", "count"),
    [
        (Action.LOCK, ESTATE, {}, 1),
        (Action.QUARANTINE, WING, {}, 1),
        (Action.QUARANTINE, ESTATE, {}, 2),
        (Action.UNLOCK, LANDING, {}, 2),
        (Action.RELEASE, LANDING, {}, 2),
        (Action.WIPE, ["MDI/A/1"], {}, 2),
        (Action.ALLOWLIST, LANDING, {"widens": True}, 2),
        (Action.ALLOWLIST, LANDING, {"widens": False}, 1),
        (Action.ALLOWLIST, LANDING, {}, 2),
        (Action.UPDATE, ["MDI/A/1"], {}, 1),
        (Action.UPDATE, LANDING, {}, 1),
        (Action.UPDATE, WING, {}, 2),
        (Action.UPDATE, ESTATE, {}, 2),
    ],
)
def test_how_many_people_a_change_needs(ask, action, places, parameters, count):
    assert people_for(ask(action, *places, **parameters)).count == count


def test_a_lock_is_looked_at_afterwards(ask):
    assert people_for(ask(Action.LOCK, *LANDING)).reviewed_later


def test_every_action_says_why(ask):
    assert all(people_for(ask(action, *WING)).why for action in Action)

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fleet.errors import RefusedError
from fleet.intent import ENDED, UNCERTAIN, IntentEvent, IntentState, follows


class OneChange(RuleBasedStateMachine):
    """A controller and a device that may lose each other, crash, or be restored at any moment."""

    def __init__(self):
        super().__init__()
        self.state = IntentState.WAITING
        self.acted = 0
        self.used = False
        self.broken = False
        self.ended = None
        self.acted_before = None  # How often, when a later order had taken its place.
        self.later_is_known = False

    def happens(self, event):
        self.state = follows(self.state, event)

    @precondition(lambda self: self.state is IntentState.WAITING and not self.later_is_known)
    @rule(arrives=st.booleans(), answered=st.booleans(), works=st.booleans())
    def send(self, arrives, answered, works):
        self.happens(IntentEvent.SEND)
        refuses = self.acted_before is not None and not self.used
        if arrives and answered and refuses:
            self.happens(IntentEvent.FORGET)
            self.happens(IntentEvent.SUPERSEDE)
            return
        if arrives and not self.used and not refuses:
            self.used, self.broken = True, not works
            self.acted += 1
        if arrives and answered:
            self.happens(IntentEvent.FAIL if self.broken else IntentEvent.PROVE)
        else:
            self.happens(IntentEvent.LOST)

    @precondition(lambda self: self.state in UNCERTAIN)
    @rule()
    def ask(self):
        if not self.used:
            self.happens(IntentEvent.FORGET)
        else:
            self.happens(IntentEvent.FAIL if self.broken else IntentEvent.PROVE)

    @precondition(lambda self: self.acted_before is None)
    @rule()
    def do_a_later_order(self):
        self.acted_before = self.acted

    @precondition(lambda self: self.acted_before is not None)
    @rule()
    def hear_of_the_later_order(self):
        self.later_is_known = True

    @precondition(lambda self: self.state is IntentState.WAITING and self.later_is_known)
    @rule()
    def see_its_place_taken(self):
        self.happens(IntentEvent.SUPERSEDE)

    @precondition(lambda self: self.state is IntentState.WAITING)
    @rule(event=st.sampled_from([IntentEvent.EXPIRE, IntentEvent.WITHDRAW]))
    def end_before_it_is_sent(self, event):
        self.happens(event)

    @rule()
    def restore(self):
        self.happens(IntentEvent.RESTORE)

    @rule(event=st.sampled_from(list(IntentEvent)))
    def whatever_else_happens_changes_nothing_or_is_refused(self, event):
        if self.state in ENDED and event is not IntentEvent.RESTORE:
            with pytest.raises(RefusedError):
                follows(self.state, event)

    @invariant()
    def the_device_acts_once_at_most(self):
        assert self.acted <= 1

    @invariant()
    def nothing_is_done_once_its_place_was_taken(self):
        assert self.acted_before in {None, self.acted}

    @invariant()
    def what_is_superseded_has_a_later_order_in_its_place(self):
        if self.state is IntentState.SUPERSEDED:
            assert self.acted_before is not None

    @invariant()
    def what_is_proven_was_done(self):
        if self.state is IntentState.PROVEN:
            assert self.used
            assert not self.broken

    @invariant()
    def what_ended_without_being_sent_was_not_done(self):
        if self.state in {IntentState.EXPIRED, IntentState.SUPERSEDED, IntentState.WITHDRAWN}:
            assert self.acted == 0

    @invariant()
    def an_end_is_an_end(self):
        if self.ended is not None:
            assert self.state is self.ended
        if self.state in ENDED:
            self.ended = self.state


TestOneChange = OneChange.TestCase
TestOneChange.settings = settings(max_examples=200, stateful_step_count=30)


@pytest.mark.parametrize("state", sorted(UNCERTAIN))
@pytest.mark.parametrize(
    "event", [IntentEvent.SEND, IntentEvent.EXPIRE, IntentEvent.WITHDRAW, IntentEvent.SUPERSEDE]
)
def test_where_a_device_may_have_acted_it_is_asked_first(state, event):
    with pytest.raises(RefusedError, match=f"an intent that is {state} cannot {event}"):
        follows(state, event)

"""An update's waves one after the other: who goes first, what holds the rest, who is left.

The devices answer on paper; real ones are in tests/fleet/cli/test_update_in_the_lab.py.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from fleet.approval import Action, new_request
from fleet.device import NewDevice
from fleet.intent import IntentState
from fleet.registry.readings import store_sweep
from fleet.registry.requests import keep_request, request_kept, set_status
from fleet.registry.updates import progress_of
from fleet.rehearsal.example import example_topology
from fleet.scope import Scope
from fleet.staging import Staging, Updates, is_within
from fleet.wave import read_rules

HOUR_S = 3600
CONTENT = bytes(1000)
BUNDLE = sha256(CONTENT).hexdigest()
GIVEN = {
    "bundle_sha256": BUNDLE,
    "version": "2.0",
    "bytes": 1000,
    "battery_percent_min": 0,
    "window_start_s": 0,
    "window_end_s": 0,
    "soak_s": 0,
    "hold": "",
    "one_per": "",
}


class Paper:
    """Devices on paper: what waves come, and what becomes of each device."""

    def __init__(self, names):
        self.states = dict.fromkeys(names, IntentState.WAITING)
        self.reasons = dict.fromkeys(names, "")
        self.silent, self.broken, self.lacking = set(), set(), {}
        self.fetched, self.applied = [], []
        self.before = lambda: None

    def prefetch(self, _wave, devices, _orders, _parcel):
        self.fetched.append({one.device for one in devices})
        return {
            one.device: "no answer"
            if one.device in self.silent
            else self.lacking.get(one.device, "")
            for one in devices
        }

    def apply(self, _wave, devices, _orders):
        self.applied.append({one.device for one in devices})
        return [one.device for one in devices]

    def answering(self, devices):
        return frozenset(one.device for one in devices) - self.silent

    def orders(self, names):
        return dict.fromkeys(names)

    def sent(self, names):
        self.states |= dict.fromkeys(names, IntentState.SENT)

    def take(self, replies):
        for name in replies:
            if name not in self.silent:
                broken = name in self.broken
                self.states[name] = IntentState.FAILED if broken else IntentState.PROVEN
                self.reasons[name] = "it does not start" if broken else ""

    def prove(self, names):
        """Ask: who is silent stays where it was."""

    def state(self, name):
        return self.states[name]

    def why(self, name):
        return self.reasons[name]

    def leave(self, name, why):
        self.reasons[name] = why

    def urgent(self):
        self.before()

    def count(self, state):
        return sum(found is state for found in self.states.values())


@pytest.fixture
def prison(sqlite_registry, tmp_path):
    """Return a function that begins the update of 24 devices behind two switches."""
    topology = example_topology(devices=24, prisons=1)
    sqlite_registry.load_locations(topology)
    new = [NewDevice(serial=f"S{n}", model="WT", cell=c.cell) for n, c in enumerate(topology.cells)]
    names = sqlite_registry.add(new, by="test", why="test")
    sqlite_registry.set_states(names, "enrolled", by="test", why="test")
    sqlite_registry.set_states(names, "live", by="test", why="test")
    everyone = {device.device: device for device in sqlite_registry.devices(Scope())}
    (tmp_path / f"{BUNDLE}.tar").write_bytes(CONTENT)
    now = datetime.now(tz=UTC)

    def begun(rules=None, **given):
        request = new_request(
            Action.UPDATE,
            everyone.values(),
            scope="XAA",
            by="ben",
            now=now,
            expires=now + timedelta(hours=1),
            parameters=GIVEN | given,
        )
        with sqlite_registry.writing() as connection:
            keep_request(
                connection,
                request.request,
                nonce=request.nonce,
                encoded=request.encoded(),
                devices=dict.fromkeys(everyone, "0a"),
                at=now,
            )
        paper = Paper(everyone)
        updates = Updates(
            lane=paper,
            rules=rules or read_rules(Path("/nowhere")),
            topology=topology,
            bundles=tmp_path,
            answering=paper.answering,
        )

        def run():
            Staging(
                sqlite_registry,
                updates,
                request,
                everyone=everyone,
                hands=paper,
                urgent=paper.urgent,
            ).run([name for name, state in paper.states.items() if state is IntentState.WAITING])

        return paper, run, request.request

    return begun


def behind(registry, *elements):
    return {d.device for d in registry.devices(Scope()) if d.element in elements}


def status(registry, request):
    with registry.reading() as connection:
        return request_kept(connection, request).status, progress_of(connection, request).halted


def test_one_device_of_each_access_point_goes_first(prison, sqlite_registry):
    paper, run, _ = prison()

    run()

    points = {d.device: d.element for d in sqlite_registry.devices(Scope())}
    assert len(paper.applied[0]) == 4
    assert {points[name] for name in paper.applied[0]} == set(points.values())
    assert paper.count(IntentState.PROVEN) == 24


def test_the_others_have_the_bundle_while_the_coverage_set_is_watched(prison):
    paper, run, _ = prison(soak_s=HOUR_S)

    run()

    assert set().union(*paper.fetched) == set(paper.states)
    assert paper.count(IntentState.PROVEN) == 4
    assert "its coverage set is watched until" in paper.reasons[max(paper.states)]


def test_a_failure_in_the_coverage_set_halts_it_and_the_next_run_tries_another(
    prison, sqlite_registry
):
    paper, run, request = prison()
    paper.broken = {min(paper.states)}

    run()

    found, halted = status(sqlite_registry, request)
    assert (found, len(paper.applied)) == ("paused", 1)
    assert "1 of 4 devices failed" in halted
    with sqlite_registry.writing() as connection:
        set_status(connection, request, "open")
    run()
    assert len(paper.applied[1]) == 1  # The one access point that is not covered yet.
    assert paper.count(IntentState.PROVEN) == 23


def test_behind_a_switch_that_is_dead_nothing_is_tried_twice_and_the_rest_goes_on(
    prison, sqlite_registry
):
    paper, run, request = prison()
    dead = behind(sqlite_registry, "XAA/A/AP-001", "XAA/A/AP-002")
    paper.silent = dead

    run()

    assert status(sqlite_registry, request) == ("open", "")
    assert {
        n for n, s in paper.states.items() if s is IntentState.PROVEN
    } == paper.states.keys() - dead
    assert {paper.reasons[name] for name in dead} <= {
        "switch XAA/A/SW-01 seems to have failed",
        "no answer",
    }
    assert len(set().union(*paper.fetched) & dead) == 2


def test_who_was_silent_in_the_last_sweep_goes_first_where_no_other_can(prison, sqlite_registry):
    paper, run, _ = prison()
    seen = behind(sqlite_registry, "XAA/A/AP-001")
    with sqlite_registry.writing() as connection:
        readings = {name: ("unreachable", {}) for name in seen}
        store_sweep(connection, readings, at=datetime.now(tz=UTC), by="test", scope="XAA")

    run()

    assert not paper.applied[0] & seen
    assert len(paper.applied[1] & seen) == 1
    assert paper.count(IntentState.PROVEN) == 24


def test_what_keeps_everybody_from_the_bundle_ends_the_run(prison):
    paper, run, _ = prison()
    paper.lacking = dict.fromkeys(paper.states, "there is no such program")

    run()

    assert len(paper.fetched) == 2
    assert "two waves in turn brought the bundle to nobody" in paper.reasons[max(paper.states)]


def test_bytes_that_were_not_signed_go_to_nobody_until_the_right_ones_are_there(prison, tmp_path):
    paper, run, _ = prison()
    bundle = tmp_path / f"{BUNDLE}.tar"
    bundle.write_bytes(CONTENT[:-1] + b"!")
    run()
    reasons, fetched = set(paper.reasons.values()), list(paper.fetched)
    bundle.unlink()
    run()
    absent = set(paper.reasons.values())
    bundle.write_bytes(CONTENT)
    run()

    assert reasons == {f"{bundle} is not the bundle that was signed: put that one there"}
    assert absent == {f"there is no {bundle}: put the bundle there under that name"}
    assert fetched == []
    assert paper.count(IntentState.PROVEN) == 24


def test_a_pause_is_heard_before_the_next_wave(prison, sqlite_registry):
    paper, run, request = prison()

    def pause():
        if paper.applied:
            with sqlite_registry.writing() as connection:
                set_status(connection, request, "paused")

    paper.before = pause

    run()

    assert len(paper.applied) == 1
    assert paper.reasons[max(paper.states)] == "the request is paused"


def test_limits_of_a_workspace_count(prison):
    rules = read_rules(Path("/nowhere"))
    most = replace(rules.settings["coverage_failed_percent_max"], likely=50)
    rules = replace(rules, settings={**rules.settings, "coverage_failed_percent_max": most})
    paper, run, _ = prison(rules)
    paper.broken = {min(paper.states)}

    run()

    assert paper.count(IntentState.PROVEN) == 23


@pytest.mark.parametrize(
    ("hour", "window", "open_"),
    [
        (12, (0, 0), True),  # Equal ends: at any time.
        (12, (9, 17), True),
        (9, (9, 17), True),
        (17, (9, 17), False),
        (8, (9, 17), False),
        (23, (22, 6), True),  # Over midnight.
        (5, (22, 6), True),
        (6, (22, 6), False),
        (12, (22, 6), False),
    ],
)
def test_a_window_is_open_from_its_start_up_to_its_end(hour, window, open_):
    start, end = window
    now = datetime(2026, 11, 25, hour, tzinfo=UTC)

    assert is_within(now, start * HOUR_S, end * HOUR_S) is open_

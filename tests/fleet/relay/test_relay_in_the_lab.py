"""Relays of two prisons at work: real devices, a real broker, and what can go wrong between."""

import ctypes
import json
import os
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from fleet.errors import UnreachableError
from fleet.registry.relays import note_relayed
from fleet.relay.broker import REPORTS, WAVES, Broker, Post, app_of
from tests.fleet.relay.brokers import END_S, IMPATIENT_S, PATIENT_S, Redis, began, wait_until
from tests.fleet.relay.conftest import environment_of
from tests.project.test_documentation import undocumented

LOCK = ("--level", "notice", "--yes")
ONCE = [1, 1, 1, 1]
# The number of namespaces of networks, which Python's `os` has from 3.12 on.
NEW_NETWORK = 0x40000000
# What does not hang on the broker is tried with one.
on_one_broker = pytest.mark.parametrize("estate", [Redis], indirect=True, ids=["redis"])


def times_handed_out(estate, request):
    """Return how often the relay of XAA was handed the order of a request."""
    told = estate.relays["XAA"].log()
    return sum(d.get("request") == request and d.get("kind") == "order" for d in told)


def test_a_lock_goes_by_the_relay_and_is_proven_at_the_centre(estate):
    device, relay = estate.devices("XAA")[0], estate.relays["XAA"]

    request = estate.types("ben", "lock", "XAA", *LOCK)["request"]

    estate.until_proven(request)
    assert estate.times_taken(request) == ONCE
    # The one who logged in held a certificate of the relay's own authority.
    listed = ["ssh-keygen", "-l", "-f", relay.root / "keys" / "broker_ca.pub"]
    print_of = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()[1]
    assert f"CA ED25519 {print_of}" in estate.on(device, "cat", "/run/sshd.log")


def test_a_worker_killed_in_the_middle_of_a_wave_loses_nothing_and_does_nothing_twice(estate):
    with estate.lock_under_way() as request:
        estate.put_off(request)
        estate.relays["XAA"].kill()
        estate.relays["XAA"].start()

    estate.until_proven(request)
    assert estate.times_taken(request) == ONCE


def test_a_broker_killed_in_the_middle_of_a_wave_loses_nothing(estate):
    with estate.lock_under_way() as request:
        estate.broker.kill()
        estate.put_off(request)
        estate.broker.start()

    estate.until_proven(request)
    assert estate.times_taken(request) == ONCE


def test_a_wan_cut_in_the_middle_of_a_wave_leaves_it_to_be_done_and_the_centre_learns_it(estate):
    with estate.lock_under_way() as request, estate.lab.fault("cut", "XAA/uplink"):
        estate.put_off(request)
        known = estate.states(request)

    assert known == {"sent"}
    estate.until_proven(request)
    assert estate.times_taken(request) == ONCE


def as_relay(estate, prison, *, space="", **more):
    """Return the queues of a space as a prison's relay sees them, its own by default."""
    relay, broker = estate.relays[prison], estate.broker
    way = Broker(
        url=f"{broker.scheme}://relay-{prison}@{relay.address}:{broker.port}",
        authority=estate.folder / "broker.pem",
        password=(relay.root / "keys" / "broker_password").read_text().strip(),
        **more,
    )
    return Post(app=app_of(way, space or prison), prison=space or prison)


@contextmanager
def inside(estate, prison):
    """Make this thread's connections in the network of a prison for the block."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (
        Path("/proc/thread-self/ns/net").open() as own,
        Path(estate.relays[prison].network).open() as theirs,
    ):
        assert libc.setns(theirs.fileno(), NEW_NETWORK) == 0
        try:
            yield
        finally:
            assert libc.setns(own.fileno(), NEW_NETWORK) == 0


@contextmanager
def impatient(estate):
    """Have the broker take back what takes long, for the block; yield whether it has.

    RabbitMQ looks at it by itself, and closes the channel of who is late. With Redis, workers look
    now and then at all that is out.
    """
    broker = estate.broker
    if broker.kind == "rabbitmq":
        seen = broker.times_out()
        broker.allow(IMPATIENT_S)
        yield lambda _request: broker.times_out() > seen
        broker.allow(PATIENT_S)
        return

    def has_taken_back(request):
        connection.default_channel.qos.restore_visible(interval=1)
        return times_handed_out(estate, request) > 1

    post = as_relay(estate, "XAA", visible_again_s=IMPATIENT_S)
    with inside(estate, "XAA"), post.app.connection_for_write() as connection:
        yield has_taken_back


def test_a_wave_longer_than_the_brokers_patience_is_handed_out_again_and_done_once(estate):
    with impatient(estate) as has_taken_back, estate.lock_under_way() as request:
        wait_until(lambda: has_taken_back(request), "the broker takes the wave back")

    wait_until(lambda: times_handed_out(estate, request) > 1, "it is handed out again")
    estate.until_proven(request)
    assert estate.times_taken(request) == ONCE


def test_a_relay_reads_no_queue_but_its_own_and_nothing_but_json(estate):
    other, own = as_relay(estate, "XAA", space="XAB"), as_relay(estate, "XAA")
    with inside(estate, "XAA"):
        with pytest.raises(UnreachableError):
            other.collect(lambda _report: None)
        with own.app.connection_for_write() as connection:
            for name in (REPORTS, WAVES):
                queue = connection.SimpleQueue(name, serializer="pickle")
                queue.put({"message": "pickled"})
                queue.close()

    # Both sides go on as if it had never been there.
    device = estate.devices("XAA")[0]
    estate.until_proven(estate.types("ben", "lock", f"device:{device}", *LOCK)["request"])


@on_one_broker
def test_a_lock_ordered_inside_holds_while_the_wan_is_down_and_the_centre_learns_it(estate):
    with estate.lab.fault("cut", "XAA/uplink"):
        locked = estate.relays["XAA"].types("ben", "lock", "XAA", *LOCK)
        taken = estate.times_taken(locked["request"])

    assert {one["device"] for one in locked["proven"]} >= set(estate.devices("XAA"))
    assert taken == ONCE
    wait_until(lambda: learnt(estate, locked["request"]), "the centre learns it")
    estate.until_proven(locked["request"])
    log = [json.loads(line) for line in estate.lab.workspace.audit.read_text().splitlines()]
    assert sum(locked["request"] in one["detail"].get("ordered_inside", []) for one in log) == 1


def learnt(estate, request):
    estate.types("ben", "reconcile", "--once")
    return request in estate.requests()


def crossed_bytes(estate):
    """Return how many bytes have come into XAA over its WAN."""
    command = ["nsenter", f"--net={estate.relays['XAA'].network}", "--"]
    command += ["ip", "-s", "-j", "link", "show", "wan"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return listed[0]["stats64"]["rx"]["bytes"]


@on_one_broker
def test_a_bundle_crosses_the_wan_once_and_each_device_proves_that_it_runs_it(estate, tmp_path):
    source, bundle = tmp_path / "source/files/opt/demo/version", tmp_path / "demo.tar"
    source.parent.mkdir(parents=True)
    source.write_bytes(os.urandom(3_000_000))
    made = ("bundle", "make", "--kind", "generic", "--bundle-version", "2.0", "--from")
    estate.types("asha", *made, str(tmp_path / "source"), "--out", str(bundle))
    before = crossed_bytes(estate)

    words = ("update", "XAA", "--bundle", str(bundle), "--soak", "0", "--yes")
    request = estate.types("ben", *words)["request"]
    estate.types("cleo", "approve", request)
    estate.until_proven(request)

    # Base64 and envelopes are a third more; four devices would be four times as much.
    assert crossed_bytes(estate) - before < 2 * bundle.stat().st_size
    assert estate.times_taken(request) == ONCE
    version = estate.on(estate.devices("XAA")[0], "sha256sum", "/opt/demo/version").split()[0]
    assert version == sha256(source.read_bytes()).hexdigest()


@on_one_broker
def test_an_order_that_is_withheld_shows_as_overdue(estate):
    (device, *_), relay = estate.devices("XAB"), estate.relays["XAB"]
    relay.kill()
    settings = estate.lab.workspace.root / "wingspan.toml"
    before = settings.read_text()
    settings.write_text(f"{before}relay_patience_s = 1\n")
    request = estate.types("ben", "lock", f"device:{device}", *LOCK)["request"]
    with estate.registry.writing() as connection:
        early = datetime.now(tz=UTC) - timedelta(hours=1)
        note_relayed(connection, "XAB", request, sent_at=early)

    found = estate.types("ben", "reconcile", "--once")["unproven"]
    shown = estate.types("ben", "relay", "status")["relays"]

    (why,) = [one["why"] for one in found if one["intent"] == request]
    assert why.startswith("overdue: sent at ")
    assert [one["overdue"] for one in shown if one["prison"] == "XAB"] == [1]
    settings.write_text(before)
    relay.start()
    estate.until_proven(request)


@on_one_broker
def test_a_relay_that_is_asked_to_end_says_what_it_did_and_the_centre_has_the_head_of_its_log(
    estate, tmp_path
):
    (device, *_), relay = estate.devices("XAB"), estate.relays["XAB"]
    relay.kill()
    log = tmp_path / "log"
    working = began(relay.command("relay", "work", "--json"), log, env=environment_of("relay", {}))
    estate.until_proven(estate.types("ben", "lock", f"device:{device}", *LOCK)["request"])
    working.terminate()
    working.wait(timeout=END_S)

    text = log.read_text()
    answer, _ = json.JSONDecoder().raw_decode(text[text.rindex('{\n  "schema"') :])
    assert answer["prison"] == "XAB"
    assert not undocumented(answer)
    lines = estate.lab.workspace.audit.read_text().splitlines()
    details = [json.loads(line)["detail"] for line in lines]
    entries, digest = [one["relay_logs"] for one in details if "relay_logs" in one][-1]["XAB"]
    theirs = (relay.root / "audit.jsonl").read_text().splitlines()
    assert json.loads(theirs[entries - 1])["hash"] == digest
    relay.start()

"""Relays of two prisons at work: real devices, a real broker, and what can go wrong between."""

import json
import os
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Thread

import pytest

from fleet.errors import UnreachableError
from fleet.registry import Registry
from fleet.registry.relays import note_relayed
from fleet.relay.broker import REPORTS, WAVES, Broker, Post, app_of
from tests.fleet.relay.conftest import END_S, began, environment_of, wait_until
from tests.project.test_documentation import undocumented

LOCK = ("--level", "notice", "--yes")


@contextmanager
def meanwhile(estate, *words):
    """Type a command as ben, and go on while it runs; the list yielded has its answer at last."""
    answers = []
    typing = Thread(target=lambda: answers.append(estate.types("ben", *words)))
    typing.start()
    try:
        yield answers
    finally:
        typing.join()


def request_under_way(estate, known):
    """Return the name of the request that is new, once the relay of XAA has it."""
    found = []

    def there():
        listed = estate.relays["XAA"].types("ben", "requests", "--all")["requests"]
        found[:] = [one["request"] for one in listed if one["request"] not in known]
        return bool(found)

    wait_until(there, "the relay has the order")
    return found[0]


def requests_at(relay):
    return {one["request"] for one in relay.types("ben", "requests", "--all")["requests"]}


def took(estate, request):
    """Return how often the relay of XAA was handed the order of a request."""
    log = (estate.relays["XAA"].root / "audit.jsonl").read_text().splitlines()
    details = [json.loads(line)["detail"] for line in log]
    return sum(d.get("request") == request and d.get("kind") == "order" for d in details)


def test_a_lock_goes_by_the_relay_and_is_proven_at_the_centre(estate):
    devices = estate.devices("XAA")

    locked = estate.types("ben", "lock", "XAA", "--level", "relay-only", "--yes")

    estate.until("proven", locked, devices)
    assert estate.times_taken(devices[0], locked["request"]) == 1
    # The one who logged in held a certificate of the relay's own authority.
    listed = ["ssh-keygen", "-l", "-f", estate.relays["XAA"].root / "keys" / "broker_ca.pub"]
    print_of = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()[1]
    assert f"CA ED25519 {print_of}" in estate.on(devices[0], "cat", "/run/sshd.log")


def test_an_unlock_waits_for_a_second_person(estate):
    (device, *_) = estate.devices("XAB")
    scope = f"device:{device}"
    locked = estate.types("ben", "lock", scope, *LOCK)
    estate.until("proven", locked, [device])

    asked = estate.types("ben", "unlock", scope, "--lock", locked["request"], "--yes")
    waiting = estate.types("ben", "reconcile", "--once")["waiting"]
    estate.types("cleo", "approve", asked["request"])

    assert [one["device"] for one in waiting if one["intent"] == asked["request"]] == [device]
    estate.until("proven", asked, [device])


def test_a_worker_killed_in_the_middle_of_a_wave_loses_nothing_and_does_nothing_twice(estate):
    devices, relay = estate.devices("XAA"), estate.relays["XAA"]
    known = requests_at(relay)
    hanging = estate.lab_device(devices[0]).serial
    with estate.lab.fault("hang", hanging), meanwhile(estate, "lock", "XAA", *LOCK) as answers:
        request = request_under_way(estate, known)
        wait_until(lambda: estate.times_taken(devices[1], request), "a device has acted")
        relay.kill()
    relay.start()

    estate.until("proven", answers[0], devices)
    assert [estate.times_taken(device, request) for device in devices] == [1, 1, 1, 1]


def test_a_broker_restarted_in_the_middle_of_a_wave_loses_nothing(estate):
    devices, known = estate.devices("XAA"), requests_at(estate.relays["XAA"])
    hanging = estate.lab_device(devices[0]).serial
    with estate.lab.fault("hang", hanging), meanwhile(estate, "lock", "XAA", *LOCK) as answers:
        request = request_under_way(estate, known)
        estate.broker.stop()
        wait_until(lambda: estate.times_taken(devices[1], request), "a device has acted")
        estate.broker.start()

    estate.until("proven", answers[0], devices)
    assert [estate.times_taken(device, request) for device in devices] == [1, 1, 1, 1]


def test_a_wan_cut_in_the_middle_of_a_wave_leaves_it_to_be_done_and_the_centre_learns_it(estate):
    devices, known = estate.devices("XAA"), requests_at(estate.relays["XAA"])
    hanging = estate.lab_device(devices[0]).serial
    with estate.lab.fault("hang", hanging):
        with meanwhile(estate, "lock", "XAA", *LOCK) as answers:
            request = request_under_way(estate, known)
            cut = estate.lab.fault("cut", "XAA/uplink")
            cut.__enter__()
        left = [one["device"] for one in answers[0]["unproven"]]
        wait_until(lambda: estate.times_taken(devices[1], request), "done without the WAN")
        cut.__exit__(None, None, None)

    assert set(left) == set(devices)
    estate.until("proven", answers[0], devices)
    assert [estate.times_taken(device, request) for device in devices] == [1, 1, 1, 1]


def test_a_wave_longer_than_the_brokers_patience_is_handed_out_again_and_done_once(estate):
    devices, relay = estate.devices("XAA"), estate.relays["XAA"]
    known = requests_at(relay)
    hanging = estate.lab_device(devices[0]).serial
    with estate.lab.fault("hang", hanging), meanwhile(estate, "lock", "XAA", *LOCK) as answers:
        request = request_under_way(estate, known)
        wait_until(lambda: took(estate, request) > 1, "the broker hands the wave out again")

    estate.until("proven", answers[0], devices)
    assert [estate.times_taken(device, request) for device in devices] == [1, 1, 1, 1]


def test_a_lock_ordered_inside_holds_while_the_wan_is_down_and_the_centre_learns_it(estate):
    devices, relay = estate.devices("XAA"), estate.relays["XAA"]
    with estate.lab.fault("cut", "XAA/uplink"):
        locked = relay.types("ben", "lock", "XAA", *LOCK)
        assert {one["device"] for one in locked["proven"]} == set(devices)

    estate.until("proven", locked, devices)
    log = [json.loads(line) for line in estate.lab.workspace.audit.read_text().splitlines()]
    inside = [one for one in log if locked["request"] in one["detail"].get("ordered_inside", [])]
    assert len(inside) == 1


def crossed_bytes(relay):
    """Return how many bytes have come into a prison over its WAN."""
    command = ["nsenter", f"--net={relay.network}", "--", "ip", "-s", "-j", "link", "show", "wan"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return listed[0]["stats64"]["rx"]["bytes"]


def test_a_bundle_crosses_the_wan_once_and_each_device_proves_that_it_runs_it(estate, tmp_path):
    devices, relay = estate.devices("XAA"), estate.relays["XAA"]
    (tmp_path / "source/files/opt/demo").mkdir(parents=True)
    (tmp_path / "source/files/opt/demo/version").write_bytes(os.urandom(3_000_000))
    bundle = tmp_path / "demo.tar"
    made = ("bundle", "make", "--kind", "generic", "--bundle-version", "2.0", "--from")
    estate.types("asha", *made, str(tmp_path / "source"), "--out", str(bundle))
    before = crossed_bytes(relay)

    words = ("update", "XAA", "--bundle", str(bundle), "--soak", "0", "--yes")
    asked = estate.types("ben", *words)
    estate.types("cleo", "approve", asked["request"])
    estate.until("proven", asked, devices)

    # Base64 and envelopes are a third more; four devices would be four times as much.
    assert crossed_bytes(relay) - before < 2 * bundle.stat().st_size
    assert [estate.times_taken(device, asked["request"]) for device in devices] == [1, 1, 1, 1]
    version = estate.on(devices[0], "sha256sum", "/opt/demo/version").split()[0]
    source = tmp_path / "source/files/opt/demo/version"
    assert version == sha256(source.read_bytes()).hexdigest()


def test_the_centre_keeps_the_head_of_each_relays_log(estate):
    locked = estate.types("ben", "lock", "XAB", *LOCK)
    estate.until("proven", locked, estate.devices("XAB"))

    log = [json.loads(line) for line in estate.lab.workspace.audit.read_text().splitlines()]
    heads = [one["detail"]["relay_logs"] for one in log if "relay_logs" in one["detail"]]

    entries, digest = heads[-1]["XAB"]
    theirs = (estate.relays["XAB"].root / "audit.jsonl").read_text().splitlines()
    assert json.loads(theirs[entries - 1])["hash"] == digest


def test_an_order_that_is_withheld_shows_as_overdue(estate):
    (device, *_) = estate.devices("XAB")
    estate.relays["XAB"].kill()
    try:
        locked = estate.types("ben", "lock", f"device:{device}", *LOCK)
        early = datetime.now(tz=UTC) - timedelta(hours=1)
        with (
            Registry.open(estate.lab.workspace.settings().database) as registry,
            registry.writing() as connection,
        ):
            note_relayed(connection, "XAB", locked["request"], sent_at=early)

        found = estate.types("ben", "reconcile", "--once")["unproven"]
        shown = estate.types("ben", "relay", "status")["relays"]
    finally:
        estate.relays["XAB"].start()

    (why,) = [one["why"] for one in found if one["intent"] == locked["request"]]
    assert why.startswith("overdue: sent at ")
    assert [one["overdue"] for one in shown if one["prison"] == "XAB"] == [1]
    estate.until("proven", locked, [device])


def as_relay_of(estate, prison, *, space):
    """Return the queues of a prison's space, as the relay of another sees them."""
    relay = estate.relays[prison]
    broker = Broker(
        url=f"{estate.broker.scheme}://relay-{prison}@{relay.address}:{estate.broker.port}",
        authority=relay.root.parent / "broker.pem",
        password=(relay.root / "keys" / "broker_password").read_text().strip(),
    )
    return Post(app=app_of(broker, space), prison=space)


@pytest.mark.usefixtures("in_the_prison")
def test_a_relay_reads_no_queue_but_its_own(estate):
    own = as_relay_of(estate, "XAA", space="XAA")
    other = as_relay_of(estate, "XAA", space="XAB")

    own.collect(lambda _report: None)
    with pytest.raises(UnreachableError):
        other.collect(lambda _report: None)


@pytest.mark.usefixtures("in_the_prison")
def test_nothing_but_json_is_taken(estate):
    post = as_relay_of(estate, "XAA", space="XAA")
    with post.app.connection_for_write() as connection:
        queue = connection.SimpleQueue(REPORTS, serializer="pickle")
        queue.put({"message": "pickled"})
        queue.close()
        waves = connection.SimpleQueue(WAVES, serializer="pickle")
        waves.put({"message": "pickled"})
        waves.close()

    locked = estate.types("ben", "lock", f"device:{estate.devices('XAA')[0]}", *LOCK)

    estate.until("proven", locked, estate.devices("XAA")[:1])


@pytest.fixture
def in_the_prison(estate):
    """Have this thread make its connections in the network of XAA."""
    import ctypes
    import os

    libc = ctypes.CDLL(None, use_errno=True)
    own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    theirs = os.open(estate.relays["XAA"].network, os.O_RDONLY)
    assert libc.setns(theirs, 0x40000000) == 0
    yield
    assert libc.setns(own, 0x40000000) == 0
    os.close(own)
    os.close(theirs)


def test_a_relay_that_is_asked_to_end_ends_and_says_what_it_did(estate, tmp_path):
    relay = estate.relays["XAB"]
    relay.kill()
    try:
        log, command = tmp_path / "log", relay.command("relay", "work", "--json")
        working = began(command, log, env=environment_of("relay", {}))
        said = (relay.root / "audit.jsonl.open").glob("*.running")
        wait_until(lambda: any(said), "it works")
        (device, *_) = estate.devices("XAB")
        estate.until("proven", estate.types("ben", "lock", f"device:{device}", *LOCK), [device])
        working.terminate()
        working.wait(timeout=END_S)
    finally:
        relay.start()

    text = log.read_text()
    answer, _ = json.JSONDecoder().raw_decode(text[text.rindex('{\n  "schema"') :])
    assert answer["prison"] == "XAB"
    assert not undocumented(answer)


def test_a_relay_without_its_extra_says_what_to_install(estate, tmp_path):
    hidden = tmp_path / "celery.py"
    hidden.write_text("raise ModuleNotFoundError('No module named celery')\n")
    environment = environment_of("relay", {}) | {"PYTHONPATH": str(tmp_path)}
    command = estate.relays["XAB"].command("relay", "work")

    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    assert done.returncode == 3
    assert "wingspan[relay]" in done.stderr

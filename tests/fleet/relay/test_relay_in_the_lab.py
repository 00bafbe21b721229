"""Relays of two prisons at work: real devices, a real broker, and what can go wrong between."""

import ctypes
import json
import os
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from threading import Thread

import pytest

from fleet.errors import UnreachableError
from fleet.health.probe import Lane, Patience, ask
from fleet.identity.certificate import Request, issue
from fleet.identity.keys import read_private
from fleet.registry.relays import note_relayed
from fleet.relay.broker import REPORTS, WAVES, Broker, Post, app_of
from tests.fleet.conftest import PATIENCE_S
from tests.fleet.relay.brokers import END_S, IMPATIENT_S, PATIENT_S, Redis, began, wait_until
from tests.fleet.relay.conftest import environment_of
from tests.project.test_documentation import undocumented

LOCK = ("--level", "notice", "--yes")
ONCE = [1, 1, 1, 1]
STATE, PROGRAM = "/var/lib/wingspan", "/usr/local/lib/wingspan"
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
    """Have the broker take back what takes long, for the block; yield what asks it to, if need be.

    RabbitMQ looks at it by itself, and closes the channel of who is late. With Redis, workers look
    now and then at all that is out.
    """
    broker = estate.broker
    if broker.kind == "rabbitmq":
        broker.allow(IMPATIENT_S)
        yield lambda: None
        broker.allow(PATIENT_S)
        return

    post = as_relay(estate, "XAA", visible_again_s=IMPATIENT_S)
    with inside(estate, "XAA"), post.app.connection_for_write() as connection:
        yield lambda: connection.default_channel.qos.restore_visible(interval=1)


def test_a_wave_longer_than_the_brokers_patience_is_done_once_and_holds_up_no_other(estate):
    other, broker = estate.devices("XAA")[1], estate.broker
    seen = broker.times_out() if broker.kind == "rabbitmq" else 0
    with impatient(estate) as take_back, estate.lock_under_way() as request:
        estate.put_off(request)
        time.sleep(2 * IMPATIENT_S)
        take_back()
        beside = estate.types("ben", "quarantine", f"device:{other}", "--yes")["request"]
        estate.until_proven(beside)
        under_way = estate.times_taken(request)

    assert under_way == [0, 1, 1, 1]
    estate.until_proven(request)
    assert (estate.times_taken(request), times_handed_out(estate, request)) == (ONCE, 1)
    assert (broker.times_out() if broker.kind == "rabbitmq" else 0) == seen


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


def bundle_of(estate, folder, content, *, check="exit 0"):
    """Return a bundle that brings a file, and runs a check after it."""
    source, post = folder / "source/files/opt/demo/version", folder / "source/checks/post/starts"
    for path in (source, post):
        path.parent.mkdir(parents=True)
    source.write_bytes(content)
    post.write_text(f"#!/bin/sh\n{check}\n")
    post.chmod(0o755)
    version = f"2.{next(estate.bundles)}"
    made = ("bundle", "make", "--kind", "generic", "--bundle-version", version, "--from")
    estate.types("asha", *made, str(folder / "source"), "--out", str(folder / "demo.tar"))
    return folder / "demo.tar"


def update_of(estate, bundle):
    """Return an update of XAA that two people agreed to."""
    words = ("update", "XAA", "--bundle", str(bundle), "--soak", "0", "--yes")
    request = estate.types("ben", *words)["request"]
    estate.types("cleo", "approve", request)
    return request


@on_one_broker
def test_a_bundle_crosses_the_wan_once_and_each_device_proves_that_it_runs_it(estate, tmp_path):
    content = os.urandom(3_000_000)
    bundle, before = bundle_of(estate, tmp_path, content), crossed_bytes(estate)

    request = update_of(estate, bundle)
    estate.until_proven(request)

    # Base64 and envelopes are a third more; four devices would be four times as much.
    assert crossed_bytes(estate) - before < 2 * bundle.stat().st_size
    assert estate.times_taken(request) == ONCE
    version = estate.on(estate.devices("XAA")[0], "sha256sum", "/opt/demo/version").split()[0]
    assert version == sha256(content).hexdigest()


@on_one_broker
def test_a_relay_killed_in_the_middle_of_an_update_loses_nothing_and_updates_no_device_twice(
    estate, tmp_path
):
    slow = "echo applied >>/var/log/applied\nwhile [ -e /etc/slow ]; do sleep 0.1; done"
    bundle, devices = bundle_of(estate, tmp_path, b"3", check=slow), estate.devices("XAA")
    for name in devices:
        estate.on(name, "sh", "-c", "rm -f /var/log/applied; touch /etc/slow")
    request = update_of(estate, bundle)
    typing = Thread(target=lambda: estate.types("ben", "reconcile", "--once"))
    typing.start()
    wait_until(lambda: any(times_applied(estate)), "a device applies the bundle")

    estate.relays["XAA"].kill()
    known = estate.states(request)
    estate.relays["XAA"].start()
    for name in devices:
        estate.on(name, "rm", "/etc/slow")
    typing.join()

    assert "proven" not in known
    estate.until_proven(request)
    assert (times_applied(estate), estate.times_taken(request)) == (ONCE, ONCE)


def times_applied(estate):
    """Return how often each device of XAA applied the bundle."""
    read = ("sh", "-c", "cat /var/log/applied 2>/dev/null || :")
    return [estate.on(name, *read).count("applied") for name in estate.devices("XAA")]


@on_one_broker
def test_a_pause_holds_at_the_relay_at_once_and_names_the_relay_that_it_does_not_reach(estate):
    device, relay = estate.devices("XAB")[2], estate.relays["XAB"]
    with estate.lab.fault("rekey", estate.lab_device(device).serial):  # It waits: nobody is let in.
        words = ("quarantine", f"device:{device}", "--yes")
        request = estate.types("ben", *words)["request"]
        wait_until(lambda: relay.has(request), "the relay has the order")
        told = estate.types("ben", "pause", request)
        wait_until(lambda: relay.status(request) == "paused", "the relay has heard of it")
    estate.until_proven(estate.types("ben", "lock", f"device:{device}", *LOCK)["request"])
    held = estate.times_taken(request, "XAB")
    estate.broker.kill()
    missed = estate.types("ben", "pause", request)
    estate.broker.start()

    def resumed():
        return estate.types("ben", "resume", request)["relays_told"] == ["XAB"]

    wait_until(resumed, "the relay is sent that it goes on")
    assert (told["relays_told"], told["relays_missed"]) == (["XAB"], [])
    assert (missed["relays_told"], missed["relays_missed"]) == ([], ["XAB"])
    assert held == [0, 0, 0, 0]
    estate.until_proven(request)
    assert estate.times_taken(request, "XAB") == [0, 0, 1, 0]


@on_one_broker
def test_the_loss_of_the_wan_alone_never_sets_off_the_dead_mans_rule(estate):
    name, relay = estate.devices("XAA")[3], estate.relays["XAA"]
    ways = [{"network": f"{relay.gateway}/32", "protocol": "tcp", "port": 8463}]
    baseline = f"""kiosk_program = "/usr/bin/true"\nmanagement = []\nrelay = {toml(ways)}\n"""
    (estate.lab.workspace.root / "inputs" / "baseline.toml").write_text(baseline)
    estate.types("asha", "play", "baseline", f"device:{name}", "--yes")
    request = estate.types("ben", "dead-man", f"device:{name}", "--days", "7", "--yes")["request"]
    estate.types("cleo", "approve", request)
    estate.until_proven(request)

    with estate.lab.fault("cut", "XAA/uplink"):
        ticks(estate, name)
        alone = json.loads(estate.on(name, "cat", f"{STATE}/alone.json"))
        mark = estate.on(name, "cat", f"{STATE}/contact")
        wait_until(lambda: estate.on(name, "cat", f"{STATE}/contact") != mark, "it is spoken to")
        told = json.loads(estate.on(name, "python3", "-ISE", f"{PROGRAM}/wingspan_clock.py", "ask"))
        # As if it had been on for eight days since the last contact before that.
        late = json.dumps(alone | {"alone_s": 8 * 86_400})
        estate.on(name, "sh", "-c", f"echo '{late}' >{STATE}/alone.json")
        ticks(estate, name)
        after = json.loads(estate.on(name, "cat", f"{STATE}/alone.json"))["alone_s"]

    assert told["server"] == relay.gateway
    assert after == 0
    assert "dead-man" not in json.loads(estate.on(name, "cat", f"{STATE}/state.json"))["locks"]
    shown = relay.types("root", "relay", "status")["relays"][0]
    assert (shown["devices"], shown["spoken_at"] is None) == (4, False)


def ticks(estate, name):
    """Have a device count for how long nobody of ours spoke to it."""
    estate.on(name, "python3", "-ISE", f"{PROGRAM}/wingspan_dead_man.py")


def toml(ways):
    """Return ways of a firewall as TOML has them."""
    tables = [", ".join(f"{key} = {json.dumps(each[key])}" for key in each) for each in ways]
    return f"[{', '.join(f'{{ {table} }}' for table in tables)}]"


@on_one_broker
def test_what_a_relay_certifies_opens_its_own_prisons_devices_and_no_others(estate):
    relay = estate.relays["XAA"]
    signing = read_private(relay.root / "keys" / "broker_ca")

    def opens(prison, *principals):
        (device, *_) = [d for d in estate.registry.devices() if d.prison_id == prison]
        asked = Request(operator="relay", purpose="x", principals=principals, minutes=5)
        credential, _ = issue(asked, signing)
        way = Lane(credential=lambda: credential, transport=estate.lab.transport)
        found = ask(device, way, Patience(login_s=PATIENCE_S, answer_s=PATIENCE_S))
        return found.report is not None, str(found.error)

    others = [d.device for d in estate.registry.devices() if d.prison_id == "XAB"]
    stolen = [
        opens("XAB", *named) for named in (["prison-XAB"], ["estate"], [f"device-{others[0]}"])
    ]

    assert opens("XAA", "prison-XAA")[0]
    assert not opens("XAA", "estate")[0]
    assert [opened for opened, _ in stolen] == [False, False, False]
    assert all("refuses the login" in why for _, why in stolen), stolen


@on_one_broker
def test_an_order_that_is_withheld_shows_as_overdue(estate):
    (device, *_), relay = estate.devices("XAB"), estate.relays["XAB"]
    relay.kill()
    settings = estate.lab.workspace.root / "wingspan.toml"
    before = settings.read_text()
    settings.write_text(before.replace("relay_patience_s = 15", "relay_patience_s = 1"))
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


@on_one_broker
def test_who_is_removed_is_gone_from_the_relays_at_once_and_those_that_are_behind_are_left(estate):
    relay = estate.relays["XAB"]
    relay.kill()

    removed = estate.types("asha", "operator", "remove", "vic", "--yes")
    left = estate.types("asha", "residue")["relays"]
    relay.start()

    def is_told():
        estate.types("asha", "relay", "status")
        return not estate.types("asha", "residue")["relays"]

    assert (removed["relays_told"], removed["relays_missed"]) == (["XAA", "XAB"], [])
    assert "XAB" in [one["prison"] for one in left]
    wait_until(is_told, "both relays hold the list in force")
    assert "vic" not in (relay.root / "keys" / "operators.json").read_text()

"""Time that is signed for whoever asks, and a device that lost its own."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fleet.clock import Clock, Server, places
from fleet.enrolment import Centre, enrol_devices, plan, read_candidates
from fleet.errors import FleetError, InputError, RefusedError
from fleet.identity import Identity, Lane
from fleet.identity.keys import make_key, read_public
from fleet.identity.relays import Relay
from fleet.registry import Registry
from fleet.shipped import shipped
from fleet.workspace import Workspace

PATIENCE_S = 60
DAY_S = 24 * 3600
NONCE = "0f" * 32


@pytest.fixture
def identity(tmp_path):
    return Identity.make(Workspace(tmp_path / "workspace"), operator="asha")[0]


@pytest.fixture
def program(identity, tmp_path):
    """Return the device's own program, whose files and clock are in a folder of the test."""
    path = shipped("playbooks") / "files" / "wingspan_clock.py"
    spec = importlib.util.spec_from_file_location("wingspan_clock", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    loaded.TRUST = identity.folder / "trust.json"
    for name in ("SERVERS", "KNOWN", "REHEARSED", "SHIFT", "PROVISIONING", "FIREWALL"):
        setattr(loaded, name, tmp_path / name.lower())
    loaded.REHEARSED.touch()  # So that it sets no clock but the shift in its file.
    return loaded


@pytest.fixture
def serve():
    """Return a function that serves the time of a clock and returns where."""
    servers = []

    def start(clock):
        server = Server(("127.0.0.1", 0), clock)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_address

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_device_sets_its_clock_by_an_answer_to_its_question(program, serve, identity):
    host, port = serve(Clock.of(identity))
    program.SERVERS.write_text(json.dumps({"servers": [[host, port]]}))
    program.SHIFT.write_text(f"-{20 * 365 * DAY_S}\n")

    told = program.ask_all()
    assert told["server"] == host
    assert told["was_off_s"] == pytest.approx(-20 * 365 * DAY_S, abs=PATIENCE_S)
    assert program.now_s() == pytest.approx(time.time(), abs=PATIENCE_S)
    assert program.known_s() == pytest.approx(time.time(), abs=PATIENCE_S)


def test_the_relay_of_its_own_prison_may_tell_a_device_the_time(program, serve, identity, tmp_path):
    keys = {name: tmp_path / name for name in ("XAA", "XAB")}
    for path in keys.values():
        make_key(path)
    relays = [
        Relay(prison=name, authority="ssh-ed25519 x", report_key="", time_key=read_public(path))
        for name, path in keys.items()
    ]
    identity.set_relays(relays)
    identity.renew()
    program.PROVISIONING.write_text('{"prison_id": "XAA"}')

    own = program.ask(*serve(Clock(keys["XAA"])))

    assert own == pytest.approx(time.time(), abs=PATIENCE_S)
    with pytest.raises(program.UntrustedError, match="does not hold"):
        program.ask(*serve(Clock(keys["XAB"])))


def test_a_device_asks_the_relay_that_its_firewall_leaves_open_before_all_others(program):
    program.SERVERS.write_text('{"servers": [["10.9.0.1", 8463]]}')
    ways = [("10.1.0.5/32", 8463), ("10.1.0.5/32", 443), ("10.2.0.0/16", 8463)]
    relay = [{"network": n, "protocol": "tcp", "port": p} for n, p in ways]
    program.FIREWALL.write_text(json.dumps({"relay": relay}))

    assert program.servers() == [("10.1.0.5", 8463), ["10.9.0.1", 8463]]


def test_an_answer_that_another_key_signed_says_nothing(program, serve, tmp_path):
    make_key(tmp_path / "stranger")
    where = serve(Clock(tmp_path / "stranger"))

    with pytest.raises(program.UntrustedError, match="signature does not hold"):
        program.ask(*where)


def test_an_answer_to_an_earlier_question_says_nothing(program, serve, identity):
    class Replaying(Clock):
        def answer(self, question):  # noqa: ARG002 - that is the attack
            return super().answer(json.dumps({"nonce": NONCE}).encode())

    with pytest.raises(program.UntrustedError, match="another question"):
        program.ask(*serve(Replaying.of(identity)))


def test_an_altered_answer_says_nothing(program, serve, identity):
    class Altering(Clock):
        def answer(self, question):
            return super().answer(question).replace(b'time_s\\": 1', b'time_s\\": 2')

    with pytest.raises(program.UntrustedError, match="signature does not hold"):
        program.ask(*serve(Altering.of(identity)))


def test_the_clock_never_falls_below_the_last_known_time(program, serve, identity):
    program.KNOWN.write_text(json.dumps({"known_s": time.time() + DAY_S}))
    program.SHIFT.write_text("-1000000000\n")
    program.not_below_known()
    assert program.now_s() == pytest.approx(time.time() + DAY_S, abs=PATIENCE_S)

    with pytest.raises(program.UntrustedError, match="before the last known time"):
        program.take(program.ask(*serve(Clock.of(identity))))


def test_one_server_after_the_other_is_asked(program, serve, identity):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = closed.getsockname()[:2]
    host, port = serve(Clock.of(identity))
    program.SERVERS.write_text(json.dumps({"servers": [list(nobody), [host, port]]}))

    told = program.ask_all()
    assert told["server"] == host
    assert len(told["failed"]) == 1


@pytest.mark.parametrize(
    "question", [b"", b"hello\n", b"{}\n", b'{"nonce": 7}\n', b'{"nonce": "ab"}\n', b"[1]\n"]
)
def test_what_is_no_question_gets_no_answer(identity, question):
    assert Clock.of(identity).answer(question) == b""


def test_who_says_nothing_keeps_nobody_waiting(program, serve, identity):
    where = serve(Clock.of(identity))
    silent = [socket.create_connection(where) for _ in range(8)]

    assert program.ask(*where) == pytest.approx(time.time(), abs=PATIENCE_S)
    for line in silent:
        line.close()


def test_places_are_addresses_and_ports():
    assert places("10.1.0.1:8463, relay.lei:99") == (("10.1.0.1", 8463), ("relay.lei", 99))
    assert places("") == ()


@pytest.mark.parametrize("text", ["10.1.0.1", "10.1.0.1:ssh", ":8463"])
def test_what_is_no_place_is_named(text):
    with pytest.raises(InputError, match="not an address and a port"):
        places(text)


def test_an_address_in_use_is_said(serve, identity):
    where = serve(Clock.of(identity))

    with pytest.raises(FleetError, match="cannot listen"):
        Server(("127.0.0.1", where[1]), Clock.of(identity))


def test_a_tablet_that_boots_in_1970_recovers_before_ssh_would_let_anyone_in(new_lab):
    lab = new_lab(devices=1, prisons=1)
    identity, _ = Identity.make(lab.workspace, operator="asha")
    centre = Centre(
        identity=identity, transport=lab.transport, operator="asha", timeout_s=PATIENCE_S
    )
    with Registry.create(lab.workspace.settings().database) as registry:
        candidates = read_candidates(lab.workspace.devices_csv)
        (result,) = enrol_devices(centre, registry, plan(registry, candidates))
        assert result.done, result
        (device,) = registry.devices()

    def opens():
        try:
            centre.session(device, Lane.BROKER, purpose="test").close()
        except FleetError:
            return False
        return True

    # Last known: a day ago. Its own clock: 1970. Nobody to ask yet.
    long_ago = json.dumps({"known_s": time.time() - DAY_S})
    lost = [
        f"echo '{long_ago}' >/var/lib/wingspan/clock",
        f"echo -{time.time():.0f} >/run/wingspan/simulated/clock",
        "sync; (sleep 0.2; reboot -f) >/dev/null 2>&1 &",
    ]
    with centre.session(device, Lane.DEPLOY, purpose="test") as session:
        session.run("; ".join(lost), timeout_s=PATIENCE_S)
    time.sleep(1)
    lab.answering()
    with pytest.raises(RefusedError, match="is valid from"):
        centre.session(device, Lane.BROKER, purpose="test")

    program = Path(sys.executable).with_name("wingspan")
    words = [str(program), "-C", str(lab.workspace.root), "fleet", "clock", "serve"]
    with subprocess.Popen(lab.transport.command(words), env=os.environ | {"LC_ALL": "C"}) as server:
        try:
            lab.wait_until(opens)
        finally:
            server.terminate()

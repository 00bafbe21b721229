"""Two prisons with a relay each, in namespaces of their own, and a real broker at headquarters."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Thread

import pytest

from fleet.registry import Registry
from fleet.registry.requests import intents_of, request_kept, requests_kept
from fleet.rehearsal.lab import down
from fleet.relay.place import find_place
from fleet.workspace import Workspace
from tests.fleet.conftest import new_key
from tests.fleet.relay.brokers import RabbitMQ, Redis, began, certificate, killed, wait_until
from tests.fleet.relay.prison import Prison
from tests.project.test_documentation import undocumented

WINGSPAN = Path(sys.executable).with_name("wingspan")
# A login waits this long for a device that hangs: no test lets one hang to the end.
LOGIN_S = 300


@dataclass
class Relay:
    """A prison's relay: its folder, and the network that it lives in."""

    prison: str
    root: Path
    network: str
    address: str
    gateway: str
    keys: dict
    process: subprocess.Popen | None = None

    def command(self, *words):
        enter = ["nsenter", f"--net={self.network}", "--"]
        return [*enter, str(WINGSPAN), "-C", str(self.root), "fleet", *words]

    def types(self, who, *words):
        """Run a command on the relay as somebody, and return what it answers."""
        return ran(self.command(*words), who, self.keys)

    def start(self):
        """Have it work, begun anew where it ends, as systemd does."""
        command = self.command("relay", "work", "--every", "2", "--contact-every", "5", "--json")
        again = ["sh", "-c", 'while :; do "$@"; sleep 1; done', "again", *command]
        log = self.root.parent / f"{self.prison}.log"
        self.process = began(again, log, env=environment_of("relay", {}))

    def kill(self):
        """End it as a power cut would."""
        self.process = killed(self.process)

    def has(self, request):
        """Return whether it keeps a request."""
        with (
            Registry.open(Workspace(self.root).settings().database) as registry,
            registry.reading() as connection,
        ):
            return request in {one.request for one in requests_kept(connection)}

    def status(self, request):
        """Return whether a request goes on, as it knows."""
        with (
            Registry.open(Workspace(self.root).settings().database) as registry,
            registry.reading() as connection,
        ):
            return request_kept(connection, request).status

    def log(self):
        """Return the details of the entries of its log."""
        lines = (self.root / "audit.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line)["detail"] for line in lines]


def environment_of(who, keys):
    plain = {k: v for k, v in os.environ.items() if not k.startswith("WINGSPAN_")}
    cache = {k: v for k, v in os.environ.items() if k == "WINGSPAN_CACHE"}
    key = {"WINGSPAN_SIGNING_KEY": str(keys[who])} if who in keys else {}
    return {**plain, **cache, "WINGSPAN_OPERATOR": who, **key}


def ran(command, who, keys):
    done = subprocess.run(
        [*command, "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=environment_of(who, keys),
    )
    assert done.returncode in {0, 5}, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    answer = json.loads(done.stdout)
    assert not undocumented(answer)
    return answer


@dataclass
class Estate:
    """Headquarters with its broker, and the relays by prison."""

    lab: object
    folder: Path
    keys: dict
    broker: object = None
    relays: dict = field(default_factory=dict)
    registry: Registry | None = None
    bundles: Iterator[int] = field(default_factory=count)

    def types(self, who, *words):
        """Run a command of the centre, which lives in the network of headquarters."""
        root = str(self.lab.workspace.root)
        command = self.lab.transport.command([str(WINGSPAN), "-C", root, "fleet", *words])
        return ran(command, who, self.keys)

    def devices(self, prison):
        """Return the names of a prison's devices."""
        return [d.device for d in self.registry.devices() if d.prison_id == prison]

    def lab_device(self, name):
        (known,) = [d for d in self.registry.devices() if d.device == name]
        return next(d for d in self.lab.devices if d.cell.cell == known.cell)

    def on(self, name, *command):
        """Run a command on a device, as if typed at its keyboard."""
        return self.lab.rehearsal.on(self.lab_device(name), command)

    def times_taken(self, request, prison="XAA"):
        """Return how often each device of a prison has taken a request, by its own list."""
        read = ("sh", "-c", "cat /var/lib/wingspan/used/*.json 2>/dev/null || :")
        return [self.on(n, *read).count(f'"request": "{request}"') for n in self.devices(prison)]

    def requests(self):
        """Return the names of the requests that the centre keeps."""
        with self.registry.reading() as connection:
            return {one.request for one in requests_kept(connection)}

    def states(self, request):
        """Return in which states a request's devices are, as the centre knows."""
        with self.registry.reading() as connection:
            return {intent.state for intent in intents_of(connection, [request])[request]}

    def until_proven(self, request):
        """Carry out what is due until all of a request is proven."""

        def done():
            if self.states(request) != {"proven"}:
                self.types("ben", "reconcile", "--once")
            return self.states(request) == {"proven"}

        wait_until(done, f"all of {request} is proven")

    @contextmanager
    def lock_under_way(self):
        """Yield the name of a lock of XAA whose wave goes on for the block: one device hangs.

        The command that asked for it has ended after the block.
        """
        (first, *_), before = self.devices("XAA"), self.requests()
        words = ("lock", "XAA", "--level", "notice", "--yes")
        typing = Thread(target=lambda: self.types("ben", *words))
        with self.lab.fault("hang", self.lab_device(first).serial):
            typing.start()
            wait_until(lambda: self.requests() - before, "the centre has the request")
            (request,) = self.requests() - before
            wait_until(lambda: self.relays["XAA"].has(request), "the relay has the order")
            yield request
        typing.join()

    def put_off(self, request):
        """Wait until all devices of XAA have acted but the one that hangs."""
        wait_until(lambda: self.times_taken(request) == [0, 1, 1, 1], "the others have acted")


@pytest.fixture(scope="module")
def furnished(start_lab, tmp_path_factory):
    """Yield an enrolled estate whose two prisons have relays, which do not work yet."""
    lab = start_lab(devices=8, prisons=2)
    folder = tmp_path_factory.mktemp("relays")
    found = Estate(lab=lab, folder=folder, keys={n: folder / n for n in ("ben", "cleo", "vic")})
    found.types("asha", "init")
    certificate(folder, [str(device.site.outside[0]) for device in lab.devices])
    for prison, site in {device.cell.prison_id: device.site for device in lab.devices}.items():
        found.relays[prison] = installed(found, prison, site)
    # The approver last: from then on it takes two to add a person.
    for name, role in (("ben", "operator"), ("vic", "viewer"), ("cleo", "approver")):
        new_key(folder / name)
        public = f"{folder / name}.pub"
        found.types("asha", "operator", "add", name, "--role", role, "--key", public)
    found.types("asha", "enrol", "--yes")
    with Registry.open(lab.workspace.settings().database) as found.registry:
        yield found
    down(lab.workspace)


def installed(estate, prison, site):
    lab = estate.lab
    router = lab.rehearsal.router(site.number)
    relay = Relay(
        prison=prison,
        root=estate.folder / prison,
        network=f"/proc/{lab.transport.pid}/root/proc/{router}/ns/net",
        address=str(site.outside[0]),
        gateway=str(site.gateway.ip),
        keys=estate.keys,
    )
    where = ["--broker", f"rediss://relay-{prison}@{relay.address}"]
    where += ["--broker-authority", str(estate.folder / "broker.pem")]
    trust = ["--trust", str(lab.workspace.keys / "trust.pub"), "--user", "root"]
    clock = ["--clock", f"{relay.gateway}:8463"]
    relay.types("root", "relay", "install", prison, *where, *trust, *clock)
    admitted = estate.types("asha", "relay", "admit", str(relay.root / "relay.json"))
    shutil.copy(admitted["password_file"], relay.root / "keys" / "broker_password")
    (relay.root / "inputs").mkdir()
    (relay.root / "inputs" / "health.toml").write_text(
        f"[sweep]\nlogin_timeout_s = {LOGIN_S}\ncalm_timeout_s = {LOGIN_S}\n"
    )
    return relay


@pytest.fixture(scope="module", params=[Redis, RabbitMQ], ids=lambda each: each.kind)
def estate(request, furnished):
    """Yield the estate with a broker of one kind, and relays that work."""
    folder = furnished.folder / request.param.kind
    folder.mkdir()
    furnished.broker = request.param(furnished.lab, folder)
    try:
        begin(furnished, folder)
        yield furnished
    finally:
        for relay in furnished.relays.values():
            relay.kill()
        furnished.broker.end()


def begin(estate, folder):
    """Start the broker and the relays, and wait until they know whom to trust."""
    kind, scheme, port = estate.broker.kind, estate.broker.scheme, estate.broker.port
    users, cert = folder / "users", estate.folder / "broker.pem"
    estate.types("asha", "relay", "users", "--broker", kind, "--out", str(users))
    estate.broker.configure(users, cert, estate.folder / "broker.key")
    estate.broker.start()
    (estate.lab.workspace.root / "wingspan.toml").write_text(
        f'[fleet]\nbroker = "{scheme}://centre@127.0.0.1:{port}"\nbroker_authority = "{cert}"\n'
        "relay_patience_s = 15\n"
    )
    for prison, relay in estate.relays.items():
        change_settings(relay, broker=f"{scheme}://relay-{prison}@{relay.address}:{port}")
        relay.start()
    # Asked about them, the centre tells relays whom to trust and which devices they have.
    wait_until(lambda: not any(map(is_new, statuses(estate))), "the relays have heard of it")


def change_settings(relay, **changes):
    """Change what a relay was installed with."""
    place = find_place(Workspace(relay.root))
    settings = json.loads((place.folder / "settings.json").read_text())
    place.keep("settings", settings | changes)


def statuses(estate):
    return estate.types("asha", "relay", "status")["relays"]


def is_new(status):
    return status["is_behind"] or status["heard_at"] is None


@pytest.fixture
def prison(tmp_path):
    made = Prison(tmp_path)
    yield made
    made.registry.close()
    made.relay_registry.close()

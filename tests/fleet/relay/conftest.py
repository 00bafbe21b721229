"""Two prisons with a relay each, in namespaces of their own, and a real broker at headquarters."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fleet.conftest import PATIENCE_S, new_key
from tests.fleet.relay.prison import Prison
from tests.project.test_documentation import undocumented

WINGSPAN = Path(sys.executable).with_name("wingspan")
# Everything waits for what it is about; this ends what is broken, on the slowest machine.
END_S = 150


def wait_until(done, what):
    ends_s = time.monotonic() + END_S
    while not done():
        assert time.monotonic() < ends_s, f"it never came to this: {what}"
        time.sleep(0.2)


def began(command, log, **more):
    """Start a process that writes into a log."""
    with log.open("a") as written:
        return subprocess.Popen(command, stdout=written, stderr=written, **more)


class Redis:
    """Debian's Redis, with TLS and the users that Wingspan writes."""

    kind, scheme, port, suffix = "redis", "rediss", 6380, ""

    def __init__(self, lab, folder):
        self.lab, self.folder, self.process = lab, folder, None

    def configure(self, users, cert, key):
        settings = [
            "port 0",
            f"tls-port {self.port}",
            "bind 0.0.0.0",
            "protected-mode no",
            f"tls-cert-file {cert}",
            f"tls-key-file {key}",
            f"tls-ca-cert-file {cert}",
            "tls-auth-clients no",
            f"dir {self.folder}",
            f"aclfile {users}",
            "appendonly yes",
            "appendfsync always",
            'save ""',
        ]
        (self.folder / "redis.conf").write_text("\n".join(settings) + "\n")

    def start(self):
        command = self.lab.transport.command(["redis-server", str(self.folder / "redis.conf")])
        self.process = began(command, self.folder / "log")
        wait_until(self.answers, f"Redis answers: {self.folder}/log")

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        return greets(self.lab, self.port)

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None


class RabbitMQ:
    """Debian's RabbitMQ, with TLS and the definitions that Wingspan writes."""

    kind, scheme, port, suffix = "rabbitmq", "amqps", 5671, ""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.process = self.names = None

    def configure(self, users, cert, key):
        settings = [
            "listeners.tcp = none",
            f"listeners.ssl.default = {self.port}",
            f"ssl_options.cacertfile = {cert}",
            f"ssl_options.certfile = {cert}",
            f"ssl_options.keyfile = {key}",
            "ssl_options.verify = verify_none",
            f"load_definitions = {users}",
            f"log.file = {self.folder}/rabbit.log",
            "vm_memory_high_watermark.absolute = 512MB",
            "disk_free_limit.absolute = 10MB",
        ]
        (self.folder / "rabbitmq.conf").write_text("\n".join(settings) + "\n")
        # A wave that takes longer than this is handed out again: looked at each second.
        slow = "[{rabbit, [{consumer_timeout, 3000}, {channel_tick_interval, 1000}]}]."
        (self.folder / "advanced.config").write_text(slow)
        (self.folder / "plugins").write_text("[].")

    def start(self):
        environment = {
            **os.environ,
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": "4399",
            "RABBITMQ_NODENAME": "wingspan@localhost",
            "RABBITMQ_DIST_PORT": "25699",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }
        if self.names is None:
            names = self.lab.transport.command(["epmd", "-port", "4399"])
            self.names = began(names, self.folder / "epmd")
        command = self.lab.transport.command(["/usr/lib/rabbitmq/bin/rabbitmq-server"])
        self.process = began(command, self.folder / "log", env=environment, start_new_session=True)
        wait_until(self.answers, f"RabbitMQ answers: {self.folder}/log")

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        return greets(self.lab, self.port)

    def stop(self):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait()
            self.process = None

    def end(self):
        self.stop()
        if self.names is not None:
            self.names.terminate()
            self.names.wait()


def greets(lab, port):
    try:
        lab.transport.connect("127.0.0.1", port, timeout_s=PATIENCE_S).close()
    except OSError:
        return False
    return True


@dataclass
class Relay:
    """A prison's relay: its folder, and the network that it lives in."""

    prison: str
    root: Path
    network: str
    address: str
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
        command = self.command("relay", "work", "--every", "2", "--json")
        again = ["sh", "-c", 'while :; do "$@"; sleep 1; done', "again", *command]
        log = self.root.parent / f"{self.prison}.log"
        self.process = began(again, log, env=environment_of("relay", {}), start_new_session=True)

    def kill(self):
        """End it as a power cut would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


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
    broker: object
    keys: dict
    relays: dict = field(default_factory=dict)

    def command(self, *words):
        """Return a command of the centre, which lives in the network of headquarters."""
        root = str(self.lab.workspace.root)
        return self.lab.transport.command([str(WINGSPAN), "-C", root, "fleet", *words])

    def types(self, who, *words):
        """Run a command at the centre as somebody, and return what it answers."""
        return ran(self.command(*words), who, self.keys)

    def devices(self, prison):
        found = self.types("asha", "list", prison)["devices"]
        return [device["device"] for device in found]

    def lab_device(self, name):
        cell = self.types("asha", "show", name)["cell"]
        return next(d for d in self.lab.devices if d.cell.cell == cell)

    def on(self, name, *command):
        """Run a command on a device, as if typed at its keyboard."""
        return self.lab.rehearsal.on(self.lab_device(name), command)

    def times_taken(self, name, request):
        """Return how often a device's own log of used orders has a request."""
        listed = self.on(name, "sh", "-c", "cat /var/lib/wingspan/used/*.json 2>/dev/null || :")
        return listed.count(f'"request": "{request}"')

    def until(self, bucket, asked, names):
        """Carry out what is due until devices are in a list of the answer to what was asked for."""

        def note(answer):
            found = answer.get(bucket, [])
            seen.update(one["device"] for one in found if one["intent"] == asked["request"])
            return seen >= set(names)

        seen = set()
        if not note(asked):
            again = ("reconcile", "--once")
            wait_until(lambda: note(self.types("ben", *again)), f"{names} are {bucket}")


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def estate(request, start_lab, tmp_path_factory):
    """Yield an enrolled estate whose two prisons have relays that work."""
    lab = start_lab(devices=8, prisons=2)
    folder = tmp_path_factory.mktemp("relays")
    kinds = {"redis": Redis, "rabbitmq": RabbitMQ}
    broker_folder = folder / "broker"
    broker_folder.mkdir()
    broker = kinds[request.param](lab, broker_folder)
    keys = {name: folder / name for name in ("ben", "cleo")}
    found = Estate(lab=lab, broker=broker, keys=keys)
    try:
        furnish(found, folder)
        yield found
    finally:
        for relay in found.relays.values():
            relay.kill()
        getattr(broker, "end", broker.stop)()


def furnish(estate, folder):
    """Enrol the devices, install and admit the relays, and start the broker."""
    lab, root = estate.lab, estate.lab.workspace.root
    estate.types("asha", "init")
    sites = {device.cell.prison_id: device.site for device in lab.devices}
    cert, key = certificate(folder, [str(site.outside[0]) for site in sites.values()])
    for prison, site in sites.items():
        estate.relays[prison] = installed(estate, folder, prison, site, cert)
    for name, role in (("ben", "operator"), ("cleo", "approver")):
        new_key(folder / name)
        public = f"{folder / name}.pub"
        estate.types("asha", "operator", "add", name, "--role", role, "--key", public)
    estate.types("asha", "enrol", "--yes")
    users = folder / "users"
    estate.types("asha", "relay", "users", "--broker", estate.broker.kind, "--out", str(users))
    estate.broker.configure(users, cert, key)
    where = f"{estate.broker.scheme}://centre@127.0.0.1:{estate.broker.port}"
    (root / "wingspan.toml").write_text(
        f'[fleet]\nbroker = "{where}"\nbroker_authority = "{cert}"\nrelay_patience_s = 15\n'
    )
    estate.broker.start()
    for relay in estate.relays.values():
        relay.start()
    # Asked about them, the centre tells relays whom to trust and which devices they have.
    wait_until(lambda: not any(map(is_new, statuses(estate))), "the relays have heard of it")


def statuses(estate):
    return estate.types("asha", "relay", "status")["relays"]


def is_new(status):
    return status["is_behind"] or status["heard_at"] is None


def installed(estate, folder, prison, site, cert):
    lab = estate.lab
    router = lab.rehearsal.router(site.number)
    relay = Relay(
        prison=prison,
        root=folder / prison,
        network=f"/proc/{lab.transport.pid}/root/proc/{router}/ns/net",
        address=str(site.outside[0]),
        keys=estate.keys,
    )
    where = f"{estate.broker.scheme}://relay-{prison}@{relay.address}:{estate.broker.port}"
    words = ["relay", "install", prison, "--trust", str(lab.workspace.keys / "trust.pub")]
    words += ["--broker", where, "--broker-authority", str(cert), "--user", "root"]
    relay.types("root", *words)
    admitted = estate.types("asha", "relay", "admit", str(relay.root / "relay.json"))
    shutil.copy(admitted["password_file"], relay.root / "keys" / "broker_password")
    # A device that hangs holds a wave up for longer than the broker waits, and no longer.
    (relay.root / "inputs").mkdir()
    (relay.root / "inputs" / "health.toml").write_text(
        "[sweep]\nlogin_timeout_s = 12\ncalm_timeout_s = 12\n"
    )
    settings = relay.root / "relay" / "settings.json"
    low = json.loads(settings.read_text()) | {"visible_again_s": 3}
    settings.write_text(json.dumps(low))
    return relay


def certificate(folder, addresses):
    """Make the broker's certificate, which signs itself."""
    cert, key = folder / "broker.pem", folder / "broker.key"
    names = ",".join(f"IP:{address}" for address in ["127.0.0.1", *addresses])
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=broker"]
    command += ["-addext", f"subjectAltName={names}", "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


@pytest.fixture
def prison(tmp_path):
    made = Prison(tmp_path)
    yield made
    made.registry.close()
    made.relay_registry.close()

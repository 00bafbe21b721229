"""One simulated device: what it keeps, and the program of real devices that it runs."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from io import StringIO
from subprocess import TimeoutExpired
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fleet.approval.order import PROOF
from fleet.errors import RefusedError
from fleet.identity import signature
from fleet.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# The parts that decide. They get no file and no process of this machine: what would touch one has
# to be replaced, or fails.
_PARTS = (
    "wingspan_disk",
    "wingspan_firewall",
    "wingspan_names",
    "wingspan_dead_man",
    "wingspan_state",
    "wingspan_glass",
    "wingspan_change",
    "wingspan_wipe",
)
_TOUCHING = ("os", "shutil", "subprocess", "tempfile", "syslog", "fcntl", "socket")


class PowerCutError(Exception):
    """The power went between noting an order and carrying it out."""


@dataclass(slots=True, kw_only=True)
class Machine:
    """What a device keeps through a restart.

    Attributes
    ----------
    used
        What is known of each order that it took, by nonce.
    version
        The last bundle that it took: version and hash.
    fetched
        The hash of the bundle that it was brought last, "" where none was.
    fails
        What putting a state in force does next: "" for nothing unusual, "disk" for no space,
        "power" for a cut of the power, which happens once.
    """

    device: str
    prison_id: str
    nonce: str
    key_seed: bytes
    state: dict[str, Any] = field(default_factory=dict)
    used: dict[str, dict[str, Any]] = field(default_factory=dict)
    version: dict[str, str] = field(default_factory=dict)
    fetched: str = ""
    fails: str = ""

    @property
    def key(self) -> Ed25519PrivateKey:
        """Return its host key."""
        return Ed25519PrivateKey.from_private_bytes(self.key_seed)

    @property
    def host_key(self) -> str:
        """Return the public half, as it is pinned."""
        public = self.key.public_key()
        return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


class Program:
    """The program of real devices, one copy of it that runs for one device at a time.

    `trust` is the statement in force, as devices keep it, and `now` the time in seconds.
    """

    def __init__(self, trust: Mapping[str, str], now: Callable[[], float]) -> None:
        self.trust = trust
        self._now = now
        self._lock = Lock()
        self._modules = _loaded()
        self._order: Any = self._modules["wingspan_order"]
        self._machine = Machine(device="", prison_id="", nonce="", key_seed=b"")
        self._replace_what_touches_a_machine()

    def answer(self, machine: Machine, command: str, stdin: bytes) -> bytes:
        """Return what a device answers to a command of the restricted lane.

        Raises
        ------
        PowerCutError
            When it stops in the middle; it goes on at the next command.
        """
        with self._lock:
            self._machine = machine
            if command == "probe":
                return self._facts()
            order = self._order
            with _known(self._modules):
                try:
                    given = json.loads(stdin)
                    act = {"order": order.take, "prove": order.prove, "prefetch": self._prefetch}
                    said = act[command](given)
                except order.NotYetError as refusal:
                    said = {"refused": str(refusal), "later": True}
                except order.SupersededError as refusal:
                    said = {"refused": str(refusal), "superseded": True}
                except (order.RefusalError, order.firewall.RefusalError) as refusal:
                    said = {"refused": str(refusal)}
                except (OSError, ValueError, KeyError, TypeError) as fault:
                    said = {"refused": f"{type(fault).__name__}: {fault}"}
            return json.dumps(said).encode()

    @staticmethod
    def has_had(machine: Machine, stdin: bytes) -> bool:
        """Return whether a device has taken an order before."""
        return json.loads(json.loads(stdin)["request"])["nonce"] in machine.used

    def _facts(self) -> bytes:
        order, machine = self._order, self._machine
        state = order.states.current()
        facts = {
            "schema": 1,
            "program": "1",
            "device": machine.device,
            "nonce": machine.nonce,
            "ruleset_sha256": order.ruleset_sha256(),
            "kiosk": "running" if order.states.screen_of(state) == "running" else "locked",
            "battery_percent": 80,
            "disk_free_percent": 60,
            "memory_free_percent": 50,
            "load_1m": 0.1,
            "uptime_s": 86_400,
            "clock_s": self._now(),
            "simulated": [],
            "unread": {},
        }
        return json.dumps(facts).encode()

    def _replace_what_touches_a_machine(self) -> None:
        order, states, firewall = self._order, self._order.states, self._order.firewall

        @lru_cache(maxsize=1024)
        def rules_of(level: str, allowed: str) -> str:
            wanted = {**firewall.DEFAULT, "level": level, "allowed": json.loads(allowed)}
            return sha256(firewall.rules(wanted).encode()).hexdigest()

        def ruleset_sha256() -> str:
            state = states.current()
            level = "closed" if states.is_closed(state) else "open"
            return rules_of(level, json.dumps(state["allowed"]))

        @lru_cache(maxsize=1024)
        def verify(data: bytes, armoured: str, key: str, namespace: str) -> None:
            try:
                signature.verify(data, armoured, public=key, namespace=namespace)
            except RefusedError as error:
                raise order.RefusalError("a signature does not hold") from error

        order.verify, order.ruleset_sha256 = verify, ruleset_sha256
        order.read_json, order.now = self._read_json, lambda: int(self._now())
        order.used, order.every_used, order.note = self._used, self._every_used, self._note
        order.keygen, order.probes = self._sign, self._probes
        states.current, states.put_in_force = self._current, self._put_in_force
        states.session = dict
        order.alone = nullcontext
        # Nothing is left of what was never there.
        order.wipe.erase = lambda: None
        order.wipe.shown = lambda: {"volume": "", "keyslots": None, "still_open": [], "left": []}
        order.glass.note = lambda *_said: None
        order.names.refuse_unable = lambda _wanted: None
        vars(self._modules["wingspan_change"])["open"] = self._opened
        update: Any = self._modules["wingspan_update"]
        update.settle, update.refuse = lambda: None, self._refuse
        update.run, update.shown = self._update, self._updated

    def _read_json(self, path: str) -> Any:
        order, machine = self._order, self._machine
        if path == order.TRUST:
            return self.trust
        if path == order.PROVISIONING:
            names = ("device", "prison_id", "nonce")
            return {name: getattr(machine, name) for name in names}
        raise FileNotFoundError(path)

    def _used(self, nonce: str) -> dict[str, Any] | None:
        known = self._machine.used.get(nonce)
        return dict(known) if known else None

    def _every_used(self) -> Iterator[dict[str, Any]]:
        return (dict(self._machine.used[nonce]) for nonce in sorted(self._machine.used))

    def _note(self, request: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
        names = ("request", "nonce", "action", "supersedes", "requested_s")
        known = {name: request[name] for name in names if name in request} | dict(more)
        self._machine.used[request["nonce"]] = known
        return dict(known)

    def _opened(self, _path: str, **_how: str) -> StringIO:
        """Return what `open` would of the one file that a change reads."""
        return StringIO(json.dumps({"nonce": self._machine.nonce}))

    def _prefetch(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take the bytes of a bundle, where its order is one."""
        order = self._order
        request = order.read(given["request"])
        order.check(request, given, json.loads(self.trust["statement"]))
        self._machine.fetched = str(request["parameters"]["bundle_sha256"])
        return {"bundle_sha256": self._machine.fetched, "complete": True}

    def _refuse(self, request: Mapping[str, Any]) -> None:
        if self._machine.fetched != request["parameters"]["bundle_sha256"]:
            raise self._order.NotYetError("the bundle is not here yet")

    def _update(self, known: dict[str, Any]) -> None:
        """Take a bundle, or fail for want of space; either way the device is whole."""
        machine, given = self._machine, known["parameters"]
        if machine.fails == "disk":
            known |= {"outcome": "failed", "why": "No space left on device"}
        else:
            machine.version = {name: given.get(name, "") for name in ("version", "bundle_sha256")}
            known |= {"outcome": "done", "why": ""}
        self._note(known, {name: known[name] for name in ("outcome", "why", "parameters")})

    def _updated(self) -> dict[str, Any]:
        version = self._machine.version
        return {
            "version": version.get("version", ""),
            "update": {"bundle_sha256": version.get("bundle_sha256", "")},
        }

    def _current(self) -> dict[str, Any]:
        states = self._order.states
        state = {**states.NOTHING, "locks": {}, **self._machine.state}
        # A proof tells where the next boot leads from a link of this name.
        states.DEFAULT_TARGET = f"/{states.target_of(state)}"
        return state

    def _put_in_force(self, state: dict[str, Any]) -> None:
        machine = self._machine
        if machine.fails == "power":
            machine.fails = ""
            raise PowerCutError
        if machine.fails == "disk":
            raise OSError(28, "No space left on device")
        machine.state = state

    def _sign(self, _command: object, data: bytes) -> _Done:
        return _Done(signature.sign_with(data, self._machine.key, namespace=PROOF).encode())

    def _probes(self, state: Mapping[str, Any]) -> dict[str, str]:
        # Nothing is outside: what no rule shuts is not there to answer either.
        del state
        return {"forbidden": "shut", "relay": "open"}


@dataclass(frozen=True, slots=True)
class _Done:
    """What a program that was run left, as `subprocess` has it."""

    stdout: bytes
    stderr: bytes = b""
    returncode: int = 0


class _Paths:
    """What is left of `os` to a simulated device: names of files, and no file."""

    path = os.path


class _NoProcess:
    """What is left of `subprocess`: the name of a failure."""

    TimeoutExpired = TimeoutExpired


def _no_file(path: str, *_how: object, **_more: object) -> None:
    raise FileNotFoundError(path)


def _loaded() -> dict[str, ModuleType]:
    """Return copies of the parts of the device's program, which nobody else has, by name."""
    folder, modules = shipped("playbooks") / "files", dict[str, ModuleType]()
    modules["wingspan_update"] = ModuleType("wingspan_update")
    path = list(sys.path)
    try:
        with _known(modules):
            for name in (*_PARTS, "wingspan_order"):
                spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
                if spec is None or spec.loader is None:
                    raise FileNotFoundError(folder / f"{name}.py")
                sys.modules[name] = modules[name] = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(modules[name])
    finally:
        sys.path[:] = path
    for module in modules.values():
        touching = dict.fromkeys(_TOUCHING) | {"os": _Paths, "open": _no_file}
        touching["subprocess"] = _NoProcess
        vars(module).update({k: v for k, v in touching.items() if k in vars(module) or k == "open"})
    return modules


@contextmanager
def _known(modules: Mapping[str, ModuleType]) -> Iterator[None]:
    """Have modules be found by those that import them, for the block."""
    names = {*modules, *_PARTS, "wingspan_order"}
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)

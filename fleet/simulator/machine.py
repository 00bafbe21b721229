"""One simulated device: what it keeps, and the program of real devices that it runs."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fleet.approval.order import PROOF
from fleet.errors import RefusedError
from fleet.identity import signature
from fleet.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import ModuleType

_PARTS = ("wingspan_firewall", "wingspan_state")


class PowerCutError(Exception):
    """The power went between noting an order and carrying it out."""


@dataclass(slots=True, kw_only=True)
class Machine:
    """What a device keeps through a restart.

    Attributes
    ----------
    used
        What is known of each order that it took, by nonce.
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
        self._order: Any = _loaded()  # Its names are given other meanings below.
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
            try:
                given = json.loads(stdin)
                order.finish()
                said = {"order": order.take, "prove": order.prove}[command](given)
            except (order.RefusalError, order.firewall.RefusalError) as refusal:
                said = {"refused": str(refusal)}
            except (OSError, ValueError, KeyError, TypeError) as fault:
                said = {"refused": f"{type(fault).__name__}: {fault}"}
            return json.dumps(said).encode()

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

    def _note(self, request: Mapping[str, Any], more: Mapping[str, Any]) -> None:
        names = ("request", "nonce", "action", "supersedes")
        known = {name: request[name] for name in names} | dict(more)
        self._machine.used[request["nonce"]] = known

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


def _loaded() -> ModuleType:
    """Return a copy of the device's program that nobody else has."""
    folder = shipped("playbooks") / "files"
    before, path = {name: sys.modules.pop(name, None) for name in _PARTS}, list(sys.path)
    try:
        spec = importlib.util.spec_from_file_location(
            "wingspan_order_simulated", folder / "wingspan_order.py"
        )
        if spec is None or spec.loader is None:
            raise FileNotFoundError(folder / "wingspan_order.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = path
        for name, loaded in before.items():
            sys.modules.pop(name, None)
            if loaded is not None:
                sys.modules[name] = loaded
    return module

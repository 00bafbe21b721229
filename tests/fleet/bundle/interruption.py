"""Updates broken off in the middle: power cut, or the device's program killed, by seed.

A user wants sessions on the device all the while, from the first moment of each boot. Each must
find one version whole: the one from before, or the one that the update ended with.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fleet.errors import FleetError
from fleet.rehearsal import power
from fleet.rehearsal.target import target_named
from tests.fleet.bundle.tablets import TAKE, build_package, generic_source

POWER_CUT, TWO_CUTS = "power cut", "two power cuts"
KILLED, BOTH_KILLED = "program killed", "program and guardian killed"
CONTROLLER = "controller killed"
WINGSPAN = Path(sys.executable).with_name("wingspan")
PARTS = 40
PATIENCE_S = 300
# So many controllers are killed while their device is at it, the others at any moment before.
IN_THE_MIDDLE = 0.8
STATE = "var/lib/wingspan/transaction/state.json"
OVER = {"proven": "done", "failed": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One update that was broken off: what was done to it, and what came of it.

    `between` is whether it was between first write and commit: the device then had to begin again
    or go back, or its controller died while it was at it. `faults` is what should not have been.
    """

    seed: int
    how: str
    kind: str
    outcome: str
    attempts: int
    sessions: int
    between: bool
    faults: tuple[str, ...]

    def __str__(self):
        """Return it as a line of a table."""
        where = "between" if self.between else "outside"
        end = "; ".join(self.faults) or "right"
        return (
            f"seed {self.seed:<6} {self.how:<27} {self.kind:<8} {where}  {self.outcome:<7} "
            f"attempts {self.attempts}  sessions {self.sessions:<3} {end}"
        )


class Breaker:
    """Breaks updates of one device off, one after the other."""

    def __init__(self, tablets, device, kind):
        self.tablets, self.device, self.kind = tablets, device, kind
        self.version, self.lasts_s, self.begins_s, self.count = "", 1.0, 8.0, 0
        tablets.give_user(device)
        self._begin_whole()

    def _begin_whole(self):
        """Update once without a fault, and see how long it takes between first write and end."""
        bundle = self._bundle()
        order = self._start(bundle)
        self._wait(lambda: self._state() == "begun" or not order.is_alive())
        began_s = time.monotonic()
        order.join(PATIENCE_S)
        self.lasts_s = time.monotonic() - began_s
        self.version = self.tablets.text(self.device, "var/lib/wingspan/version")
        assert self.version == bundle.version

    def run(self, seed, how):
        """Break one update off at a moment that the seed gives, and return what came of it."""
        draw = random.Random(seed)  # noqa: S311 - a schedule, no secret
        bundle, before = self._bundle(), self.version
        already = len(self.tablets.sessions(self.device))
        between = False
        if how == CONTROLLER:
            outcome, between = self._ordered_and_killed(bundle, draw)
        else:
            order = self._start(bundle)
            early = draw.random() < 0.1
            wanted = "preparing" if early else "begun"
            self._wait(lambda: self._state() == wanted or not order.is_alive())
            time.sleep(draw.uniform(0, 0.3 if early else 0.75 * self.lasts_s))
            self._strike(how)
            order.join(PATIENCE_S)
            outcome = self._proof().outcome
        self.version = self.tablets.text(self.device, "var/lib/wingspan/version")
        self._wait_for_a_session()
        seen = self.tablets.sessions(self.device)[already:]
        last = json.loads(self.tablets.text(self.device, "var/lib/wingspan/update.json"))["last"]
        return Broken(
            seed=seed,
            how=how,
            kind=self.kind,
            outcome=last["outcome"],
            attempts=last["attempts"],
            sessions=len(seen),
            between=between or last["attempts"] > 1 or last["outcome"] == "restored",
            faults=tuple(self._faults(outcome, before, bundle.version, seen)),
        )

    def _ordered_and_killed(self, bundle, draw):
        """Order an update as a person does, kill that command, and reconcile until it is over.

        Returns what came of it, and whether the device was at it when the command was killed.
        """
        scope = f"device:{self.device.device}"
        words = ["update", scope, "--bundle", str(bundle.path), "--soak", "0", "--yes"]
        command = self._begins(*words)
        began_s = time.monotonic()
        if draw.random() < IN_THE_MIDDLE:
            self._wait(lambda: self._state() == "begun" or command.poll() is not None)
            time.sleep(draw.uniform(0, self.lasts_s))
        else:  # Before, or just after: as long as the last command took until its device began.
            time.sleep(draw.uniform(0, self.begins_s))
        between = self._state() in {"begun", "applied"} and command.poll() is None
        with suppress(ProcessLookupError):
            # Alone, or with the Ansible that it started.
            (os.kill, os.killpg)[draw.random() < 0.5](command.pid, signal.SIGKILL)
        command.communicate()
        if between:
            self.begins_s = time.monotonic() - began_s
        return self._reconciled(bundle), between

    def _reconciled(self, bundle):
        """Carry out what is due until the device's update is over; return what came of it."""
        ends_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_s:
            answer = json.loads(self._begins("reconcile", "--once", "--json").communicate()[0])
            standing = {
                one["device"]: name for name in answer if name in OVER for one in answer[name]
            }
            if self.device.device in standing:
                return OVER[standing[self.device.device]]
            if not any(one["device"] == self.device.device for one in self._open(answer)):
                # Killed before it had asked for anything, or after all was proven.
                applied = self.tablets.text(self.device, "var/lib/wingspan/version")
                return "done" if applied == bundle.version else "failed"
            time.sleep(1)
        raise AssertionError(self._standing())

    @staticmethod
    def _open(answer):
        return [*answer["unproven"], *answer["waiting"]]

    def _begins(self, *words):
        """Begin a command of ben's in a process of its own."""
        environment = {
            **{name: value for name, value in os.environ.items() if name[:8] != "WINGSPAN"},
            "WINGSPAN_OPERATOR": "ben",
            "WINGSPAN_SIGNING_KEY": str(self.tablets.office.keys["ben"]),
        }
        root = self.tablets.lab.workspace.root
        return subprocess.Popen(
            [WINGSPAN, "-C", root, "fleet", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def _faults(self, outcome, before, wanted, seen):
        ended = {"done": wanted, "failed": before}.get(outcome)
        if self.version != ended:
            yield f"{outcome}, and runs {self.version!r}"
        if self.tablets.parts(self.device) != {ended}:
            yield f"parts are of {sorted(self.tablets.parts(self.device))}"
        strange = {line.strip() for line in seen} - {before, ended}
        if strange:
            yield f"a session saw {sorted(strange)}"
        if not seen or seen[-1].strip() != ended:
            yield f"the last session saw {seen[-1:]}"
        if self.kind == "debian" and self.tablets.on(self.device, "dpkg", "--audit"):
            yield "dpkg finds packages that are half there"

    def _bundle(self):
        self.count += 1
        version = f"{self.device.device}.{self.count}"
        folder = self.tablets.folder / version
        if self.kind == "generic":
            generic_source(folder, version, parts=PARTS, post="sleep 0.2")
        else:
            folder.mkdir()
            for package in ("kiosk-a", "kiosk-b"):
                files = {
                    f"/opt/kiosk/part-{package}-{number:02}": f"{version}\n{'x' * 20_000}"
                    for number in range(PARTS // 2)
                }
                slow = "#!/bin/sh\nsleep 0.1\n"
                build_package(folder, package, f"{self.count}", files, postinst=slow)
        bundle = self.tablets.make(self.kind, version, folder, f"kiosk-{self.device.device}")
        self.tablets.bring(self.device, bundle)
        # What is on its disk when an update begins has been there for a while.
        self.tablets.on(self.device, "sync", "-f", "/")
        return bundle

    def _start(self, bundle):
        """Have the device take a bundle, past its network, and return the thread that waits."""
        self.request = self.tablets.ask(self.device, bundle)
        order = self.tablets.envelope(self.device, self.request)
        (self.tablets.root(self.device) / "run/order.json").write_bytes(order)
        take = f"exec python3 -I -S -E {TAKE} take </run/order.json >/run/answer.json"

        def wait():
            with suppress(FleetError):  # It is broken off.
                self.tablets.on(self.device, "sh", "-c", take)

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        return thread

    def _strike(self, how):
        if how in (POWER_CUT, TWO_CUTS):
            rehearsal = self.tablets.lab.rehearsal
            casing = self.tablets.casings[self.device.device]
            target = target_named(rehearsal, casing.serial)
            power.pull_the_plug(rehearsal, target)
            if how == TWO_CUTS:  # The second as soon as the boot is at it.
                rehearsal.switch_on(casing)
                self._wait(lambda: rehearsal.is_on(casing))
                self._wait(lambda: self._attempts() > 1 or self._boots())
                power.pull_the_plug(rehearsal, target)
            power.switch_on(rehearsal, target)
            return
        oldest = ["-o"] if how == KILLED else []
        with suppress(FleetError):  # It may have ended before.
            self.tablets.on(self.device, "pkill", "-KILL", *oldest, "-f", "wingspan_order.py take")

    def _proof(self):
        """Ask what became of it until the device says; its sshd may not listen yet."""
        ends_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                proof = self.tablets.prove(self.device, self.request)
                if proof.outcome != "begun":
                    return proof
            except FleetError:
                if time.monotonic() > ends_s:
                    raise
            assert time.monotonic() < ends_s, self._standing()
            time.sleep(0.3)

    def _wait_for_a_session(self):
        """Wait until one has begun since the update ended."""
        had = len(self.tablets.sessions(self.device))
        self._wait(lambda: len(self.tablets.sessions(self.device)) > had)

    def _state(self):
        return self._noted().get("state", "")

    def _attempts(self):
        return self._noted().get("attempts", 0)

    def _noted(self):
        try:
            return json.loads(self.tablets.text(self.device, STATE))
        except (ValueError, FleetError):
            return {}

    def _boots(self):
        """Return whether the device has come so far that whatever was left is finished."""
        return bool(self.tablets.text(self.device, "run/sshd.pid"))

    def _wait(self, done):
        ends_s = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < ends_s, self._standing()
            time.sleep(0.01)

    def _standing(self):
        """Return how the device is, for whoever has to find out why nothing happens."""
        look = (
            "ls -l /run/wingspan /var/lib/wingspan/transaction /opt/session /etc/wingspan/boot.d;"
            "cat /var/lib/wingspan/update.json /var/lib/wingspan/transaction/state.json;"
            "ps -ef; tail -2 /run/wingspan/simulated/sessions"
        )
        return self.tablets.on(self.device, "sh", "-c", f"( {look} ) 2>&1; true")

"""The namespaces that a rehearsal lives in, seen from outside: entered, looked into, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.errors import FleetError
from fleet.transport import start_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SCRIPTS = Path(__file__).resolve().parent / "scripts"
_PATIENCE_S = 120.0
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Machine:
    """A rehearsal by its first process, whose end is the end of everything in it."""

    pid: int

    @property
    def files(self) -> Path:
        """Return the rehearsal's own files, which only its namespaces have mounted."""
        return Path(f"/proc/{self.pid}/root/mnt")

    def run(self, command: Sequence[str], *, stdin: str = "", network_of: int = 1) -> str:
        """Run a command in the rehearsal, in the network of one of its processes.

        Processes are named by their numbers within the rehearsal. Returns what it wrote.

        Raises
        ------
        FleetError
            When the command fails.
        """
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--ipc", "--uts"]
        enter.append(f"--net={self._process(network_of)}/ns/net")
        return _run([*enter, "--", *command], stdin)

    def run_on(self, pid: int, command: Sequence[str]) -> str:
        """Run a command on the device whose first process has that number in the rehearsal.

        Raises
        ------
        FleetError
            When the command fails.
        """
        spaces = ("mnt", "pid", "net", "ipc", "uts")
        names = {"mnt": "mount"}
        process = self._process(pid)
        enter = [f"--{names.get(space, space)}={process}/ns/{space}" for space in spaces]
        return _run(["nsenter", *enter, "--", *command], "")

    def root_of(self, pid: int) -> Path:
        """Return the root directory of a process, given by its number in the rehearsal."""
        return self._process(pid) / "root"

    def name_of(self, pid: int) -> str:
        """Return the name of a process, given by its number in the rehearsal; "" for none."""
        try:
            return (self._process(pid) / "comm").read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def kill(self, *pids: int) -> None:
        """Kill processes, given by their numbers in the rehearsal; they may be gone already."""
        self.run(["sh", "-c", f"kill -KILL {' '.join(map(str, pids))} 2>/dev/null || :"])

    def end(self) -> None:
        """End everything in the rehearsal, and wait until the kernel has taken it down."""
        # The shell outside ends last, when it has cleared away what no namespace holds.
        outside = _parent(_parent(self.pid))
        started = start_of(outside)
        os.kill(self.pid, signal.SIGKILL)
        until(lambda: start_of(outside) != started, "the rehearsal does not end")

    def _process(self, pid: int) -> Path:
        # Through the rehearsal's own list of processes, whose numbers are not this machine's.
        return Path(f"/proc/{self.pid}/root/proc/{pid}")


def start_machine(*, root: Path, seconds: int, log: Path) -> Machine:
    """Return a new machine that has the devices' root and ends after so many seconds.

    Raises
    ------
    FleetError
        When it does not start.
    """
    # A shell leaves it to the system, so that it outlives this program and is nobody's child.
    leave = 'cd / ; setsid sh "$@" >"$0" 2>&1 </dev/null & echo $!'
    command = [str(SCRIPTS / "outside.sh"), str(root), str(seconds)]
    outside = int(_run(["sh", "-c", leave, str(log.resolve()), *command], ""))
    found: list[Machine] = []

    def ready() -> bool:
        if start_of(outside) is None:
            because = ChildProcessError(log.read_text(encoding="utf-8", errors="replace").strip())
            raise FleetError("the rehearsal does not start") from because
        # From that shell to the unshare that waits, and on to the rehearsal's first process.
        first = next((pid for child in _children(outside) for pid in _children(child)), None)
        if first is not None and (Machine(first).files / "ready").exists():
            found.append(Machine(first))
        return bool(found)

    until(ready, "the rehearsal does not start")
    return found[0]


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))


def _children(pid: int) -> list[int]:
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(number) for number in listed.split()]


def until(done: Callable[[], bool], otherwise: str, *, patience_s: float = _PATIENCE_S) -> None:
    """Wait until something is done.

    Raises
    ------
    FleetError
        When it is not done in that time.
    """
    deadline = time.monotonic() + patience_s
    while not done():
        if time.monotonic() > deadline:
            raise FleetError(otherwise, hint="wingspan fleet rehearse down, then up again")
        time.sleep(_POLL_S)


def _run(command: Sequence[str], stdin: str) -> str:
    finished = subprocess.run(  # noqa: S603 - our own command
        command, check=False, input=stdin, capture_output=True, text=True
    )
    if finished.returncode:
        said = finished.stderr.strip() or finished.stdout.strip() or "it said nothing"
        because = ChildProcessError(f"{' '.join(command)} ended with {finished.returncode}: {said}")
        raise FleetError("the rehearsal does not do what it is told") from because
    return finished.stdout

"""One playbook on some devices: a result for each, whatever becomes of the run.

The only module that knows ansible-runner. A run has a private folder of its own, without keys and
gone at its end; OpenSSH holds every device to its pinned key under the device's own name.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fleet.device import known_hosts_line
from fleet.errors import FleetError, InputError
from fleet.shipped import shipped
from fleet.ssh import Target

if TYPE_CHECKING:
    from fleet.identity.credential import Credential

FORKS = 10  # Five for each of two cores; more only take memory.

# A dead device ends its task after 15–20 s. A playbook of ours is one task, so no connection is
# kept for another.
_SSH_OPTIONS = (
    "StrictHostKeyChecking=yes",
    "CheckHostIP=no",
    "IdentitiesOnly=yes",
    "PasswordAuthentication=no",
    "KbdInteractiveAuthentication=no",
    "ForwardAgent=no",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    "ControlMaster=no",
    "ControlPath=none",
)
# Ansible looks a thousand times a second whether a device is done, which costs more than to wait.
_SETTINGS = "[defaults]\ninternal_poll_interval = 0.02\n"
_CONNECT_TIMEOUT_S = 15
_CANCEL_EVERY_S = 1
_WORDS_MAX = 2000


class Outcome(StrEnum):
    """How a playbook ended on one device."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a device's last task answered; `why` says what failed.

    `answer` is the whole answer of the module, as it came.
    """

    device: str
    outcome: Outcome
    why: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A result for each device in name order, and whether the run came to its own end.

    A run that was stopped, or whose process died, leaves devices UNKNOWN: what was begun on them
    may still go on, so they have to be asked.
    """

    results: tuple[Result, ...]
    finished: bool

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return the devices that nothing was heard of."""
        return tuple(r.device for r in self.results if r.outcome is Outcome.UNKNOWN)


class Carrier(Protocol):
    """What runs a command where devices can be reached."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """Return the command that runs `argv` there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A playbook by its name, the devices, and what it is told.

    `variables`, and `own` for each device, hold no secret: they are written to the run's folder.
    `timeout_s` ends the whole run; a task of one device ends after `task_timeout_s`.
    """

    playbook: str
    targets: Sequence[Target]
    variables: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    forks: int = FORKS
    timeout_s: int = 3600
    task_timeout_s: int = 900


def play(  # noqa: PLR0913 - three ways to take part in a run, each by its name
    work: Play,
    credential: Credential,
    carrier: Carrier,
    *,
    stopped: Callable[[], bool] = lambda: False,
    ask: Callable[[Sequence[str]], Mapping[str, Result]] | None = None,
    heard: Callable[[Result], None] = lambda _result: None,
) -> Run:
    """Run a playbook and return a result for each device.

    `heard` is told each result as it comes. When the run is `stopped`, or ends without a word
    about some devices, `ask` is called with these and its results stand for theirs.

    Raises
    ------
    InputError
        When there is no such playbook.
    FleetError
        When Ansible could not start at all.
    """
    path = shipped("playbooks") / f"{work.playbook}.yml"
    if not path.is_file():
        known = sorted(found.stem for found in shipped("playbooks").glob("*.yml"))
        hint = f"use one of {', '.join(known)}"
        raise InputError(f"there is no playbook {work.playbook!r}", hint=hint)
    if not work.targets:
        return Run(results=(), finished=True)
    listener = _Listener({target.device for target in work.targets}, heard)
    # Workers of a run that was stopped are in sessions of their own: what they still write while
    # its folder goes holds no key.
    space = tempfile.TemporaryDirectory(prefix="wingspan-run-", ignore_cleanup_errors=True)
    with space as name, credential.files() as keys:
        launch = _launch(work, Path(name), keys, carrier)
        finished = _run({**launch, "playbook": str(path)}, listener, stopped)
    results = listener.results()
    run = Run(results=results, finished=finished)
    if run.unknown and ask is not None:
        told = ask(run.unknown)
        results = tuple(told.get(result.device, result) for result in results)
        return Run(results=results, finished=finished)
    return run


class _Listener:
    """Keeps the last word on each device from a run's events."""

    def __init__(self, devices: set[str], heard: Callable[[Result], None]) -> None:
        self._devices = devices
        self._tell = heard
        self._last: dict[str, Result] = {}
        self._changed: set[str] = set()
        self._ended: set[str] = set()
        self.heard = False

    def event(self, event: Mapping[str, Any]) -> bool:
        """Take an event; False keeps ansible-runner from writing a file for it."""
        data = event.get("event_data", {})
        device = data.get("host", "")
        kind = event.get("event", "")
        if kind == "playbook_on_stats":
            self._ended |= {name for name in data.get("processed", {}) if name in self._devices}
        if device in self._devices:
            self.heard = True
            self._take(kind, device, data)
        return False

    def _take(self, kind: str, device: str, data: Mapping[str, Any]) -> None:
        answer = {k: v for k, v in data.get("res", {}).items() if not k.startswith("_")}
        if kind == "runner_on_ok":
            if answer.get("changed"):
                self._changed.add(device)
            outcome = Outcome.CHANGED if device in self._changed else Outcome.UNCHANGED
            self._note(Result(device=device, outcome=outcome, answer=answer))
        elif kind == "runner_on_failed" and not data.get("ignore_errors"):
            self._end(device, Outcome.FAILED, answer)
        elif kind == "runner_on_unreachable":
            self._end(device, Outcome.UNREACHABLE, answer)

    def _end(self, device: str, outcome: Outcome, answer: Mapping[str, Any]) -> None:
        self._ended.add(device)
        words = str(answer.get("msg", "")).strip() or outcome.value
        self._note(Result(device=device, outcome=outcome, why=words, answer=answer))

    def _note(self, result: Result) -> None:
        self._last[result.device] = result
        self._tell(result)

    def results(self) -> tuple[Result, ...]:
        """Return a result for each device; unknown where the run did not come to its end on it."""
        return tuple(
            self._last[device]
            if device in self._last and device in self._ended
            else Result(device=device, outcome=Outcome.UNKNOWN, why="the run ended before it")
            for device in sorted(self._devices)
        )


def _launch(work: Play, folder: Path, keys: Path, carrier: Carrier) -> dict[str, Any]:
    """Return what ansible-runner is told of a run in a folder."""
    program = Path(sys.executable).with_name("ansible-playbook")
    if not program.is_file():
        hint = "install wingspan anew; ansible-core comes with it"
        raise FleetError(f"there is no {program}", hint=hint)
    _write_entry(folder / "bin" / "ansible-playbook", carrier.command([str(program)]))
    return {
        "private_data_dir": str(folder),
        "inventory": _inventory(work, folder, keys),
        "extravars": dict(work.variables),
        "envvars": _environment(work, folder),
        "settings": {
            "pexpect_timeout": _CANCEL_EVERY_S,
            "pexpect_use_poll": True,  # select() cannot take descriptors above 1023.
            "job_timeout": work.timeout_s,
            "suppress_ansible_output": True,
        },
        "forks": work.forks,
        "quiet": True,
    }


def _run(launch: Mapping[str, Any], listener: _Listener, stopped: Callable[[], bool]) -> bool:
    """Run ansible-playbook, and return whether it came to its own end."""
    import ansible_runner  # noqa: PLC0415 - slow to import, and not every command runs a playbook

    runner = ansible_runner.run(**launch, event_handler=listener.event, cancel_callback=stopped)
    if runner.status in {"failed", "error"} and not listener.heard:
        with runner.stdout as output:
            said = output.read().strip()
        raise FleetError(f"Ansible ended before any device, with {runner.rc}") from (
            RuntimeError(said[-_WORDS_MAX:]) if said else None
        )
    return runner.status in {"successful", "failed"}


def _write_entry(entry: Path, argv: Sequence[str]) -> None:
    """Write the program that ansible-runner starts: ansible-playbook, where devices are."""
    entry.parent.mkdir()
    entry.write_text(f'#!/bin/sh\nexec {shlex.join(argv)} "$@"\n', encoding="utf-8")
    entry.chmod(0o700)


def _inventory(work: Play, folder: Path, keys: Path) -> dict[str, Any]:
    """Return the hosts of a run, and write their pinned keys beside it."""
    known = folder / "known_hosts"
    lines = [known_hosts_line(target.device, target.host_key) for target in work.targets]
    known.write_text("".join(lines), encoding="utf-8")
    certificate = keys / "key-cert.pub"
    common = [
        *_SSH_OPTIONS,
        f"UserKnownHostsFile={known}",
        "GlobalKnownHostsFile=/dev/null",
        f"IdentityFile={keys / 'key'}",
        *([f"CertificateFile={certificate}"] if certificate.is_file() else []),
    ]
    return {
        "all": {
            "hosts": {
                target.device: {**_host(target), **work.own.get(target.device, {})}
                for target in work.targets
            },
            "vars": {
                "ansible_ssh_args": " ".join(f"-o {option}" for option in common),
                "ansible_ssh_retries": 0,
                "ansible_python_interpreter": "/usr/bin/python3",
            },
        }
    }


def _host(target: Target) -> dict[str, Any]:
    options = [f"HostKeyAlias={target.device}"]
    if target.key_exchange:
        options.append(f"KexAlgorithms={target.key_exchange}")
    return {
        "ansible_host": target.address,
        "ansible_port": target.port,
        "ansible_user": target.user,
        "ansible_ssh_common_args": " ".join(f"-o {option}" for option in options),
    }


def _environment(work: Play, folder: Path) -> dict[str, str]:
    """Return what a run sees beside the environment of this program.

    A database's password may be in ours, and the run's folder notes its environment: what is
    named after us is left blank there. Nothing that a person's own ansible.cfg says counts.
    """
    config = folder / "ansible.cfg"
    config.write_text(_SETTINGS, encoding="utf-8")
    return {
        **{name: "" for name in os.environ if name.startswith(("WINGSPAN_", "ANSIBLE_"))},
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_ACTION_PLUGINS": str(shipped("playbooks") / "action_plugins"),
        "ANSIBLE_LIBRARY": str(shipped("playbooks") / "library"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_RETRY_FILES_ENABLED": "False",
        "ANSIBLE_TASK_TIMEOUT": str(work.task_timeout_s),
        "ANSIBLE_TIMEOUT": str(_CONNECT_TIMEOUT_S),
        "PATH": os.pathsep.join(
            (
                str(folder / "bin"),
                # Installed as a tool, Ansible's other programs are beside Python and not on PATH.
                str(Path(sys.executable).parent),
                os.environ.get("PATH", os.defpath),
            )
        ),
    }

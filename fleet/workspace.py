"""The fleet's part of a workspace: where its files lie, and what its settings are."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleet.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS_FILE = "wingspan.toml"
_DATABASE_FILE = "fleet.db"
_PASSWORD = re.compile(r"://[^/@:]*:[^/@]+@")
_SETTINGS = ("database", "operator", "clock", "signing_key", "broker", "broker_authority")
_PATIENCE = "relay_patience_s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What may differ from one desk to the next.

    `database` is a SQLAlchemy URL; `operator` is who acts, as the audit log names them; `clock`
    is where devices ask for the time, "10.1.0.1:8463, …", empty for who enrols them;
    `signing_key` is the file of the key that they sign requests and approvals with, "" for none;
    `broker` is where relays are reached, "rediss://USER@HOST:PORT" or "amqps://USER@HOST:PORT", ""
    for none, and `broker_authority` the file of the certificate that its own is signed by;
    `relay_patience_s` is how long a command waits for what relays report.
    """

    database: str
    operator: str
    clock: str = ""
    signing_key: str = ""
    broker: str = ""
    broker_authority: str = ""
    relay_patience_s: float = 60


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with the fleet's registry, keys and log, beside the estate's inputs and plan."""

    root: Path

    @property
    def devices_csv(self) -> Path:
        """Return the list of devices to enrol: serial, host key, model, place, address."""
        return self.root / "inputs" / "devices.csv"

    @property
    def baseline(self) -> Path:
        """Return what devices have in common: kiosk, who comes in, where they may go."""
        return self.root / "inputs" / "baseline.toml"

    @property
    def topology(self) -> Path:
        """Return what serves which cell, as the estate half planned it."""
        return self.root / "out" / "topology.json"

    @property
    def allowlists(self) -> Path:
        """Return where devices of which place may go, as the estate half compiled it."""
        return self.root / "out" / "allowlists.json"

    @property
    def keys(self) -> Path:
        """Return the folder of the authorities and operators' keys; for its owner alone."""
        return self.root / "keys"

    @property
    def audit(self) -> Path:
        """Return the log of every command that touches a device or the registry."""
        return self.root / "audit.jsonl"

    @property
    def audit_archive(self) -> Path:
        """Return the folder where older parts of the log are put, unless elsewhere is named."""
        return self.root / "audit-archive"

    @property
    def bundles(self) -> Path:
        """Return the folder of the bundles that were asked for, by hash."""
        return self.root / "bundles"

    @property
    def lab(self) -> Path:
        """Return the folder of a rehearsal: how its devices are reached."""
        return self.root / "lab"

    def is_begun(self) -> bool:
        """Return whether a fleet has been begun here: there is a registry, keys or a log."""
        here = (self.audit, self.keys, self.root / _DATABASE_FILE)
        return any(path.exists() for path in here) or not self._is_default_database()

    def settings(self) -> Settings:
        """Return the settings: environment, then wingspan.toml, then default.

        Raises
        ------
        InputError
            When wingspan.toml cannot be read or says something that is not usable.
        """
        stated = self._stated()
        problems = [
            Problem(SETTINGS_FILE, f"[fleet] {key}", f"{what}", cure)
            for key, (what, cure) in _faults(stated).items()
        ]
        if problems:
            raise InputError(f"{len(problems)} problems in the settings", problems=problems)
        return Settings(
            database=os.environ.get("WINGSPAN_DATABASE")
            or stated.get("database")
            or f"sqlite:///{(self.root / _DATABASE_FILE).resolve()}",
            operator=os.environ.get("WINGSPAN_OPERATOR") or stated.get("operator") or getuser(),
            clock=os.environ.get("WINGSPAN_CLOCK") or stated.get("clock") or "",
            signing_key=os.environ.get("WINGSPAN_SIGNING_KEY") or stated.get("signing_key") or "",
            broker=os.environ.get("WINGSPAN_BROKER") or stated.get("broker") or "",
            broker_authority=stated.get("broker_authority") or "",
            relay_patience_s=stated.get(_PATIENCE, 60),
        )

    def _is_default_database(self) -> bool:
        return not (os.environ.get("WINGSPAN_DATABASE") or self._stated().get("database"))

    def _stated(self) -> Mapping[str, Any]:
        path = self.root / SETTINGS_FILE
        try:
            stated = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            return {}
        except ValueError as error:  # Not UTF-8, or not TOML.
            problem = Problem(SETTINGS_FILE, "", str(error), "write it as TOML in UTF-8")
            raise InputError(f"cannot read {path}", problems=[problem]) from error
        section = stated.get("fleet", {})
        if not isinstance(section, dict):
            problem = Problem(SETTINGS_FILE, "fleet", "fleet is not a section", "write [fleet]")
            raise InputError(f"cannot read {path}", problems=[problem])
        return section


def _faults(stated: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    faults = {}
    for key, value in stated.items():
        if key == _PATIENCE:
            if not _is_number(value):
                faults[key] = (f"{value!r} is not a number above zero", "write seconds, as 60")
        elif key not in _SETTINGS:
            known = ", ".join((*_SETTINGS, _PATIENCE))
            faults[key] = (f"{key} is not a setting", f"use one of {known}")
        elif not isinstance(value, str) or not value.strip():
            faults[key] = (f"{value!r} is not a text", "write words in quotes")
        elif key == "database" and _PASSWORD.search(value):
            cure = "leave it out, and set WINGSPAN_DATABASE_PASSWORD in the environment"
            faults[key] = ("the URL holds a password", cure)
    return faults


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0

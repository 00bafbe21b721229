"""What a device says of itself: every fact declared once, and an answer read with mistrust."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fleet.errors import NotProvenError

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = float | str

_ANSWER_MAX_BYTES = 65_536
_TEXT_MAX = 200


@dataclass(frozen=True, slots=True)
class FactKind:
    """A fact: its unit ("" for a text) and what it means."""

    is_number: bool
    unit: str
    meaning: str


# Numbers change with every sweep and texts seldom; history keeps each in its own way.
FACTS: Final[Mapping[str, FactKind]] = {
    "battery_percent": FactKind(True, "%", "charge of the battery"),
    "battery_status": FactKind(False, "", "charging, discharging, full, not charging"),
    "bssid": FactKind(False, "", "radio of the access point that it is on"),
    "clock_offset_s": FactKind(True, "s", "its clock less ours, beyond what the round trip hides"),
    "disk_free_mb": FactKind(True, "MB", "room on its root file system"),
    "disk_free_percent": FactKind(True, "%", "the same as a share"),
    "kernel": FactKind(False, "", "release of its kernel"),
    "key_exchange": FactKind(False, "", "SSH key exchange agreed with it"),
    "kiosk": FactKind(False, "", "state of the kiosk: running, locked, failed, …"),
    "load_1m": FactKind(True, "", "processes that want to run, over a minute"),
    "memory_free_percent": FactKind(True, "%", "memory that can be had"),
    "openssh": FactKind(False, "", "version of its OpenSSH"),
    "os": FactKind(False, "", "its operating system and release"),
    "program": FactKind(False, "", "version of our program on it"),
    "round_trip_s": FactKind(True, "s", "from the question to the answer"),
    "ruleset_sha256": FactKind(False, "", "hash of the firewall's rules in its kernel"),
    "signal_dbm": FactKind(True, "dBm", "signal of that access point"),
    "uptime_s": FactKind(True, "s", "since its last boot"),
    "version": FactKind(False, "", "version of our software on it"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one device answered to a probe.

    Attributes
    ----------
    device, nonce
        Who it says that it is, and its provisioning; "" where it was never told.
    facts
        By name, of those declared.
    simulated
        Names of facts that a rehearsal stands in for.
    unread
        What the device could not read, and why.
    """

    device: str
    nonce: str
    facts: Mapping[str, Value]
    simulated: tuple[str, ...] = ()
    unread: Mapping[str, str]


def read_report(answer: bytes, *, sent_s: float, received_s: float) -> Report:
    """Return the report in a probe's answer.

    The device is not trusted: only declared facts of the declared type are taken, and what is
    left out is among `unread`. `sent_s` and `received_s` are seconds since 1970 by our clock.

    Raises
    ------
    NotProvenError
        When the answer is no report at all.
    """
    try:
        if len(answer) > _ANSWER_MAX_BYTES:
            raise ValueError(f"it is {len(answer):,} bytes long")
        said = json.loads(answer)
        if not isinstance(said, dict) or said.get("schema") != 1:
            raise ValueError("it has no schema that we read")
    except (ValueError, RecursionError) as error:
        raise NotProvenError("its answer is not a report") from error
    uptime_s, clock_s = _number(said.get("uptime_s")), _number(said.get("clock_s"))
    found: dict[str, Value] = {"round_trip_s": round(received_s - sent_s, 3)}
    unread = _texts(said.get("unread"))
    for name, kind in FACTS.items():
        if name in said and name not in found:
            value = _number(said[name]) if kind.is_number else _text(said[name])
            if value is None:
                unread[name] = "it is not what was asked for"
            else:
                found[name] = value
    if clock_s is None:
        unread["clock_offset_s"] = "it tells no time"
    else:
        found["clock_offset_s"] = round(_beyond(clock_s, sent_s, received_s), 3)
    if uptime_s is not None and uptime_s < 0:
        del found["uptime_s"]
        unread["uptime_s"] = "it is negative"
    names = said.get("simulated")
    simulated = sorted(set(FACTS).intersection(names)) if _all_texts(names) else ()
    return Report(
        device=_text(said.get("device")) or "",
        nonce=_text(said.get("nonce")) or "",
        facts=dict(sorted(found.items())),
        simulated=tuple(simulated),
        unread=unread,
    )


def _beyond(moment_s: float, earliest_s: float, latest_s: float) -> float:
    """Return by how much a moment lies outside of a span; 0 within it."""
    return max(moment_s - latest_s, 0.0) + min(moment_s - earliest_s, 0.0)


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e15 and math.isfinite(value) else None


def _text(value: Any) -> str | None:
    good = isinstance(value, str) and len(value) <= _TEXT_MAX and value.isprintable()
    return value if good else None


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    pairs = list(value.items())[: len(FACTS)]
    return {
        str(name)[:_TEXT_MAX]: "".join(c if c.isprintable() else " " for c in str(why)[:_TEXT_MAX])
        for name, why in pairs
    }


def _all_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)

"""What a device says of itself: every fact declared once, and an answer read with mistrust."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from sys import intern
from typing import Any, Final

from fleet.errors import NotProvenError

Value = float | str

_ANSWER_MAX_BYTES = 65_536
_TEXT_MAX, _NAMES_MAX, _NUMBER_MAX = 200, 50, 1e15


# By name: the unit ("" for none) and what it means. Numbers change with every sweep, texts seldom,
# and each is remembered in its own way.
NUMBERS: Final[Mapping[str, tuple[str, str]]] = {
    "battery_percent": ("%", "charge of the battery"),
    "clock_offset_s": ("s", "its clock less ours, as far as the round trip does not explain it"),
    "disk_free_mb": ("MB", "room on its root file system"),
    "disk_free_percent": ("%", "the same as a share"),
    "dead_man_percent": (
        "%",
        "time alone before this contact, of what the dead man's rule allows",
    ),
    "glass_broken": ("", "uses of a sealed key that no two people have acted on since"),
    "load_1m": ("", "processes that want to run, over a minute"),
    "memory_free_percent": ("%", "memory that can be had"),
    "round_trip_s": ("s", "from the question to the answer"),
    "signal_dbm": ("dBm", "signal of its access point"),
    "uptime_s": ("s", "since its last boot"),
}
TEXTS: Final[Mapping[str, str]] = {
    "battery_status": "charging, discharging, full or not charging",
    "booted_at": "when it last booted, by our clock",
    "bssid": "radio of the access point that it is on",
    "kernel": "release of its kernel",
    "key_exchange": "SSH key exchange agreed with it",
    "kiosk": "state of the kiosk: running, locked, failed, …",
    "openssh": "version of its OpenSSH",
    "os": "its operating system and release",
    "program": "version of our program on it",
    "ruleset_sha256": "hash of the firewall's rules in its kernel",
    "version": "version of our software on it",
}
# Found by us and not said by the device.
_OURS: Final = frozenset({"booted_at", "clock_offset_s", "key_exchange", "openssh", "round_trip_s"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one device answered to a probe.

    Attributes
    ----------
    device, nonce
        Who it says that it is, and its provisioning; "" where it was never told.
    prison_id
        The prison whose operators it lets in; None where it does not say.
    facts
        By name, of those declared.
    simulated
        Names of facts that a rehearsal stands in for.
    unread
        What the device could not read, and why.
    """

    device: str
    nonce: str
    prison_id: str | None = None
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
    said = _object(answer)
    facts: dict[str, Value] = {"round_trip_s": round(received_s - sent_s, 3)}
    unread = _texts(said.get("unread"))
    for name in sorted((NUMBERS.keys() | TEXTS.keys()) - _OURS):
        value = _number(said.get(name)) if name in NUMBERS else _text(said.get(name))
        if value is not None:
            facts[name] = value
        elif name in said:
            unread[name] = "it is not what was asked for"
    clock_s = _number(said.get("clock_s"))
    if clock_s is None:
        unread["clock_offset_s"] = "it tells no time"
    else:
        facts["clock_offset_s"] = round(_beyond(clock_s, sent_s, received_s), 3)
    if isinstance(uptime_s := facts.get("uptime_s"), float) and 0 <= uptime_s < received_s:
        booted = datetime.fromtimestamp(received_s - uptime_s, tz=UTC)
        facts["booted_at"] = booted.isoformat(timespec="seconds")
    simulated = said.get("simulated")
    return Report(
        device=_text(said.get("device")) or "",
        nonce=_text(said.get("nonce")) or "",
        prison_id=_text(said.get("prison_id")),
        facts=facts,
        simulated=tuple(sorted(facts.keys() & set(_texts(simulated)))),
        unread=unread,
    )


def _object(answer: bytes) -> dict[str, Any]:
    try:
        said = json.loads(answer) if len(answer) <= _ANSWER_MAX_BYTES else None
    except (ValueError, RecursionError) as error:
        raise NotProvenError("its answer is not a report") from error
    if not isinstance(said, dict) or said.get("schema") != 1:
        raise NotProvenError("its answer is not a report of a schema that we read")
    return said


def _beyond(moment_s: float, earliest_s: float, latest_s: float) -> float:
    """Return by how much a moment lies outside of a span; 0 within it."""
    return max(moment_s - latest_s, 0.0) + min(moment_s - earliest_s, 0.0)


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # False for what is not a number too.
    return float(value) if is_number and abs(value) < _NUMBER_MAX else None


def _text(value: Any) -> str | None:
    good = isinstance(value, str) and len(value) <= _TEXT_MAX and value.isprintable()
    return intern(value) if good else None  # Of 90,000 devices most say the same.


def _texts(value: Any) -> dict[str, str]:
    """Return names with what is said of each, whatever was sent; a list says nothing of its own."""
    pairs = value.items() if isinstance(value, dict) else []
    if isinstance(value, list):
        pairs = [(name, "") for name in value]
    return {harmless(name): harmless(why) for name, why in list(pairs)[:_NAMES_MAX]}


def harmless(value: Any) -> str:
    """Return a text of a device as it may be shown: short, and on one line."""
    text = str(value)[:_TEXT_MAX]
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)

"""Where devices may go: read from a file, written in one way, so that its hash names it."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from fleet.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FIELDS = {"network", "protocol", "port"}
_PORT_MAX = 65_535


def read_allowlist(path: Path) -> str:
    """Return the allowlist of a file as devices take it: sorted JSON.

    Raises
    ------
    InputError
        When the file is no list of ways out; every fault is listed.
    """
    try:
        ways = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"cannot read {path}") from error
    except ValueError as error:
        problem = Problem(path.name, "", str(error), "write it as JSON in UTF-8")
        raise InputError(f"cannot read {path}", problems=[problem]) from error
    if not isinstance(ways, list):
        problem = Problem(path.name, "", "it is no list", 'write [{"network": …}]')
        raise InputError(f"cannot read {path}", problems=[problem])
    problems = [
        Problem(path.name, f"entry {number}", what, cure)
        for number, way in enumerate(ways, start=1)
        for what, cure in _faults(way)
    ]
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{count} in {path.name}", problems=problems)
    ways.sort(key=lambda way: (way["network"], way["protocol"], way["port"]))
    return json.dumps(ways, sort_keys=True, separators=(",", ":"))


def widens(before: str, after: str) -> bool:
    """Return whether a list lets a device go where the one before did not; devices judge alike."""
    known = {json.dumps(way, sort_keys=True) for way in json.loads(before)}
    return not {json.dumps(way, sort_keys=True) for way in json.loads(after)} <= known


def _faults(way: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(way, dict) or set(way) != _FIELDS:
        yield f"it is {way!r}", "give network, protocol and port, and nothing else"
        return
    try:
        ip_network(way["network"])
    except (TypeError, ValueError) as error:
        yield str(error), "give a network such as 203.0.113.0/24"
    if way["protocol"] not in {"tcp", "udp"}:
        yield f"protocol is {way['protocol']!r}", "give tcp or udp"
    port = way["port"]
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port <= _PORT_MAX:
        yield f"port is {port!r}", f"give a number from 1 to {_PORT_MAX:,}"

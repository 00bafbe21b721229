"""What happens to cables: they are cut, they are slow, they lose packets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fleet.rehearsal.machine import until
from fleet.rehearsal.target import cables_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleet.rehearsal.lab import Rehearsal
    from fleet.rehearsal.target import Cable, End, Target

# What a slow cable holds back at most before it drops, as much as a home router does.
_LATENCY = "400ms"
_BURST = "32kb"


def cut(rehearsal: Rehearsal, target: Target) -> None:
    """Pull the target's cables out."""
    for cable in cables_of(rehearsal, target):
        _ip(rehearsal, cable.near, [f"link set {cable.near.interface} down"])


def plug(rehearsal: Rehearsal, target: Target) -> None:
    """Put the target's cables back."""
    for cable in cables_of(rehearsal, target):
        lines = [f"link set {cable.near.interface} up"]
        if cable.gateway:  # The kernel drops a route with its interface.
            lines.append(f"route replace default via {cable.gateway}")
        _ip(rehearsal, cable.near, lines)
        # The kernel may take a second to notice that a cable is there again.
        until(partial(_carries, rehearsal, cable.far), f"{cable.far.interface} stays without link")


def slow(rehearsal: Rehearsal, target: Target, *, rate: str) -> None:
    """Let the target's cables carry no more than a rate each way, as tc writes it (20mbit)."""
    shape = ["root", "tbf", "rate", rate, "burst", _BURST, "latency", _LATENCY]
    for end in _ends(cables_of(rehearsal, target)):
        _tc(rehearsal, end, "replace", shape)


def speed_up(rehearsal: Rehearsal, target: Target) -> None:
    """Let the target's cables carry what they can again."""
    for end in _ends(cables_of(rehearsal, target)):
        _tc(rehearsal, end, "del", ["root"])


def lose(rehearsal: Rehearsal, target: Target, *, percent: int) -> None:
    """Drop so many of a hundred packets at random, each way."""
    for cable in cables_of(rehearsal, target):
        near = cable.near
        drop = f"numgen random mod 100 <= {percent - 1} counter drop;"
        chains = "\n".join(
            f"chain {hook} {{ type filter hook {hook} device {near.interface} priority 0; {drop} }}"
            for hook in ("ingress", "egress")
        )
        table = f"table netdev lose_{near.interface} {{\n{chains}\n}}"
        rehearsal.machine.run(["nft", "-f", "-"], stdin=table, network_of=near.process)


def keep(rehearsal: Rehearsal, target: Target) -> None:
    """Drop no more packets."""
    for cable in cables_of(rehearsal, target):
        near = cable.near
        table = ["nft", "delete", "table", "netdev", f"lose_{near.interface}"]
        rehearsal.machine.run(table, network_of=near.process)


def _ends(cables: Iterable[Cable]) -> list[End]:
    return [end for cable in cables for end in (cable.near, cable.far)]


def _ip(rehearsal: Rehearsal, end: End, lines: list[str]) -> None:
    text = "\n".join(lines) + "\n"
    rehearsal.machine.run(["ip", "-batch", "-"], stdin=text, network_of=end.process)


def _carries(rehearsal: Rehearsal, end: End) -> bool:
    shown = ["ip", "-brief", "link", "show", "dev", end.interface]
    return "LOWER_UP" in rehearsal.machine.run(shown, network_of=end.process)


def _tc(rehearsal: Rehearsal, end: End, verb: str, shape: list[str]) -> None:
    command = ["tc", "qdisc", verb, "dev", end.interface, *shape]
    rehearsal.machine.run(command, network_of=end.process)

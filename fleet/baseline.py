"""What a workspace's devices have in common, as its file says: kiosk, who comes in, where to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from fleet.errors import InputError, Problem

_PORT_MAX = 65_535


class _Way(msgspec.Struct, forbid_unknown_fields=True):
    """Where a device may go at any level."""

    network: str
    protocol: Literal["tcp", "udp"]
    port: Annotated[int, msgspec.Meta(ge=1, le=_PORT_MAX)]


_KINDS = {"kiosk_program": str, "management": list[str], "relay": list[_Way]}
_AS_IN = {
    "kiosk_program": 'kiosk_program = "/usr/bin/chromium --kiosk https://start.prison.example"',
    "management": 'management = ["10.1.0.0/24"]: who may open SSH on a device',
    "relay": 'relay = [{network = "10.1.0.5/32", protocol = "tcp", port = 443}]',
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The settings of a file, as they are written there."""

    path: Path
    stated: Mapping[str, Any]

    @property
    def variables(self) -> dict[str, Any]:
        """Return them as the playbook has them."""
        return {f"wingspan_{name}": self.stated[name] for name in _KINDS}

    @property
    def shuts_out(self) -> tuple[str, ...]:
        """Return the networks of `relay` where no part of any may open SSH on a device.

        Nothing where one of them may, or where `management` is empty and so everybody may.
        """
        ways = [way["network"] for way in self.stated["relay"]]
        management = [ip_network(each) for each in self.stated["management"]]
        if not management or any(_meet(ip_network(way), m) for way in ways for m in management):
            return ()
        return tuple(sorted(set(ways)))

    def refuse_to_shut_out(self, prison: str) -> None:
        """Refuse what would leave a prison's devices closed to its own relay.

        Raises
        ------
        InputError
            When `management` has no part of where the relay is: the centre would come in and
            confirm the firewall, and a lock could not be ordered while the WAN is down.
        """
        if shut := self.shuts_out:
            what = (
                f"leaves out {', '.join(shut)}, which `relay` says is where the prison's relay is"
            )
            problem = Problem(self.path.name, "management", what, f'add "{shut[0]}"')
            raise InputError(
                f"{self.path} would close the devices of {prison} to their relay",
                problems=[problem],
            )


def _meet(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def read_baseline(path: Path) -> Baseline:
    """Read what a workspace's devices have in common.

    Raises
    ------
    InputError
        With every fault of the file.
    """
    try:
        stated = msgspec.toml.decode(path.read_bytes())
    except FileNotFoundError as error:
        hint = "write " + "; ".join(_AS_IN.values())
        raise InputError(f"there is no {path}", hint=hint) from error
    except (OSError, ValueError) as error:
        problem = Problem(path.name, "", str(error), "write it as TOML in UTF-8")
        raise InputError(f"cannot read {path}", problems=[problem]) from error
    cure = f"use one of {', '.join(_KINDS)}"
    faults = [
        Problem(path.name, name, "there is no such setting", cure)
        for name in stated
        if name not in _KINDS
    ]
    faults += [
        Problem(path.name, name, what, f"write {_AS_IN[name]}") for name, what in _faults(stated)
    ]
    if faults:
        raise InputError(f"{len(faults)} problems in {path}", problems=faults)
    return Baseline(path=path, stated=stated)


def _faults(stated: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with each setting."""
    for name, kind in _KINDS.items():
        try:
            given = msgspec.convert(stated.get(name), kind)
        except msgspec.ValidationError as error:
            yield name, str(error)
            continue
        networks = [] if name == "kiosk_program" else list(given)
        for network in (getattr(one, "network", one) for one in networks):
            try:
                ip_network(network)
            except ValueError as error:
                yield name, str(error)

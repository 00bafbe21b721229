"""Connections whose bytes leave at a set rate, whatever else this machine sends.

The kernel spaces what is written to a socket (SO_MAX_PACING_RATE, see socket(7)): so a rate holds
for all that a connection carries, smoothly, and nobody here has to wait or count.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from fleet.ssh import Dialler

# Linux's <asm-generic/socket.h>; Python names it from 3.13 on.
SO_MAX_PACING_RATE = 47
_BITS, _MEGA = 8, 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """What opens connections, each of which sends at the rate at the most."""

    dialler: Dialler
    rate_mbps: float

    def connect(self, address: str, port: int, *, timeout_s: float) -> socket.socket:
        """Return a connected stream socket with its rate set."""
        connection = self.dialler.connect(address, port, timeout_s=timeout_s)
        rate = max(1, int(self.rate_mbps * _MEGA / _BITS))
        connection.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, rate)
        return connection

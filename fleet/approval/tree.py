"""One hash for a list of devices, and a short proof that a device is in it.

The tree of RFC 6962 section 2.1 with SHA-256: a request for 90,000 devices names them by its root,
and each device checks from 17 hashes that it is meant, in its present provisioning.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What is hashed begins with these, so that no inner node can pass for a device (RFC 6962).
_LEAF, _NODE = b"\x00", b"\x01"
_BETWEEN = b"\x00"


def leaf(device: str, nonce: str) -> bytes:
    """Return the hash of a device in one provisioning."""
    return sha256(_LEAF + device.encode() + _BETWEEN + nonce.encode()).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the hash of a list of leaves, in their order.

    Raises
    ------
    ValueError
        When the list is empty.
    """
    return _levels(leaves)[-1][0]


def inclusion(leaves: Sequence[bytes]) -> list[list[str]]:
    """Return for each leaf its proof: the hashes beside its way to the root, from the bottom.

    Each is "l" or "r", for the side that it stands on, and 64 hexadecimal digits. Equal to the
    audit path of RFC 6962 section 2.1.1, with the sides written out.
    """
    proofs: list[list[str]] = [[] for _ in leaves]
    for height, level in enumerate(_levels(leaves)[:-1]):
        # Written once for each node, however many leaves have it on their way.
        steps = [("r" if place % 2 else "l") + node.hex() for place, node in enumerate(level)]
        for index, proof in enumerate(proofs):
            beside = (index >> height) ^ 1
            if beside < len(steps):
                proof.append(steps[beside])
    return proofs


def is_included(hashed: bytes, proof: Sequence[str], *, expected: bytes) -> bool:
    """Return whether a proof leads from a leaf to the root."""
    for step in proof:
        beside = bytes.fromhex(step[1:])
        pair = beside + hashed if step[0] == "l" else hashed + beside
        hashed = sha256(_NODE + pair).digest()
    return hashed == expected


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return the hashes of each level, the leaves first and the root last."""
    if not leaves:
        raise ValueError("no device")
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [
            sha256(_NODE + below[first] + below[first + 1]).digest()
            for first in range(0, len(below) - 1, 2)
        ]
        # What has no neighbour rises as it is: the split of RFC 6962 at powers of two.
        levels.append(above + below[len(above) * 2 :])
    return levels

"""What the centre and a relay tell each other: JSON, signed over its very bytes.

The broker in between reads it, and can neither change it nor make any up.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from fleet.errors import RefusedError
from fleet.identity import signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SCHEMA = 1
TO_RELAY, TO_CENTRE = "wingspan-relay", "wingspan-report"


class Kind(StrEnum):
    """What the centre can tell a relay.

    All but the last may bring a newer statement of whom to trust and a newer roster.
    """

    NEWS = "news"  # these alone
    ORDER = "order"  # a request, and which devices it is for
    PART = "part"  # a part of a bundle
    WAVE = "wave"  # one phase of a wave of an update
    PROBE = "probe"  # which of some devices answer
    PROVE = "prove"  # what some devices show of a request
    ASK = "ask"  # what has become of a request, and whether it may go on
    WORD = "word"  # that a request waits, goes on or ends
    RECEIVED = "received"  # a report that the centre has


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: of what kind, of which prison, its number from 1, and what it says."""

    kind: str
    prison: str
    number: int
    said: Mapping[str, Any]

    def sealed(self, key: Ed25519PrivateKey, *, namespace: str) -> dict[str, str]:
        """Return it as it travels."""
        fields = {
            "schema": SCHEMA,
            "kind": str(self.kind),
            "prison": self.prison,
            "number": self.number,
            "said": dict(self.said),
        }
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        made = signature.sign_with(text.encode(), key, namespace=namespace)
        return {"message": text, "signature": made}


def opened(sealed: Any, *, public: str, namespace: str, prison: str) -> Message:
    """Return a message, once the signature over its bytes is found to hold.

    Raises
    ------
    RefusedError
        When another signed it, it is for another prison, or it is no message at all.
    """
    try:
        text, made = sealed["message"], sealed["signature"]
        signature.verify(text.encode(), made, public=public, namespace=namespace)
        fields = json.loads(text)
        message = Message(
            kind=fields["kind"],
            prison=fields["prison"],
            number=int(fields["number"]),
            said=dict(fields["said"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RefusedError("what came is no message of ours") from error
    if fields.get("schema") != SCHEMA:
        raise RefusedError(f"the message has schema {fields.get('schema')!r}, not {SCHEMA}")
    if message.prison != prison:
        raise RefusedError(f"the message is of {message.prison} and not of {prison}")
    return message

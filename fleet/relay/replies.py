"""What devices replied, as a relay tells it; a proof counts as its device signed it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fleet.approval.order import kept_proof
from fleet.driver import Reply
from fleet.errors import FleetError, NotYetError, RefusedError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet.device import Device


def told_of(reply: Reply) -> dict[str, str]:
    """Return a reply as a relay tells it."""
    if reply.proof is not None:
        return {"proof": reply.proof.text, "signature": reply.proof.signature}
    kind = "lost"
    if isinstance(reply.error, NotYetError):
        kind = "later"
    elif isinstance(reply.error, RefusedError):
        kind = "refused"
    return {"error": kind, "why": str(reply.error)}


def reply_of(device: Device, said: Mapping[str, Any], request: str) -> Reply:
    """Return the reply that a relay told; what it says is proven is checked."""
    if "proof" in said:
        try:
            proof = kept_proof(said["proof"], said["signature"], device, request=request)
        except FleetError as error:
            lost = UnreachableError(f"the relay shows no proof of it: {error}", stage="command")
            return Reply(device=device, error=lost)
        return Reply(device=device, proof=proof)
    errors: dict[str, FleetError] = {
        "later": NotYetError(said["why"]),
        "refused": RefusedError(said["why"]),
    }
    lost = UnreachableError(said["why"], stage="command")
    return Reply(device=device, error=errors.get(said["error"], lost))

"""The relays that the centre has admitted: whose prison, and the keys that they made themselves."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import msgspec

from fleet.errors import InputError
from fleet.identity.keys import write_private

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """A prison's relay.

    Attributes
    ----------
    authority
        The public key that signs its certificates, which its prison's devices trust.
    report_key
        The public key that signs what it reports.
    deploy_key
        The public key for which the centre signs a certificate with each wave of an update.
    time_key
        The public key that tells its prison's devices the time.
    admitted_at, admitted_by
        When (UTC, ISO 8601) and by whom.
    """

    prison: str
    authority: str
    report_key: str
    deploy_key: str = ""
    time_key: str = ""
    admitted_at: str = ""
    admitted_by: str = ""


def read_relays(path: Path) -> tuple[Relay, ...]:
    """Return the relays on record; none where there is no file yet.

    Raises
    ------
    InputError
        When the file is not what `fleet relay admit` wrote.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Relay, ...])
    except FileNotFoundError:
        return ()
    except msgspec.MsgspecError as error:
        raise InputError(f"cannot read {path}", hint="wingspan fleet restore") from error


def write_relays(path: Path, relays: Sequence[Relay]) -> None:
    """Write the relays, one for each prison."""
    in_order = sorted(relays, key=lambda one: one.prison)
    text = msgspec.json.format(msgspec.json.encode([asdict(one) for one in in_order]), indent=2)
    write_private(path, text.decode() + "\n")

"""Who works with the fleet, in which role and where; someone removed stays on record."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from fleet.errors import InputError, RefusedError
from fleet.identity.keys import write_private

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PRISON = re.compile(r"[A-Z][A-Z0-9-]{0,31}")


class Role(StrEnum):
    """What an operator may do, each with what the one before may."""

    VIEWER = "viewer"  # look: health, lists
    OPERATOR = "operator"  # ask for changes and carry them out
    APPROVER = "approver"  # sign what another asked for
    ADMIN = "admin"  # operators, keys, enrolment
    BREAK_GLASS = "break-glass"  # nobody: a sealed key that unlocks when all else is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A person who works with the fleet.

    Attributes
    ----------
    prison
        The only prison they may touch; empty for the estate.
    key
        The public key they sign approvals with; empty for who signs nothing.
    removed_at
        When they were removed (UTC, ISO 8601); empty while they work here.
    """

    operator: str
    role: Role
    prison: str = ""
    key: str = ""
    added_at: str = ""
    added_by: str = ""
    removed_at: str = ""
    removed_by: str = ""

    @property
    def works_here(self) -> bool:
        """Return whether they have not been removed."""
        return not self.removed_at

    @property
    def principal(self) -> str:
        """Return the name by which their certificates are accepted on the restricted lane."""
        return f"prison-{self.prison}" if self.prison else "estate"


def read_operators(path: Path) -> tuple[Operator, ...]:
    """Return everyone on record, the removed included; nobody where there is no file yet.

    Raises
    ------
    InputError
        When the file is not what `fleet operator` wrote.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=tuple[Operator, ...])
    except FileNotFoundError:
        return ()
    except msgspec.DecodeError as error:
        raise InputError(f"cannot read {path}", hint="wingspan fleet restore") from error


def write_operators(path: Path, operators: Sequence[Operator]) -> None:
    """Write everyone on record."""
    text = msgspec.json.format(msgspec.json.encode([asdict(one) for one in operators]), indent=2)
    write_private(path, text.decode() + "\n")


def working(operators: Sequence[Operator], name: str) -> Operator:
    """Return an operator who works here.

    Raises
    ------
    RefusedError
        When nobody of that name does; whether they were removed is said.
    """
    for one in operators:
        if one.operator == name and one.works_here:
            return one
    gone = max((one.removed_at for one in operators if one.operator == name), default="")
    what = f"was removed at {gone}" if gone else "is not an operator of this workspace"
    hint = "WINGSPAN_OPERATOR names who acts; wingspan fleet operator list shows who may"
    raise RefusedError(f"{name} {what}", hint=hint)


def added(operators: Sequence[Operator], new: Operator) -> tuple[Operator, ...]:
    """Return everyone with one more.

    Raises
    ------
    InputError
        When the name or prison is not usable, or someone of that name or key works here.
    """
    if not _NAME.fullmatch(new.operator):
        hint = "letters, digits, dot, dash, underline"
        raise InputError(f"{new.operator!r} is not a name for an operator", hint=hint)
    if new.prison and not _PRISON.fullmatch(new.prison):
        raise InputError(f"{new.prison!r} is not the code of a prison", hint="as in MDI")
    for one in operators:
        if one.works_here and one.operator == new.operator:
            hint = f"wingspan fleet operator remove {new.operator}"
            raise InputError(f"{new.operator} works here already", hint=hint)
    _refuse_shared(operators, new.key)
    return (*operators, new)


def _refuse_shared(operators: Sequence[Operator], key: str) -> None:
    """Refuse two names for one key, which would be one person approving their own request."""
    for one in operators:
        if key and one.key == key:
            raise InputError(f"that key is {one.operator}'s", hint="each person has a key alone")


def rekeyed(operators: Sequence[Operator], name: str, *, key: str) -> tuple[Operator, ...]:
    """Return everyone with another key for one who works here.

    Raises
    ------
    RefusedError
        When nobody of that name works here.
    InputError
        When the key is somebody's already.
    """
    theirs = working(operators, name)
    _refuse_shared(operators, key)
    return tuple(replace(one, key=key) if one == theirs else one for one in operators)


def removed(operators: Sequence[Operator], name: str, *, at: str, by: str) -> tuple[Operator, ...]:
    """Return everyone with one marked as removed.

    Raises
    ------
    RefusedError
        When nobody of that name works here, or no administrator would be left.
    """
    leaver = working(operators, name)
    left = [one for one in operators if one.works_here and one != leaver]
    if not any(one.role is Role.ADMIN and not one.prison for one in left):
        hint = "wingspan fleet operator add NAME --role admin --key FILE.pub"
        raise RefusedError(f"{name} is the last administrator of the estate", hint=hint)
    gone = replace(leaver, removed_at=at, removed_by=by)
    return tuple(gone if one == leaver else one for one in operators)

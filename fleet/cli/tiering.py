"""What a device that changes places may reach there: shown, asked for, and carried out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fleet.cli.desk import as_answer, as_lines, carry_out, desk_of
from fleet.device import REACHABLE_STATES
from fleet.errors import RefusedError
from fleet.tier import Step, ask_for, lists_of, steps_to

if TYPE_CHECKING:
    from fleet.device import Device
    from fleet.reconcile import Reconciled
    from fleet.registry import Registry
    from fleet.tier import Asked
    from fleet.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiering:
    """How a device comes to the list of its new place; no step where it has it, or has no keys."""

    tier: str = ""
    steps: tuple[Step, ...] = ()


def tiering_of(workspace: Workspace, registry: Registry, placed: Device) -> Tiering:
    """Return what is to be asked for once a device is where `placed` says.

    Raises
    ------
    InputError
        When the lists cannot be read, or have none for that place.
    RefusedError
        When the operator has no key to ask with: nothing was changed yet.
    """
    lists = lists_of(workspace.allowlists)
    if lists is None or placed.state not in REACHABLE_STATES:
        return Tiering()
    chosen = lists.list_of(placed)
    steps = steps_to(registry, placed, chosen)
    settings = workspace.settings()
    if steps and not settings.signing_key:
        what = f"{placed.device} needs the list of tier {chosen.tier} there, which has to be signed"
        hint = "name your key: WINGSPAN_SIGNING_KEY, or signing_key in wingspan.toml"
        raise RefusedError(what, hint=hint)
    return Tiering(tier=chosen.tier, steps=steps)


def put_in_force(
    workspace: Workspace, device: Device, tiering: Tiering
) -> tuple[dict[str, Any], list[str], Reconciled | None]:
    """Ask for what a device that moved needs, and carry out what nobody else must agree to.

    Returns what to answer, what to tell people, and what became of it, None where nothing is due.
    """
    answer: dict[str, Any] = {"tier": tiering.tier, "requests": [], "approvals_missing": []}
    if not tiering.steps:
        return answer, [], None
    with desk_of(workspace) as desk:
        asked = ask_for(desk, device, tiering.steps, now=datetime.now(tz=UTC))
        found = None
        if not all(one.missing for one in asked):
            found = carry_out(workspace, desk)
            answer |= as_answer(found)
    answer["requests"] = [one.request for one in asked]
    answer["approvals_missing"] = [words for one in asked for words in one.missing]
    lines = [_line(one, tiering.tier) for one in asked]
    return answer, [*lines, *(as_lines(found) if found else [])], found


def _line(one: Asked, tier: str) -> str:
    if one.missing:
        need = f"needs {', '.join(one.missing)}: wingspan fleet approve {one.request}"
        return f"{one.request} gives it the ways of tier {tier}, and {need}"
    return f"{one.request} takes away what tier {tier} does not allow"

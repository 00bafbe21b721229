"""The current plan of a workspace, with a word if its inputs have moved on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.terminal import complain

if TYPE_CHECKING:
    from estate.plan import Plan
    from estate.workspace import Workspace


def current_plan(workspace: Workspace) -> Plan:
    """Return the plan in out/plan.json; say on stderr if it was made from other inputs."""
    from estate.plan import read_plan

    plan = read_plan(workspace.out / "plan.json")
    now = workspace.hashes()
    moved = sorted(name for name in now if now[name] != plan.inputs_sha256.get(name))
    if moved:
        complain(f"note: {', '.join(moved)} changed since plan {plan.plan_id}; run estate plan")
    return plan

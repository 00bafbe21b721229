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
    before, now = plan.inputs_sha256, workspace.hashes()
    moved = sorted(n for n in before.keys() | now.keys() if before.get(n) != now.get(n))
    if moved:
        complain(f"note: {', '.join(moved)} changed since plan {plan.plan_id}; run estate plan")
    return plan

"""`wingspan estate rank`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from estate.workspace import Workspace


@click.command()
@json_option
@click.pass_obj
def rank(workspace: Workspace, as_json: bool) -> None:
    """Show the order of the prisons in the current plan.

    \b
    Example:
      wingspan -C out/england-wales estate rank
    """
    from estate.cli.current import current_plan

    plan = current_plan(workspace)
    answer = {
        "schema": 1,
        "plan_id": plan.plan_id,
        "ranking": [
            {
                "rank": r.rank,
                "prison_id": r.prison_id,
                "name": r.name,
                "score": r.score,
                "rank_median": r.rank_median,
                "rank_range": list(r.rank_range),
                "readiness": str(r.readiness),
                "cells": r.cells,
                "capital_gbp": r.capital_gbp.as_json(),
                "grade": str(r.grade),
            }
            for r in plan.ranking
        ],
        "unranked": [
            {"prison_id": s.prison.prison_id, "name": s.prison.name, "reason": s.excluded}
            for s in plan.establishments
            if s.excluded
        ],
        "terms_without_effect": list(plan.terms_without_effect),
    }
    head = (
        f"{'rank':>4}  {'P5–P95':>8}  {'id':<11} {'prison':<34} {'ready':<13} {'cells':>6}  capital"
    )
    rows = [
        f"{r.rank:>4}  {r.rank_range[0]:>3}–{r.rank_range[1]:<4}  {r.prison_id:<11} {r.name:<34} "
        f"{r.readiness:<13} {r.cells:>6,}  £{r.capital_gbp.likely / 1_000_000:,.2f}m"
        for r in plan.ranking
    ]
    emit(answer, as_json=as_json, text="\n".join([f"plan {plan.plan_id}", head, *rows]))

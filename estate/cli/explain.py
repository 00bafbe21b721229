"""`wingspan estate explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from estate.plan import Plan, SitePlan, WingPlan
    from estate.workspace import Workspace


@click.command()
@click.argument("place")
@json_option
@click.pass_obj
def explain(workspace: Workspace, place: str, as_json: bool) -> None:
    """Say why a prison stands where it does, or why a wing or landing is designed as it is.

    PLACE is a prison (LEI), a wing (EYI/HB1) or a landing (EYI/HB1/2).

    \b
    Example:
      wingspan -C out/england-wales estate explain LEI
      wingspan -C out/england-wales estate explain EYI/HB1
    """
    from estate.cli.current import current_plan

    plan = current_plan(workspace)
    prison_id, *inside = place.split("/")
    site = _site(plan, prison_id)
    if inside:
        answer = _wing_answer(plan, site, *inside)
        emit(answer, as_json=as_json, text=_wing_text(answer))
    else:
        answer = _prison_answer(plan, site)
        emit(answer, as_json=as_json, text=_prison_text(answer))


def _site(plan: Plan, prison_id: str) -> SitePlan:
    from difflib import get_close_matches

    from estate.errors import InputError

    site = plan.site(prison_id.upper())
    if site is None:
        known = [s.prison.prison_id for s in plan.establishments]
        by_name = {s.prison.name.casefold(): s.prison.prison_id for s in plan.establishments}
        near = get_close_matches(prison_id.upper(), known, n=1, cutoff=0.5)
        named = [pid for name, pid in by_name.items() if name.startswith(prison_id.casefold())]
        hint = f"did you mean {(named or near)[0]}?" if named or near else "estate rank lists them"
        raise InputError(f"the plan has no prison {prison_id}", hint=hint)
    return site


def _prison_answer(plan: Plan, site: SitePlan) -> dict[str, Any]:
    from estate.readiness import LABELS

    prison, ready = site.prison, site.readiness
    answer: dict[str, Any] = {
        "schema": 1,
        "plan_id": plan.plan_id,
        "prison_id": prison.prison_id,
        "name": prison.name,
        "rank": None,
        "rank_median": None,
        "rank_range": None,
        "score": None,
        "terms": [],
        "moves_up": [],
        "terms_without_effect": list(plan.terms_without_effect),
        "readiness": {
            "rung": str(ready.rung),
            "label": LABELS[ready.rung],
            "source": ready.source,
            "dated": ready.dated,
            "caution": ready.caution,
        },
        "cells": site.cells,
        "sizing": site.basis,
        "notes": list(site.notes),
        "excluded": site.excluded,
        "capital_gbp": site.totals.capital_gbp.as_json(),
        "whole_life_cost_gbp": site.totals.whole_life_gbp.as_json(),
        "survey_would_narrow_gbp": float(site.survey_would_narrow_gbp),
    }
    ranked = next((r for r in plan.ranking if r.prison_id == prison.prison_id), None)
    if ranked:
        answer |= {
            "rank": ranked.rank,
            "rank_median": ranked.rank_median,
            "rank_range": list(ranked.rank_range),
            "score": ranked.score,
            "moves_up": [{"change": m.change, "rank": m.rank} for m in ranked.moves_up],
            "terms": [
                {
                    "term": t.term,
                    "value": t.value,
                    "weight": t.weight,
                    "contribution": t.contribution,
                    "measured": t.measured,
                    "unit": t.unit,
                    "grade": str(t.grade),
                    "source": t.source,
                }
                for t in ranked.terms
            ],
        }
    return answer


def _prison_text(answer: dict[str, Any]) -> str:
    ready = answer["readiness"]
    lines = [f"{answer['name']} ({answer['prison_id']})", f"readiness: {ready['label']}"]
    if ready["source"]:
        lines[-1] += f" – {ready['source']} {ready['dated']}"
    if ready["caution"]:
        lines.append(f"  {ready['caution']}")
    if answer["excluded"]:
        return "\n".join([*lines, f"not ranked or priced: {answer['excluded']}"])
    low, high = answer["rank_range"]
    lines += [
        (
            f"rank {answer['rank']}, score {answer['score']:.4f}; drawn: median "
            f"{answer['rank_median']}, P5–P95 {low}–{high}"
        ),
        f"{answer['cells']:,} cells: {answer['sizing']}",
        *(f"  {note}" for note in answer["notes"]),
        "",
        f"{'term':<22} {'value':>6} x {'weight':>6} = {'gives':>6}  grade  measured",
        *(
            f"{t['term']:<22} {t['value']:>6.3f} x {t['weight']:>6.3f} = {t['contribution']:>6.3f}"
            f"    {t['grade']}    {t['measured']:,.2f} {t['unit']}\n{'':<24}{t['source']}"
            for t in answer["terms"]
        ),
    ]
    if answer["terms_without_effect"]:
        lines.append(f"equal for all, no effect: {', '.join(answer['terms_without_effect'])}")
    moves = [f"  {m['change']}: rank {m['rank']}" for m in answer["moves_up"]]
    lines += ["", "would move it up:", *(moves or ["  nothing that was tried"])]
    narrows = answer["survey_would_narrow_gbp"]
    lines.append(f"a survey could narrow its whole-life range by up to £{narrows:,.0f}")
    return "\n".join(lines)


def _wing_answer(
    plan: Plan, site: SitePlan, code: str, landing: str = "", *deeper: str
) -> dict[str, Any]:
    from estate.errors import InputError

    found = next((w for w in site.wings if w.wing.wing.casefold() == code.casefold()), None)
    if found is None:
        codes = ", ".join(w.wing.wing for w in site.wings) or "none"
        raise InputError(f"{site.prison.name} has no wing {code}", hint=f"its wings: {codes}")
    answer = _wing_facts(plan, found)
    if landing:
        chosen = [x for x in answer["landings"] if str(x["landing"]) == landing]
        if not chosen or deeper:
            count = len(answer["landings"])
            raise InputError(
                f"wing {code} has no landing {'/'.join((landing, *deeper))}",
                hint=f"its landings are 1 to {count}, counted from the lowest",
            )
        answer["landings"] = chosen
    return answer


def _wing_facts(plan: Plan, found: WingPlan) -> dict[str, Any]:
    wing, design = found.wing, plan.designs[found.design]
    return {
        "schema": 1,
        "plan_id": plan.plan_id,
        "wing": wing.key,
        "name": wing.name,
        "cells": wing.cells,
        "grade": str(wing.grade),
        "assumed": list(wing.assumed),
        "basis": wing.basis,
        "longest_link_m": design.longest_link_m,
        "distributor": design.distributor,
        "warnings": list(design.warnings),
        "rules": list(plan.rules),
        "landings": [
            {
                "landing": landing.landing,
                "cells": landing.cells,
                "chosen": str(landing.chosen),
                "runner_up": landing.runner_up and str(landing.runner_up),
                "margin_gbp": float(landing.margin_gbp),
                "options": [
                    {
                        "option": str(option.option),
                        "offered": option.offered,
                        "reason": option.reason,
                        "cells_per_point": option.cells_per_point,
                        "whole_life_cost_gbp": float(option.whole_life_cost_gbp),
                    }
                    for option in landing.options
                ],
            }
            for landing in design.landings
        ],
    }


def _wing_text(answer: dict[str, Any]) -> str:
    assumed = ", ".join(answer["assumed"]) or "nothing"
    lines = [
        f"{answer['name']} ({answer['wing']}), {answer['cells']} cells, grade {answer['grade']}",
        f"{answer['basis']}; assumed: {assumed}",
        f"cabling ends in: {answer['distributor']}; longest link {answer['longest_link_m']:g} m",
        *(f"warning: {warning}" for warning in answer["warnings"]),
    ]
    for landing in answer["landings"]:
        lines.append(f"landing {landing['landing']}, {landing['cells']} cells: {landing['chosen']}")
        if landing["runner_up"]:
            lines.append(f"  £{landing['margin_gbp']:,.0f} cheaper than {landing['runner_up']}")
        lines += [
            f"  {o['option']:<26} "
            + (f"£{o['whole_life_cost_gbp']:>10,.0f} whole life" if o["offered"] else o["reason"])
            for o in landing["options"]
        ]
    return "\n".join(
        [*lines, "rules, and what they get wrong:", *(f"  {r}" for r in answer["rules"])]
    )

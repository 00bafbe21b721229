"""`wingspan estate explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from estate.cabling.values import BuiltPoint, LandingDesign, WingDesign
    from estate.model import Wing
    from estate.plan import Plan, SitePlan, WingPlan
    from estate.radio.leakage import Leakage
    from estate.workspace import Workspace


@click.command()
@click.argument("place")
@click.option(
    "--sensitive",
    is_flag=True,
    help="List the single points of failure of a prison or wing instead. Keep the answer local.",
)
@json_option
@click.pass_obj
def explain(workspace: Workspace, place: str, sensitive: bool, as_json: bool) -> None:
    """Say why a prison stands where it does, or why a wing or landing is designed as it is.

    PLACE is a prison (LEI), a wing (EYI/HB1), a landing (EYI/HB1/2) or a spur (EYI/HB1/s2).

    With --sensitive it lists what one failure takes away, largest first, with the cheapest cure;
    no output of Wingspan that is not asked for with --sensitive holds that.

    \b
    Example:
      wingspan -C out/england-wales estate explain LEI
      wingspan -C out/england-wales estate explain EYI/HB1
      wingspan -C out/england-wales estate explain EYI --sensitive
    """
    from estate.cli.current import current_plan
    from estate.cli.failures import failures_text
    from estate.cli.wing_words import wing_text

    plan = current_plan(workspace)
    prison_id, *inside = place.rstrip("/").split("/")
    site = _site(plan, prison_id)
    if sensitive:
        answer = _sensitive_answer(plan, site, *inside)
        emit(answer, as_json=as_json, text=failures_text(answer))
    elif inside:
        answer = _wing_answer(plan, site, *inside)
        emit(answer, as_json=as_json, text=wing_text(answer))
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
        begins = prison_id.casefold()
        named = [pid for name, pid in by_name.items() if begins and name.startswith(begins)]
        hint = f"did you mean {(named or near)[0]}?" if named or near else "estate rank lists them"
        begun = next((pid for pid in known if prison_id.upper().startswith(f"{pid}-")), "")
        if begun:  # A location key: what serves a cell is told with its landing.
            wing = prison_id[len(begun) + 1 :].partition("-")[0]
            hint = f"a cell is explained with its landing: ask for {begun}/{wing}"
        raise InputError(f"the plan has no prison {prison_id or 'without a name'}", hint=hint)
    return site


def _prison_answer(plan: Plan, site: SitePlan) -> dict[str, Any]:
    from estate.readiness import LABELS
    from estate.report.outside import site_leakage

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
        "design": site.design.as_json(),
        "backbone": site.backbone.as_json() if site.backbone else None,
        "leakage": _leakage_facts(site_leakage(plan, site)),
        "wings": [_wing_line(plan, wing) for wing in site.wings],
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


def _wing_line(plan: Plan, found: WingPlan) -> dict[str, Any]:
    from estate.cautions import cautions
    from estate.topology import design_as_named

    design = design_as_named(plan, found)
    warnings = list(cautions(plan, design))
    return {"wing": found.wing.key, **_proof(design), "warnings": warnings}


def _prison_text(answer: dict[str, Any]) -> str:
    from estate.cli.wing_words import heard_text, proof_text

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
    lines += _backbone_text(answer["backbone"])
    if answer["leakage"]:
        lines.append(f"heard outside of all wings together {heard_text(answer['leakage'])}")
    lines += ["", "wing networks, " + proof_text(answer["design"])]
    lines += [
        f"  {w['wing']:<14} {proof_text(w)}; {_choices(w['chosen'])}" for w in answer["wings"]
    ]
    said: dict[str, list[str]] = {}
    for wing in answer["wings"]:
        for words in filter(None, (wing["dearer_because"], *wing["warnings"])):
            said.setdefault(words, []).append(wing["wing"])
    lines += [f"  {', '.join(wings)}: {words}" for words, wings in said.items()]
    return "\n".join(lines)


def _choices(chosen: str) -> str:
    from estate.cabling.options import LABELS, Option

    return "; ".join(LABELS[Option(option)] for option in chosen.split("; "))


def _backbone_text(backbone: dict[str, Any] | None) -> list[str]:
    """Return how the comms rooms of a surveyed prison are joined."""
    if backbone is None:
        return []
    lines = ["", f"between buildings: {backbone['basis']}" if backbone["core"] else ""]
    for room in backbone["rooms"]:
        ways = " and by ".join(
            f"{', '.join(route['ducts'])} ({route['length_m']:,.0f} m)" for route in room["routes"]
        )
        joined = "in the building of the core" if room["in_core"] else f"by {ways}"
        lines.append(f"  {room['room']} (wing {', '.join(room['wings'])}): {joined}")
    return [*lines, *(f"  {warning}" for warning in backbone["warnings"])]


def _sensitive_answer(plan: Plan, site: SitePlan, code: str = "", *deeper: str) -> dict[str, Any]:
    from estate.cautions import SENSITIVE
    from estate.errors import InputError
    from estate.resilience.failures import failures_of

    if deeper:
        raise InputError(
            "single points of failure are listed for a prison or a wing",
            hint=f"ask for {site.prison.prison_id}/{code}",
        )
    if site.excluded:
        raise InputError(f"{site.prison.name} is not designed: {site.excluded}")
    wing = _wing(site, code).wing.wing if code else ""
    answer = {
        "schema": 1,
        "plan_id": plan.plan_id,
        "marking": f"{plan.marking}; {SENSITIVE}",
        "place": "/".join(filter(None, (site.prison.prison_id, wing))),
    }
    return answer | failures_of(plan, site, wing).as_json()


def _wing(site: SitePlan, code: str) -> WingPlan:
    from estate.errors import InputError

    found = next((w for w in site.wings if w.wing.wing.casefold() == code.casefold()), None)
    if found is None:
        codes = ", ".join(w.wing.wing for w in site.wings) or "none"
        raise InputError(f"{site.prison.name} has no wing {code}", hint=f"its wings: {codes}")
    return found


def _wing_answer(
    plan: Plan, site: SitePlan, code: str, landing: str = "", *deeper: str
) -> dict[str, Any]:
    from estate.errors import InputError
    from estate.topology import network_as_named

    found = _wing(site, code)
    answer = _wing_facts(plan, found)
    if landing.casefold().startswith("s") and not deeper:
        answer |= _spur_facts(plan, found, landing)
    elif landing:
        chosen = [x for x in answer["landings"] if str(x["landing"]) == landing]
        if not chosen or deeper:
            count = len(answer["landings"])
            spurs = max(map(len, found.wing.shape.layout))
            raise InputError(
                f"wing {code} has no landing {'/'.join((landing, *deeper))}",
                hint=f"its landings are 1 to {count}, counted from the lowest"
                + (f"; its spurs, through all landings, s1 to s{spurs}" if spurs > 1 else ""),
            )
        on = {
            space.location_key or space.space_id: space.floor + 1
            for space in network_as_named(plan, found).spaces
        }
        answer["landings_in_wing"] = len(answer["landings"])
        answer["landings"] = chosen
        answer["access_points"] = [
            point
            for point in answer["access_points"]
            if landing in {str(point["landing"]), *(str(on[cell]) for cell in point["cells"])}
        ]
    return answer


def _wing_facts(plan: Plan, found: WingPlan) -> dict[str, Any]:
    from estate.cabling.options import WIRELESS
    from estate.cautions import airtime_share_max, cautions, why_not_for_construction
    from estate.topology import design_as_named

    wing, design = found.wing, design_as_named(plan, found)
    why_not = why_not_for_construction(plan, found)
    return {
        "schema": 1,
        "plan_id": plan.plan_id,
        "wing": wing.key,
        "name": wing.name,
        "cells": wing.cells,
        "grade": str(wing.grade),
        "assumed": list(wing.assumed),
        "basis": wing.basis,
        "designed_with": [key for key in found.block if key != wing.key],
        "together": found.together,
        "for_construction": not why_not,
        "not_for_construction": why_not,
        "longest_link_m": design.longest_link_m,
        "link_limit_m": design.link_limit_m,
        "distributor": design.distributor,
        "distributors": [
            {
                "name": d.name,
                "wing": key,
                "kind": d.kind,
                "switches": d.switches,
                "ports": d.ports,
                "fibre_m": d.fibre_m,
            }
            for key, d in plan.distributors_of(found)
        ],
        "radio": design.radio,
        "is_measured": plan.is_measured(found.wing.prison_id),
        "comparisons": list(design.air.comparisons) if design.air else [],
        "leakage": _leakage_facts(design.air.leakage if design.air else None),
        "design": _proof(design),
        "warnings": list(cautions(plan, design)),
        "airtime_budget": airtime_share_max(plan),
        "overloaded": list(design.air.overloaded) if design.air else [],
        "falling_short": list(design.air.failing) if design.air else [],
        "rules": list(plan.rules),
        "landings": [_landing_facts(landing) for landing in design.landings],
        "access_points": [
            _point_facts(wing, point, design) for point in design.points if point.option in WIRELESS
        ],
    }


def _landing_facts(landing: LandingDesign) -> dict[str, Any]:
    return {
        "landing": landing.landing,
        "cells": landing.cells,
        "chosen": str(landing.chosen),
        "runner_up": landing.runner_up and str(landing.runner_up),
        "margin_gbp": float(landing.margin_gbp),
        "binding": landing.binding,
        "options": [
            {
                "option": str(option.option),
                "offered": option.offered,
                "reason": option.reason,
                "points": option.points,
                "cells_per_point": option.cells_per_point,
                "whole_life_cost_gbp": float(option.whole_life_cost_gbp),
                "more_gbp": float(option.whole_life_cost_gbp - landing.choice.whole_life_cost_gbp)
                if option.offered
                else None,
            }
            for option in landing.options
        ],
    }


def _leakage_facts(found: Leakage | None) -> dict[str, Any] | None:
    """Return what is heard outside of a wing or prison, None where that is not known."""
    if found is None:
        return None
    return {
        "perimeter": found.perimeter.source,
        "perimeter_grade": str(found.perimeter.grade),
        "likely_dbm": found.strongest_dbm,
        "cautious_dbm": max(found.cautious_dbm),
        "audible_m": round(found.audible_m, 1),
    }


def _point_facts(wing: Wing, point: BuiltPoint, design: WingDesign) -> dict[str, Any]:
    from estate.topology import point_id

    return {
        "name": point_id(wing, point),
        "channel": design.air.channels[point.name] if design.air else None,
        "landing": point.landing,
        "cells": list(point.cells),
        "signal_dbm": list(point.signal_dbm),
        "airtime": point.load,
        "busy": round(design.air.airtime[point.name], 4) if design.air else None,
        "forced_by": point.forced_by,
        "distributor": point.distributor,
        "distributor_wing": point.distributor_wing,
        "length_m": point.length_m,
        "reuses": point.reuses,
    }


def _spur_facts(plan: Plan, found: WingPlan, spur: str) -> dict[str, Any]:
    """Return what serves the cells of one spur, landing by landing.

    Cells are numbered through the spurs of a landing in order.
    """
    from itertools import accumulate

    from estate.errors import InputError
    from estate.network import cells_on
    from estate.topology import point_id

    layout = found.wing.shape.layout
    most = max(map(len, layout))
    number = int(spur[1:]) if spur[1:].isdigit() else 0
    if not 1 <= number <= most:
        raise InputError(
            f"wing {found.wing.wing} has no spur {spur}", hint=f"its spurs are s1 to s{most}"
        )
    network = plan.network_of(found)
    points = {cell: p for p in plan.designs[found.design].points for cell in p.cells}
    served = []
    for floor, spurs in enumerate(layout):
        if len(spurs) < number:
            continue
        end = list(accumulate(spurs))[number - 1]
        cells = cells_on(network, floor)[end - spurs[number - 1] : end]
        served += [(cell.location_key, points[cell.location_key]) for cell in cells]
    names = {point_id(found.wing, point) for _, point in served}
    answer = _wing_facts(plan, found)
    return {
        "spur": number,
        "cells": len(served),
        "access_points": [p for p in answer["access_points"] if p["name"] in names],
        "spur_longest_link_m": max((p.length_m for _, p in served), default=0.0),
    }


def _proof(design: WingDesign) -> dict[str, Any]:
    from estate.plan import dearer_because

    return {
        "chosen": "; ".join(dict.fromkeys(str(x.chosen) for x in design.landings)),
        "cost_gbp": float(design.cost_gbp),
        "bound_gbp": float(design.bound_gbp),
        "gap": design.gap,
        "stopped_by": design.stopped_by,
        "by_rule_gbp": float(design.by_rule_gbp),
        "by_rule": design.by_rule,
        "dearer_because": dearer_because(design),
    }

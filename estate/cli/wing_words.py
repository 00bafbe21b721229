"""The words of `estate explain` for a wing, a landing or a spur."""

from __future__ import annotations

from typing import Any

_POINTS_LISTED = 12  # More access points than this are told by landing.


def wing_text(answer: dict[str, Any]) -> str:
    """Return why a wing, or a part of it, is designed as it is."""
    from estate.report.prison import assumed_words

    is_part = "spur" in answer or "landings_in_wing" in answer
    part = f"spur {answer['spur']} of " if "spur" in answer else ""
    lines = [
        (
            f"{part}{answer['name']} ({answer['wing']}), {answer['cells']} cells, "
            f"grade {answer['grade']}"
        ),
        f"{answer['basis']}; assumed: {assumed_words(tuple(answer['assumed']))}",
        *filter(None, [answer["together"]]),
        *(f"not for construction: {why}" for why in filter(None, [answer["not_for_construction"]])),
        f"network {proof_text(answer['design'])}",
        *filter(None, [answer["design"]["dearer_because"]]),
        f"cabling ends in: {answer['distributor']}; {_longest_text(answer)}",
        *(f"warning: {warning}" for warning in answer["warnings"]),
    ]
    if answer.get("spur_longest_link_m"):
        lines.append(f"longest link of the spur {answer['spur_longest_link_m']:.1f} m")
    for landing in answer["landings"]:
        lines += _landing_lines(landing)
    lines += _points_lines(answer, each=is_part)
    lines += _radio_lines(answer)
    if is_part:
        place = answer["wing"].replace("-", "/", 1)
        return "\n".join([*lines, f"rules, and what they get wrong: estate explain {place}"])
    return "\n".join(
        [*lines, "rules, and what they get wrong:", *(f"  {r}" for r in answer["rules"])]
    )


def _longest_text(answer: dict[str, Any]) -> str:
    if not answer["longest_link_m"]:
        return "no copper link is new"
    return f"longest link {answer['longest_link_m']:g} m of {answer['link_limit_m']:g} m"


def proof_text(proof: dict[str, Any]) -> str:
    """Return what a network costs, how good that is, and how it stands to the first rules."""
    saved = proof["by_rule_gbp"] - proof["cost_gbp"]
    than = f"£{abs(saved):,.0f} {'below' if saved >= 0 else 'above'} the first rules"
    return (
        f"£{proof['cost_gbp']:,.0f} whole life, proven within {proof['gap']:.2%} of the best; "
        f"{than}"
    )


def _landing_lines(landing: dict[str, Any]) -> list[str]:
    """Return the choice of a landing, what decided it, and what each other choice would take."""
    from estate.cabling.options import LABELS, Option

    options = {option["option"]: option for option in landing["options"]}
    chosen = options.pop(landing["chosen"])
    shared = f": {chosen['reason']}" if chosen["reason"] else ""
    others = sorted(options.values(), key=lambda o: (not o["offered"], o["more_gbp"] or 0.0))
    label = LABELS[Option(landing["chosen"])]
    return [
        f"landing {landing['landing']}, {landing['cells']} cells: {label}",
        f"  decided by {landing['binding']}",
        f"  without this landing the wing would cost {_less_text(chosen)}{shared}",
        "  instead:",
        *(
            f"    {LABELS[Option(o['option'])]:<30} "
            + "; ".join(filter(None, (_more_text(o), o["reason"])))
            for o in others
        ),
    ]


def _less_text(chosen: dict[str, Any]) -> str:
    less = f"£{chosen['whole_life_cost_gbp']:,.0f}"
    return "no less" if less == "£0" else f"{less} less"


def _more_text(option: dict[str, Any]) -> str:
    if option["more_gbp"] is None:
        return ""
    more = f"£{option['more_gbp']:,.0f}"
    return f"{more:>9} more"


def _points_lines(answer: dict[str, Any], *, each: bool) -> list[str]:
    """Return a line for each access point; of a wing with many, one for each landing."""
    points, budget = answer["access_points"], answer["airtime_budget"]
    if each or len(points) <= _POINTS_LISTED:
        return [_point_line(point, budget) for point in points]
    lines = []
    for landing in sorted({point["landing"] for point in points}):
        here = [point for point in points if point["landing"] == landing]
        cells = sum(len(point["cells"]) for point in here)
        lines.append(
            f"landing {landing}: {len(here)} access points for {cells} cells, "
            f"{min(min(p['signal_dbm']) for p in here):.0f} dBm at the weakest; the busiest is in "
            f"use {max(p['busy'] for p in here):.0%} of the time (budget {budget:.0%})"
        )
    return [*lines, "  (explain a landing to see each)"]


def _point_line(point: dict[str, Any], budget: float) -> str:
    why = f"no other reaches {point['forced_by']}" if point["forced_by"] else "there for airtime"
    why += f"; uses {point['reuses']}" if point["reuses"] else ""
    cells = "1 cell" if len(point["cells"]) == 1 else f"{len(point['cells'])} cells"
    return (
        f"  {point['name']}: channel {point['channel']}, {cells}, "
        f"{min(point['signal_dbm']):.0f} dBm at the weakest, in use {point['busy']:.0%} of the "
        f"time (budget {budget:.0%}); {why}"
    )


def _radio_lines(answer: dict[str, Any]) -> list[str]:
    leakage = answer["leakage"]
    if leakage is None:
        return []
    return [
        f"radio: {answer['radio']}",
        *(f"  {comparison}" for comparison in answer["comparisons"]),
        f"heard outside of this wing {heard_text(leakage)}",
    ]


def heard_text(leakage: dict[str, Any]) -> str:
    """Return what is heard of access points along a perimeter."""
    return (
        f"({leakage['perimeter']}, grade {leakage['perimeter_grade']}): at most "
        f"{leakage['likely_dbm']:.0f} dBm likely, {leakage['cautious_dbm']:.0f} dBm through "
        f"windows; {leakage['audible_m']:.0f} m of it hear a network"
    )

"""The words of `estate explain --sensitive`."""

from __future__ import annotations

from typing import Any

from estate.cautions import SENSITIVE

_MOST = 25
_KINDS = {
    "uplink": "uplink",
    "comms_room": "comms room",
    "duct": "duct",
    "chamber": "chamber or building",
    "power": "power feed",
    "distributor": "cabinet",
    "switch": "switch",
    "riser": "riser",
    "span": "containment",
    "access_point": "access point",
    "splitter": "splitter",
}


def failures_text(answer: dict[str, Any]) -> str:
    """Return the single points of failure as a person reads them."""
    points = answer["single_points_of_failure"]
    lines = [SENSITIVE, "", f"{'cells lost':>10}  what fails, and the best cure"]
    for point in points[:_MOST]:
        first, *others = point["elements"]
        more = f" and {len(others)} more in line with it" if others else ""
        lines.append(f"{point['cells_lost']:>10,}  {_KINDS[point['kind']]} {first}{more}")
        lines.append(f"{'':>12}{_cure_text(point)}")
    if len(points) > _MOST:
        lines.append(f"{'':>12}{len(points) - _MOST} smaller ones: --json has them")
    lines += [
        "",
        (
            f"second ways with which no circuit, duct or fibre is alone, in no total of the bill: "
            f"{_pounds(answer['second_routes_gbp'])}"
        ),
    ]
    for extra in answer["second_routes"]:
        lines.append(
            f"  {extra['label']}: {_pounds(extra['whole_life_cost_gbp'])}; one failure takes "
            f"{extra['cells_saved']:,} cells less"
        )
    lines += ["", "taken for granted:", *(f"  {r}" for r in answer["second_routes_rules"])]
    return "\n".join([*lines, "", SENSITIVE])


def _cure_text(point: dict[str, Any]) -> str:
    cure = point["cure"]
    if cure is None:
        return f"no second way to buy: {point['without_cure']}"
    return f"{cure['label']}: {_pounds(cure['whole_life_cost_gbp'])}, saves {cure['cells_saved']:,}"


def _pounds(money: dict[str, float]) -> str:
    return f"£{money['likely']:,.0f} (£{money['low']:,.0f}–£{money['high']:,.0f})"

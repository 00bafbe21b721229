"""What a change would do, before anybody asks for it: waves, times, loads, and who is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fleet.change import Desk
    from fleet.device import Device
    from fleet.topology import Topology
    from fleet.wave import Plan, Rules, Uncovered, Wave
    from fleet.workspace import Workspace

_LISTED_MAX = 12
_PEAKS_MAX = 5
_MINUTE_S, _HOUR_S = 60, 3600


def topology_of(workspace: Workspace) -> Topology | None:
    """Return what serves which cell, None where nobody planned it."""
    from fleet.topology import read_topology

    return read_topology(workspace.topology) if workspace.topology.exists() else None


def order_plan(
    workspace: Workspace, desk: Desk, devices: Sequence[Device], reasons: Mapping[str, str]
) -> Plan:
    """Return the one wave of an order that needs no bundle, and who it cannot reach."""
    from fleet.health.rules import read_rules as read_health_rules
    from fleet.hindrance import hindrances
    from fleet.wave import Plan, order_wave, read_rules

    inputs = workspace.devices_csv.parent
    knocking = read_health_rules(inputs).knocking
    wave = order_wave(
        devices,
        topology_of(workspace),
        read_rules(inputs),
        at_once=knocking.at_once,
        behind=knocking.at_once_behind,
    )
    silent = hindrances(desk.registry, devices, now=datetime.now(tz=UTC))
    silent = {name: why for name, why in silent.items() if "silent" in why}
    uncovered = by_reason({**silent, **reasons})
    return Plan(waves=(wave,), uncovered=uncovered, soak_s=0.0, unplaced=())


def by_reason(reasons: Mapping[str, str]) -> tuple[Uncovered, ...]:
    """Return devices that a change does not reach, together where the reason is the same."""
    from fleet.wave import Combination, Uncovered

    anything = Combination(model="", element="", prison_id="", wing="", version="")
    return tuple(
        Uncovered(
            combination=anything,
            devices=tuple(sorted(name for name, given in reasons.items() if given == why)),
            why=why,
        )
        for why in sorted(set(reasons.values()))
    )


def as_answer(plan: Plan) -> dict[str, Any]:
    """Return a plan as --json has it."""
    return {
        "waves": [_wave(wave) for wave in plan.waves],
        "seconds": round(plan.seconds, 1),
        "soak_s": plan.soak_s,
        "peak_load": _rounded(plan.peak_load.items()),
        "uncovered": [
            {**one.combination._asdict(), "devices": list(one.devices), "why": one.why}
            for one in plan.uncovered
        ],
        "unplaced": list(plan.unplaced),
    }


def _wave(wave: Wave) -> dict[str, Any]:
    return {
        "site": wave.site,
        "round": wave.round,
        "coverage": wave.coverage,
        "devices": list(wave.devices),
        "seconds": round(wave.seconds, 1),
        "prefetch_s": round(wave.prefetch_s, 1),
        "apply_s": round(wave.apply_s, 1),
        "at_once": wave.at_once,
        "rate_mbps": round(wave.rate_mbps, 3),
        "peak_load": _rounded(wave.peak_load.items()),
    }


def _rounded(shares: Iterable[tuple[str, float]]) -> dict[str, float]:
    return {element: round(share, 5) for element, share in shares}


def wave_lines(plan: Plan) -> list[str]:
    """Return the waves of a plan as a person reads them."""
    shown = [wave for wave in plan.waves if wave.coverage]
    lines = []
    if shown:
        stands = _counted(sum(len(wave.devices) for wave in shown), "device")
        lines.append(
            f"first a coverage set: {stands} for every model, access point, wing and version"
        )
    for number, wave in enumerate(plan.waves[:_LISTED_MAX], start=1):
        element, share = max(wave.peak_load.items(), key=lambda item: (item[1], item[0]))
        lines.append(
            f"  wave {number}{', coverage' if wave.coverage else ''}: {wave.site or 'all'}, "
            f"{_counted(len(wave.devices), 'device')}, {wave.at_once} at a time, "
            f"about {spell(wave.seconds)}, at most {share:.1%} of {element}"
        )
        if wave.coverage and plan.soak_s and not plan.waves[number : number + 1][0].coverage:
            lines.append(f"  then {spell(plan.soak_s)} to see how they do")
    if len(plan.waves) > _LISTED_MAX:
        lines.append(f"  and {len(plan.waves) - _LISTED_MAX} more waves")
    lines.append(f"in all about {spell(plan.seconds)}")
    return lines


def peak_lines(plan: Plan, rules: Rules, topology: Topology | None) -> list[str]:
    """Return the links that come nearest to their budgets, with the budgets."""
    from fleet.wave import CENTRE

    def budget(element: str) -> float:
        known = topology is not None and element in topology.by_id
        return rules.share_max(topology.by_id[element].kind if known and topology else CENTRE)

    fullest = sorted(plan.peak_load.items(), key=lambda i: (-i[1] / budget(i[0]), i[0]))
    return [
        "peak load of the fullest links, of their capacity:",
        *(
            f"  {element}: {share:.1%} (budget {budget(element):.0%})"
            for element, share in fullest[:_PEAKS_MAX]
        ),
    ]


def left_lines(plan: Plan) -> list[str]:
    """Return who cannot be covered, and who has no known place."""
    lines = []
    for one in plan.uncovered[:_LISTED_MAX]:
        what = ", ".join(
            part
            for part in (
                one.combination.model,
                one.combination.element,
                one.combination.version and f"version {one.combination.version}",
            )
            if part
        )
        names = ", ".join(one.devices[:3]) + (", …" if len(one.devices) > 3 else "")  # noqa: PLR2004
        lines.append(f"cannot be covered: {what + ': ' if what else ''}{names}: {one.why}")
    if len(plan.uncovered) > _LISTED_MAX:
        lines.append(f"and {len(plan.uncovered) - _LISTED_MAX} more that cannot be covered")
    if plan.unplaced:
        devices = _counted(len(plan.unplaced), "device")
        lines.append(f"{devices} in no cell that the topology knows: only uplinks are spared")
    return lines


def spell(seconds: float) -> str:
    """Return a duration as people say it: 45 s, 12 min, 3 h 05 min."""
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    minutes = round(seconds / _MINUTE_S)
    if seconds < _HOUR_S:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _counted(number: int, word: str) -> str:
    return f"1 {word}" if number == 1 else f"{number:,} {word}s"

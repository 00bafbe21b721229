"""`wingspan estate compare`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from estate.plan import Comparison

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@json_option
def compare(before: Path, after: Path, as_json: bool) -> None:
    """Show what changed from plan BEFORE to plan AFTER, and what it costs.

    \b
    Example:
      wingspan estate compare old/plan.json out/england-wales/out/plan.json
    """
    from estate.plan import compare as compared
    from estate.plan import read_plan

    found = compared(read_plan(before), read_plan(after))
    emit(_answer(found), as_json=as_json, text=_text(found))


def _answer(found: Comparison) -> dict[str, Any]:
    answer = asdict(found)
    for part in (answer, *answer["establishments"]):
        for name in ("capital_change_gbp", "whole_life_change_gbp"):
            part[name] = float(part[name])
    return {"schema": 1, **answer}


def _text(found: Comparison) -> str:
    lines = [
        f"{found.before} → {found.after}",
        f"capital, likely, in pounds: {found.capital_change_gbp:+,.2f}",
        f"whole life, likely, in pounds: {found.whole_life_change_gbp:+,.2f}",
    ]
    for what in ("inputs", "settings", "assumptions", "rates"):
        names = getattr(found, f"{what}_changed")
        if names:
            lines.append(f"{what} changed: {', '.join(names)}")
    lines += [
        f"  {c.prison_id:<11} {c.name}: cells {c.cells[0]:,} → {c.cells[1]:,}, "
        f"rank {c.rank[0]} → {c.rank[1]}, capital {c.capital_change_gbp:+,.0f}"
        for c in found.establishments
        if c.rank[0] != c.rank[1] or c.cells[0] != c.cells[1] or c.capital_change_gbp
    ]
    return "\n".join(lines if found.before != found.after else [lines[0], "no difference"])

"""The estate group; a command is imported when it is named."""

from __future__ import annotations

from typing import ClassVar

import click

from estate.cli.exits import EstateGroup
from reports.terminal import LazyGroup


class _Commands(EstateGroup, LazyGroup):
    """The commands of the estate half."""

    lazy: ClassVar = {
        "check": ("estate.cli.check", "check", "List every problem in the inputs."),
        "survey": (
            "estate.cli.survey",
            "survey",
            "Write a survey of a prison, to correct in QGIS.",
        ),
        "import": ("estate.cli.importing", "import_", "Replace assumed facts with better ones."),
        "plan": ("estate.cli.plan", "plan", "Design, price and rank every prison."),
        "rank": ("estate.cli.rank", "rank", "Show the order of the prisons."),
        "explain": ("estate.cli.explain", "explain", "Say why a prison or wing stands as it does."),
        "allowlists": (
            "estate.cli.allowlists",
            "allowlists",
            "Compile where devices may go, by tier and place.",
        ),
        "compare": ("estate.cli.compare", "compare", "Show what changed between two plans."),
    }


@click.group(cls=_Commands)
def estate() -> None:
    """Plan and price the rollout of a whole estate.

    \b
    Example:
      wingspan -C out/england-wales estate plan
    """

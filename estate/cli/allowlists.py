"""`wingspan estate allowlists`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from estate.workspace import Workspace


@click.command()
@json_option
@click.pass_obj
def allowlists(workspace: Workspace, as_json: bool) -> None:
    """Compile where devices may go, by tier and place, into out/allowlists.json for the fleet.

    inputs/destinations.csv says what each tier may reach, who approved it and until when;
    inputs/tiers.csv which place is of which tier. Nothing that they do not name may be reached.

    \b
    Example:
      wingspan -C out/england-wales estate allowlists
      wingspan -C out/england-wales fleet allowlist MDI --file out/allowlists.json --tier standard
    """
    from estate.allowlists import read_allowlists, write_allowlists
    from estate.sources.register import read_register
    from estate.sources.table import this_day

    known = [one.prison_id for one in read_register(workspace.inputs / "register.csv")]
    found = read_allowlists(workspace.inputs, known=known, today=this_day())
    path = workspace.out / "allowlists.json"
    write_allowlists(path, found)
    lists = [
        {
            "prison_id": one.prison,
            "tier": one.tier,
            "destinations": len(one.ways),
            "expires_on": one.expires_on,
        }
        for one in found.lists
    ]
    places = [{"place": place, "tier": tier} for place, tier in found.places]
    answer = {"schema": 1, "allowlists": str(path), "lists": lists, "places": places}
    lines = [
        f"{one.tier:<16} {one.prison or 'estate':<11} {len(one.ways):>4} destinations, "
        f"approved until {one.expires_on}"
        for one in found.lists
    ]
    lines.append(f"{len(found.places)} places have a tier; next: wingspan fleet allowlist")
    emit(answer, as_json=as_json, text="\n".join(lines))

"""`wingspan estate plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reports.terminal import emit, json_option
from reports.wording import pounds

if TYPE_CHECKING:
    from estate.estimate import Money
    from estate.plan import Plan
    from estate.workspace import Settings, Workspace


# Percent of the time that a plan from nothing takes.
_READING, _DESIGNING, _WRITING = 2, 95, 3


@click.command()
@click.option(
    "--jobs",
    type=click.IntRange(min=-1),
    default=1,
    show_default=True,
    envvar="WINGSPAN_JOBS",
    help="Processes to design wings with; -1 for one on each core.",
)
@click.option(
    "--scheduler",
    default="",
    envvar="WINGSPAN_SCHEDULER",
    metavar="URL",
    help="Dask scheduler to design wings on, such as tcp://host:8786.",
)
@click.option("--seed", type=int, help="Seed of the draws behind every rank range.")
@click.option("--draws", type=int, help="Number of draws behind every rank range.")
@click.option("--appraisal-years", type=int, help="Years that whole-life cost runs over.")
@click.option(
    "--backbone-ways",
    type=int,
    help="Ways of fibre from the core to each building: 1, or 2 that share no duct.",
)
@click.option("--title", help="Title of the reports.")
@click.option("--marking", help="Protective marking of every output.")
@click.option(
    "--show-config", is_flag=True, help="Show each setting and where it came from, then stop."
)
@json_option
@click.pass_obj
def plan(
    workspace: Workspace,
    /,
    jobs: int,
    scheduler: str,
    show_config: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Design, price and rank every prison, into out/plan.json and out/topology.json.

    \b
    Example:
      wingspan -C out/england-wales estate plan --jobs 2
    """
    settings = workspace.settings(options)
    if show_config:
        _show(settings, as_json=as_json)
        return
    from estate.cabling.cache import DesignCache
    from estate.parallel import Workers
    from estate.pipeline import Designing, make_plan, read_inputs
    from estate.plan import summary, write_plan
    from estate.topology import write_topology
    from estate.workspace import design_cache
    from reports.files import written_aside
    from reports.terminal import progress

    with progress("planning", 100) as advance:
        inputs = read_inputs(workspace)
        advance(_READING)
        designing = Designing(
            cache=DesignCache(design_cache()),
            advance=lambda share: advance(share * _DESIGNING),
        )
        made = make_plan(inputs, settings, Workers(jobs=jobs or 1, scheduler=scheduler), designing)
        files = {
            "plan": workspace.out / "plan.json",
            "topology": workspace.out / "topology.json",
        }
        # Both are whole on the disk before either takes its place, so that they stay a pair.
        with written_aside(files["plan"]) as first, written_aside(files["topology"]) as second:
            write_plan(made, first)
            write_topology(made, second)
        advance(_WRITING)
    answer = summary(made, {name: str(path) for name, path in files.items()})
    emit(answer, as_json=as_json, text=_text(made, answer))


def _show(settings: Settings, *, as_json: bool) -> None:
    values = {name: getattr(settings, name) for name in sorted(settings.origins)}
    config = {
        name: {"value": dict(value) if name == "weights" else value, "from": settings.origins[name]}
        for name, value in values.items()
    }
    text = "\n".join(f"{name} = {c['value']}  ({c['from']})" for name, c in config.items())
    emit({"schema": 1, "config": config}, as_json=as_json, text=text)


def _text(made: Plan, answer: dict[str, Any]) -> str:
    totals, check = made.totals, made.cross_check
    excluded = [f"  {e['name']}: {e['reason']}" for e in answer["excluded"]]
    published = [f"  {p.label}: {p.worded()} a {p.per}" for p in check.published]
    first = [f"  {r.rank:>2}  {r.prison_id:<11} {r.name}" for r in made.ranking[:5]]
    return "\n".join(
        [
            f"plan {made.plan_id}  {made.marking}",
            _counts(made),
            f"capital      {_range(totals.capital_gbp)}",
            f"whole life   {_range(totals.whole_life_gbp)} over {made.appraisal_years} years",
            f"VAT on top   {_range(totals.vat_gbp)}",
            "(low and high are sums of extremes, wider than any percentile)",
            _proof(made),
            _not_for_construction(made),
            f"in-cell network, a cell of a prison that starts anew: {_range(check.new_work_gbp)}",
            "published, for voice:",
            *published,
            "first in order:",
            *first,
            f"not priced ({len(excluded)}):",
            *excluded,
            f"written: {answer['files']['plan']}",
        ]
    )


def _proof(made: Plan) -> str:
    proof = made.design
    saved = float(proof.by_rule_gbp - proof.cost_gbp)
    beside = f"{pounds(abs(saved))} {'below' if saved >= 0 else 'above'}"
    return (
        f"wing networks {pounds(float(proof.cost_gbp))} whole life, at most {proof.gap:.2%} above "
        f"the best possible; {beside} the rules of the first plan"
    )


def _not_for_construction(made: Plan) -> str:
    from estate.cautions import why_not_for_construction

    wings = [wing for site in made.establishments for wing in site.wings]
    marked = sum(bool(why_not_for_construction(made, wing)) for wing in wings)
    if not marked:
        return "every wing is surveyed and its signal measured"
    return (
        f"not for construction: {marked:,} of {len(wings):,} wings; estate explain says why of each"
    )


def _counts(made: Plan) -> str:
    establishments = f"{len(made.establishments)} establishments"
    return f"{establishments}, {made.landings:,} landings, {made.cells:,} cells"


def _range(money: Money) -> str:
    low, likely, high = (pounds(float(m)) for m in (money.low, money.likely, money.high))
    return f"{likely} (low {low}, high {high})"

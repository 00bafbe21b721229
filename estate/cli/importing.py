"""Commands that bring better facts into a workspace: all of a file, or nothing of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reports.terminal import complain, emit, json_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estate.measurements import PlannedPoint
    from estate.sources.bulletin import Applied, Bulletin, Update
    from estate.sources.hmpps import ImportedPrison
    from estate.sources.wings import PrisonWings
    from estate.survey import Imported
    from estate.survey.importing import SurveyedWing
    from estate.workspace import Workspace

_file = click.argument("file", type=click.Path(path_type=Path))
_KEYS_SHOWN_MAX = 5
_CONFLICTS_SHOWN_MAX = 10  # In the text; --json lists all.


@click.group("import", context_settings={"help_option_names": ["-h", "--help"]})
def import_() -> None:
    """Bring better facts into the workspace.

    A file is checked whole, and every fault is listed. Nothing is written unless there is none.

    \b
    Example:
      wingspan -C out/england-wales estate import wings survey.xlsx
    """


@import_.command()
@_file
@json_option
@click.pass_obj
def bulletin(workspace: Workspace, file: Path, as_json: bool) -> None:
    """Update capacity and population from the monthly population bulletin (XLSX or ODS).

    Rows are matched to prisons by name. A row for two prisons is shared out in proportion to the
    baseline CNA that they had when last reported apart.

    \b
    Example:
      wingspan -C out/england-wales estate import bulletin prison-pop-october.ods

    \b
    Fields of --json:
      schema        1
      file          name of the bulletin
      report_date   yyyy-mm-dd
      register      path of the register that was updated
      updated       prison_id, baseline_cna, operational_capacity, population (places and
                    prisoners, null where blank) and shared_row (name of the row that several
                    prisons share, or "") of each prison
      unmatched     names of rows that mean no prison of the register
      untouched     ids of prisons that the bulletin does not name; they keep their figures
    """
    from estate.sources.bulletin import apply_bulletin, read_bulletin
    from estate.sources.register import read_register

    register = workspace.inputs / "register.csv"
    report = read_bulletin(file, register=read_register(register))
    applied = apply_bulletin(register, report)
    answer = {
        "schema": 1,
        "file": file.name,
        "report_date": report.report_date.isoformat(),
        "register": str(register),
        "updated": [_update(update) for update in applied.updated],
        "unmatched": list(applied.unmatched),
        "untouched": list(applied.untouched),
    }
    emit(answer, as_json=as_json, text=_bulletin_text(report, applied))


@import_.command()
@_file
@json_option
@click.pass_obj
def wings(workspace: Workspace, file: Path, as_json: bool) -> None:
    """Put wings of a schedule (CSV, XLSX or ODS) in place of what is known of their prisons.

    All earlier rows of each prison that the file names go; other prisons keep theirs.

    \b
    Example:
      wingspan -C out/england-wales estate import wings survey.xlsx

    \b
    Fields of --json:
      schema        1
      file          name of the schedule
      wings         path of the wing schedule that was changed
      prisons       prison_id, wings (rows it has now) and replaced (rows they took the place
                    of) of each prison in the file
    """
    from estate.sources.register import read_register
    from estate.sources.wings import import_wings

    target = workspace.inputs / "wings.csv"
    known = {prison.prison_id for prison in read_register(workspace.inputs / "register.csv")}
    prisons = import_wings(file, into=target, known=known)
    answer = {
        "schema": 1,
        "file": file.name,
        "wings": str(target),
        "prisons": [
            {"prison_id": p.prison_id, "wings": p.wings, "replaced": p.replaced} for p in prisons
        ],
    }
    emit(answer, as_json=as_json, text="\n".join(map(_wings_line, prisons)))


@import_.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--prison", metavar="ID", default="", help="Prison of files that name none.")
@json_option
@click.pass_obj
def hmpps(workspace: Workspace, files: tuple[Path, ...], prison: str, as_json: bool) -> None:
    """Take wings, cells and capacity from exports of HMPPS's locations service (JSON).

    Takes the cell certificate, the residential hierarchy, the residential summary and trees of
    locations, and knows them by their content. Files of one prison are put together: the
    certificate is believed first, then the file named first, and differences are listed. All
    earlier wings of each prison go; what no export says of a wing (typology, construction,
    cabling, hazards) is kept. A certificate updates the register as well.

    A residential hierarchy does not say of which prison it is: give --prison, put the id in the
    file's name (MDI.json), or name it beside a file of the same prison.

    \b
    Example:
      wingspan -C out/england-wales estate import hmpps MDI-certificate.json

    \b
    Fields of --json:
      schema        1
      files         names of the exports
      wings         path of the wing schedule
      register      path of the register
      prisons       prison_id, wings (rows it has now), replaced (rows they took the place of),
                    cells (planned for), rooms and inactive (of them), archived, converted,
                    non_residential and draft (cells not planned for), other_locations,
                    spurs_inferred (wings whose spurs are inferred),
                    certified_normal_accommodation, working_capacity, maximum_capacity,
                    operational_capacity, approved_on (of the certificate), register_updated,
                    notes, and conflicts: location, field, used, used_file, other, other_file
    """
    from estate.sources.hmpps import import_hmpps

    wings, register = workspace.inputs / "wings.csv", workspace.inputs / "register.csv"
    prisons = import_hmpps(files, wings=wings, register=register, prison_id=prison)
    answer = {
        "schema": 1,
        "files": [file.name for file in files],
        "wings": str(wings),
        "register": str(register),
        "prisons": [_imported(prison) for prison in prisons],
    }
    emit(answer, as_json=as_json, text="\n".join(map(_hmpps_text, prisons)))


@import_.command()
@_file
@json_option
@click.pass_obj
def survey(workspace: Workspace, file: Path, as_json: bool) -> None:
    """Take the wings of a prison from a survey that estate survey began.

    The survey is of the whole prison, and replaces what its wings were taken for. It is checked
    whole: geometry, snapping, doors, names and keys, and a way from each cell to a distributor.
    What surveyed_by and surveyed_on sign becomes grade A; the rest keeps the grade it has.

    \b
    Example:
      wingspan -C out/england-wales estate import survey leeds.gpkg

    \b
    Fields of --json:
      schema        1
      file          name of the survey
      prison_id     the prison that its location keys name
      survey        path at which it is kept
      replaced      whether an earlier survey was there
      features      number of features
      signed        number of them that somebody measured
      half_signed   number of them that have either surveyed_by or surveyed_on
      wings         wing, cells, cells_before (null for a new wing), features, signed and missing
                    (location keys of imported cells that it does not draw) of each
      gone          wings that were planned for and are not in the survey
    """
    from estate.pipeline import read_inputs, sizings_of
    from estate.survey import import_survey

    settings = workspace.settings({})
    inputs = read_inputs(workspace, surveys=False)
    found = import_survey(
        file,
        into=workspace.inputs / "surveys",
        prisons={prison.prison_id: prison for prison in inputs.establishments},
        sizings=sizings_of(inputs),
        marking=settings.marking,
    )
    answer = {
        "schema": 1,
        "file": file.name,
        "prison_id": found.prison_id,
        "survey": str(found.path),
        "replaced": found.replaced,
        "features": found.features,
        "signed": found.signed,
        "half_signed": found.half_signed,
        "wings": [asdict(wing) for wing in found.wings],
        "gone": list(found.gone),
    }
    emit(answer, as_json=as_json, text=_survey_text(found))


@import_.command()
@_file
@click.option("--prison", metavar="ID", default="", help="Prison of readings without a cell.")
@click.option("--site", metavar="NAME", default="", help="Building that is no prison.")
@json_option
@click.pass_obj
def measurements(workspace: Workspace, file: Path, prison: str, site: str, as_json: bool) -> None:
    """Fit door, wall and bend losses to readings of signal (CSV, XLSX, ODS, JSON).

    Each row says who was heard (access_point), how strongly (signal_dbm), on what frequency_mhz
    and where: in a cell, or at x_m and y_m of a survey. Where an access point hangs is said by
    ap_cell or ap_x_m and ap_y_m in one of its rows, by the survey, or by the plan whose topology
    has one of that name. Half of the positions are
    fitted and the other half judge. A fit that helps takes the place of the prison's assumptions
    in the next plan; what the readings do not settle stays as assumed, and is named.

    With --site the file is of some other building: what is fitted is how signal falls with
    distance, in sight and out of it, for comparison only.

    \b
    Example:
      wingspan -C out/england-wales estate import measurements leeds.csv

    \b
    Fields of --json:
      schema        1
      file          name of the file
      prison_id     the prison, "" for another site
      site          name of the other building, "" for a prison
      measurements  path at which the readings are kept
      replaced      whether earlier readings were there
      readings, not_heard, elsewhere
                    rows heard, rows blank, and rows of an access point in another wing
      access_points, positions
                    how many there are, access points counted once a band
      geometry      surveyed, assumed (of the typology) or none
      grade         of the fit: A where every wall and door was measured
      dated         day of the fit
      rmse_db_before, rmse_db_levelled, rmse_db_after
                    errors at positions not fitted: as assumed; with the level of each access
                    point fitted; with the losses fitted too
      used          whether the fit takes the place of assumptions
      fitted        key, unit, value, low, high, assumed (low, likely, high), at_limit
      unsettled     parameters that the readings do not settle
      levels_db     level of each access point of unknown power; "" is that of all others
      levels_at_limit
                    whose level its range ended, and not the readings
      agreement     null where no power is stated or no wall known; else readings, access_points,
                    off_db (measured less what the next plan assumes; low_db, high_db,
                    spread_db), margin_db, disagrees (off by more than the margin), cells,
                    cells_below_target, target_dbm
      warnings      what, because, try: said on stderr too
    """
    from estate.cli.readings import readings_as_json, readings_as_text, readings_warnings
    from estate.measurements import Target, buildings_of, import_measurements
    from estate.pipeline import read_inputs, sizings_of

    inputs = read_inputs(workspace)
    sizings = sizings_of(inputs)
    target = Target(
        inputs=workspace.inputs,
        prisons=list(sizings),
        buildings=lambda prison_id: buildings_of(
            sizings[prison_id], inputs.surveys.get(prison_id), prison_id=prison_id
        ),
        assumptions=inputs.assumptions,
        planned=lambda prison_id: _planned(workspace, prison_id),
        prison_id=prison,
        site=site,
    )
    found = import_measurements(file, target)
    emit(readings_as_json(found, site=site), as_json=as_json, text=readings_as_text(found))
    for said in readings_warnings(found):
        complain(f"warning: {said['what']}\n  because: {said['because']}\n  try: {said['try']}")


def _planned(workspace: Workspace, prison_id: str) -> dict[str, PlannedPoint]:
    """Return where the plan, if there is one, puts the access points of a prison."""
    from estate.measurements import PlannedPoint
    from estate.plan import read_plan
    from estate.topology import access_points_of

    path = workspace.out / "plan.json"
    if not path.exists():
        return {}
    return {
        name: PlannedPoint(
            building=key,
            at=point.at,
            landing=point.landing,
            height_m=point.height_m or 0.0,
        )
        for name, (key, point) in access_points_of(read_plan(path), prison_id).items()
    }


def _survey_text(found: Imported) -> str:
    lines = [
        f"{found.prison_id}: {found.signed:,} of {found.features:,} features are signed (grade A)",
        *(
            f"  {wing.wing}: {wing.cells:,} cells"
            + ("" if wing.cells_before is None else f", {wing.cells_before:,} before")
            + f"; {wing.signed:,} of {wing.features:,} features signed"
            for wing in found.wings
        ),
        *(_missing_line(wing) for wing in found.wings if wing.missing),
    ]
    if found.half_signed:
        what = "have only one of surveyed_by and surveyed_on, and stay assumed"
        lines.append(f"{found.half_signed:,} features {what}")
    if found.gone:
        lines.append(f"wings no longer planned: {', '.join(found.gone)}")
    return "\n".join([*lines, f"kept as {found.path}"])


def _missing_line(wing: SurveyedWing) -> str:
    shown = ", ".join(wing.missing[:_KEYS_SHOWN_MAX])
    more = len(wing.missing) - _KEYS_SHOWN_MAX
    named = f"{shown} and {more} more" if more > 0 else shown
    return (
        f"  {wing.wing}: imported cells that the survey does not draw, no longer planned: {named}"
    )


def _update(update: Update) -> dict[str, Any]:
    return {
        "prison_id": update.prison_id,
        "baseline_cna": update.figures.baseline_cna,
        "operational_capacity": update.figures.operational_capacity,
        "population": update.figures.population,
        "shared_row": update.shared_row,
    }


def _bulletin_text(report: Bulletin, applied: Applied) -> str:
    shared = [update for update in applied.updated if update.shared_row]
    lines = [
        f"bulletin of {report.report_date.isoformat()}: {len(applied.updated)} prisons updated",
        *(f"  {update.prison_id}: its share of the row {update.shared_row!r}" for update in shared),
    ]
    if applied.unmatched:
        lines.append(f"rows that mean no prison of the register: {'; '.join(applied.unmatched)}")
    if applied.untouched:
        lines.append(f"prisons that it does not name: {', '.join(applied.untouched)}")
    return "\n".join(lines)


def _wings_line(prison: PrisonWings) -> str:
    return _replacement(prison.prison_id, wings=prison.wings, replaced=prison.replaced)


def _replacement(prison_id: str, *, wings: int, replaced: int) -> str:
    came = "1 wing" if wings == 1 else f"{wings} wings"
    gone = f"in place of {replaced}" if replaced else "where there was none"
    return f"{prison_id}: {came} {gone}"


def _imported(prison: ImportedPrison) -> dict[str, Any]:
    places = prison.places
    approved_on = places.approved_on.isoformat() if places.approved_on else ""
    return {
        "prison_id": prison.prison_id,
        "wings": len(prison.rows),
        "replaced": prison.replaced,
        **prison.counts,
        "spurs_inferred": list(prison.spurs_inferred),
        "certified_normal_accommodation": places.certified_normal_accommodation,
        "working_capacity": places.working_capacity,
        "maximum_capacity": places.maximum_capacity,
        "operational_capacity": places.operational_capacity,
        "approved_on": approved_on,
        "register_updated": bool(prison.register),
        "notes": list(prison.notes),
        "conflicts": [asdict(conflict) for conflict in prison.conflicts],
    }


def _hmpps_text(prison: ImportedPrison) -> str:
    counts = prison.counts
    words = [f"{counts[name]} {name}" for name in ("rooms", "inactive") if counts[name]]
    within = f" ({', '.join(words)} of them)" if words else ""
    names = ("archived", "converted", "non_residential", "draft")
    left_out = [f"{counts[name]} {name.replace('_', '-')}" for name in names if counts[name]]
    lines = [
        _replacement(prison.prison_id, wings=len(prison.rows), replaced=prison.replaced),
        f"  {_cells(counts['cells'])} to plan for{within}",
        f"  not planned for: {', '.join(left_out)}" if left_out else "",
    ]
    if prison.register:
        dated = f"certificate of {prison.places.approved_on}"
        lines.append(f"  register: {dated}, {_figures(prison.register)}")
    lines += [f"  {note}" for note in prison.notes]
    shown = prison.conflicts[:_CONFLICTS_SHOWN_MAX]
    lines += [
        f"  {c.location} {c.field}: {c.used} ({c.used_file}) used, not {c.other} ({c.other_file})"
        for c in shown
    ]
    if len(prison.conflicts) > len(shown):
        lines.append(f"  … and {len(prison.conflicts) - len(shown)} more; --json lists them")
    return "\n".join(filter(None, lines))


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"


def _figures(register: Mapping[str, str]) -> str:
    figures = ("baseline_cna", "operational_capacity")
    return ", ".join(f"{name} {register[name]}" for name in figures if name in register)

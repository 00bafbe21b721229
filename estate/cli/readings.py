"""What an import of signal readings says, in JSON and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estate.radio.calibration import UNKNOWN_EIRP_DBM, level_range_db
from estate.sources.calibrations import off_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.measurements import ImportedReadings
    from estate.measurements.agreeing import Agreement
    from estate.radio.fitting import Fitted

_GEOMETRY = {
    "surveyed": "in the walls of the survey",
    "assumed": "in the walls of a typology, which are assumed",
    "none": "without walls, by distance and line of sight",
}


def readings_as_json(found: ImportedReadings, *, site: str) -> dict[str, Any]:
    """Return the answer of --json."""
    fit = found.calibration
    return {
        "schema": 1,
        "file": found.file,
        "prison_id": "" if site else found.place,
        "site": site,
        "measurements": str(found.kept),
        "replaced": found.replaced,
        "readings": found.readings,
        "not_heard": found.not_heard,
        "elsewhere": found.elsewhere,
        "access_points": found.access_points,
        "positions": fit.positions,
        "geometry": found.geometry,
        "grade": str(found.grade),
        "dated": found.dated,
        "rmse_db_before": round(fit.rmse_db_before, 2),
        "rmse_db_levelled": round(fit.rmse_db_levelled, 2),
        "rmse_db_after": round(fit.rmse_db_after, 2),
        "used": found.used,
        "fitted": [_fitted(found, each) for each in fit.settled],
        "unsettled": list(fit.unsettled),
        "levels_db": {name: round(level, 2) for name, level in fit.levels_db.items()},
        "levels_at_limit": list(fit.levels_at_limit),
        "agreement": _agreement(found.agreement),
        "warnings": readings_warnings(found),
    }


def readings_warnings(found: ImportedReadings) -> list[dict[str, str]]:
    """Return what to tell a person of signal that is not as it is assumed: what, because, try."""
    agreement = found.agreement
    if agreement is None or not agreement.disagrees:
        return []
    what = f"measured signal lies {off_words(agreement.offset.mean_db)}"
    return [
        {
            "what": "; ".join(filter(None, (what, agreement.below_words))),
            "because": (
                f"{agreement.offset.readings:,} readings of {_points(agreement.access_points)} of "
                f"stated power (eirp_dbm) are off by more than the {agreement.margin_db:g} dB that "
                "a design keeps in hand; the plan does not take that into account, and no wing of "
                f"{found.place} is for construction"
            ),
            "try": (
                "check the power, the antennas and the places of the access points, and by how "
                "much the device reads low; correct the file (eirp_dbm blank where nobody knows "
                "it) and import it again"
            ),
        }
    ]


def readings_as_text(found: ImportedReadings) -> str:
    """Return the answer in words."""
    return "\n".join(_lines(found))


def _fitted(found: ImportedReadings, each: Fitted) -> dict[str, Any]:
    low, likely, high = found.calibration.range_of(each.parameter.name)
    prior = each.parameter.prior
    return {
        "key": each.parameter.name,
        "unit": each.parameter.unit,
        "value": likely,
        "low": low,
        "high": high,
        "assumed": {"low": prior.low, "likely": prior.likely, "high": prior.high},
        "at_limit": each.at_its_limit,
    }


def _agreement(found: Agreement | None) -> dict[str, Any] | None:
    if found is None:
        return None
    low, likely, high = found.offset.range_db
    return {
        "readings": found.offset.readings,
        "access_points": found.access_points,
        "off_db": likely,
        "low_db": low,
        "high_db": high,
        "spread_db": round(found.offset.spread_db, 2),
        "margin_db": found.margin_db,
        "disagrees": found.disagrees,
        "cells": found.cells,
        "cells_below_target": found.below,
        "target_dbm": found.target_dbm,
    }


def _points(count: int) -> str:
    return "1 access point" if count == 1 else f"{count:,} access points"


def _lines(found: ImportedReadings) -> Iterator[str]:
    fit = found.calibration
    yield (
        f"{found.place}: {found.readings:,} readings of {found.access_points:,} access points, "
        f"{_GEOMETRY[found.geometry]}"
    )
    if found.not_heard:
        yield f"  {found.not_heard:,} rows without a signal"
    if found.elsewhere:
        yield f"  {found.elsewhere:,} readings of an access point in another wing, left out"
    yield (
        f"  {fit.positions:,} positions, every second one fitted; error at the others: "
        f"{fit.rmse_db_before:.1f} dB as assumed, {fit.rmse_db_levelled:.1f} dB with levels "
        f"fitted, {fit.rmse_db_after:.1f} dB with losses fitted"
    )
    yield from _levels(found)
    for each in fit.settled:
        low, likely, high = fit.range_of(each.parameter.name)
        prior, limit = each.parameter.prior, ", at the end of its range" * each.at_its_limit
        unit = f" {each.parameter.unit}" if each.parameter.unit else ""
        yield (
            f"  {each.parameter.name}: {likely:g}{unit} ({low:g} to {high:g}), assumed "
            f"{prior.likely:g} ({prior.low:g} to {prior.high:g}){limit}"
        )
    if fit.unsettled:
        yield f"  not settled by these readings, so as assumed: {', '.join(fit.unsettled)}"
    yield f"kept as {found.kept}; {_use(found)}"


def _levels(found: ImportedReadings) -> Iterator[str]:
    """Yield the fitted levels, which no plan uses, and whether signal is as it is assumed."""
    fit = found.calibration
    if "" in fit.levels_db:
        low, high = level_range_db("")
        limit = f", at its limit ({low:g} to {high:g})" if "" in fit.levels_at_limit else ""
        yield f"  level of access points of stated power: {fit.levels_db['']:.1f} dB{limit}"
    unknown = {name: level for name, level in fit.levels_db.items() if name}
    if unknown:
        low, high = min(unknown.values()), max(unknown.values())
        span = f"{low:.1f}" if len(unknown) == 1 else f"{low:.1f} to {high:.1f}"
        ended = [name for name in fit.levels_at_limit if name]
        limit = f"; at its limit: {', '.join(ended)}" if ended else ""
        yield (
            f"  level of {_points(len(unknown))} of unknown power, beside {UNKNOWN_EIRP_DBM:g} "
            f"dBm: {span} dB{limit}"
        )
    if found.agreement:
        said = f"measured signal lies {off_words(found.agreement.offset.mean_db)}"
        spread = f", with a spread of {found.agreement.offset.spread_db:.1f} dB"
        yield "; ".join(filter(None, (f"  {said}{spread}", found.agreement.below_words)))


def _use(found: ImportedReadings) -> str:
    from estate.measurements.importing import ERROR_DB_MAX

    if found.used:
        return f"the next plan uses the fit in {found.place}, grade {found.grade}"
    if found.geometry == "none":
        return "no plan uses a fit without walls"
    if found.calibration.rmse_db_after > ERROR_DB_MAX:
        return (
            f"the fit is more than {ERROR_DB_MAX:g} dB off where it was not fitted, and is not "
            "used: check where access points and readings are"
        )
    if not found.calibration.settled:
        return "the readings settle no loss, and the plan keeps what is assumed"
    fit = found.calibration
    return (
        f"the fitted losses predict no better than levels alone ({fit.rmse_db_after:.1f} dB "
        f"against {fit.rmse_db_levelled:.1f} dB), so the plan keeps the losses that are assumed"
    )

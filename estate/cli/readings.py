"""What an import of signal readings says, in JSON and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.measurements import ImportedReadings
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
    }


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
    return "the fit predicts no better than what is assumed, and is not used"

"""The hard rules of cabling as data, each with its source and edition."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLE = Path(__file__).resolve().parents[1] / "data" / "cabling_rules.csv"

_REFERENCE_C, _STEP_C = 20.0, 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One value that every design keeps to; `verified` is yes, partly or no."""

    rule: str
    value: float
    unit: str
    source: str
    edition: str
    verified: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule by its name."""

    by_name: Mapping[str, Rule]

    def __getitem__(self, name: str) -> float:
        return self.by_name[name].value

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.by_name.values())


@lru_cache(maxsize=1)
def read_rules() -> Rules:
    """Return the shipped rules in the order of their table."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return Rules(
            {
                row["rule"]: Rule(
                    rule=row["rule"],
                    value=float(row["value"]),
                    unit=row["unit"],
                    source=row["source"],
                    edition=row["edition"],
                    verified=row["verified"],
                    meaning=row["meaning"],
                )
                for row in csv.DictReader(file)
            }
        )


def permanent_link_m(
    limit_m: float, *, temperature_c: float, screened: bool, rules: Rules
) -> float:
    """Return the longest permanent link at a temperature, in metres, rounded down to 0.1 m.

    The limit at 20 °C is divided by the growth of insertion loss (TIA-568-C.2 clause 6.4.7).
    Below 20 °C nothing is gained; beyond 60 °C the last coefficient goes on.
    """
    growth = _loss_growth(temperature_c, screened=screened, rules=rules)
    return floor(round(limit_m / growth * 10, 6)) / 10


def limit_allowing_m(link_m: float, *, temperature_c: float, screened: bool, rules: Rules) -> float:
    """Return the limit at 20 °C that allows a link at a temperature, in metres, up to 0.1 m."""
    growth = _loss_growth(temperature_c, screened=screened, rules=rules)
    return ceil(round(ceil(round(link_m * 10, 6)) * growth, 6)) / 10


def _loss_growth(temperature_c: float, *, screened: bool, rules: Rules) -> float:
    """Return by what factor insertion loss grows from 20 °C to a temperature."""
    warmer_c = max(0.0, temperature_c - _REFERENCE_C)
    if screened:
        return 1 + rules["link_derating.screened"] * warmer_c
    below_c = min(warmer_c, _STEP_C - _REFERENCE_C)
    return (
        1
        + rules["link_derating.unscreened_to_40"] * below_c
        + rules["link_derating.unscreened_to_60"] * (warmer_c - below_c)
    )


def cables_that_fit(
    fill_percent: float,
    *,
    rules: Rules,
    cross_section_mm2: float | None = None,
    cable: str = "cable_cat6a",
) -> int:
    """Return how many cables more an existing containment takes, by its fill in percent.

    A cross-section of None is not stated: then it is that of the rules.
    """
    within_mm2 = cross_section_mm2 or rules["section.existing"]
    free_mm2 = max(0.0, rules["fill.final"] - fill_percent / 100) * within_mm2
    return int(free_mm2 // rules[f"section.{cable}"])


def section_mm2(cables: int, *, rules: Rules) -> float:
    """Return the cross-section that new containment needs for so many cables, in mm²."""
    return round(cables * rules["section.cable_cat6a"] / rules["fill.first"], 1)


def switches_per_cabinet(*, poe_ports: float, rules: Rules) -> dict[str, int]:
    """Return how many switches a cabinet takes by each limit: rack, heat and power.

    `poe_ports` is the access points that one switch feeds at most.
    """
    fed_w = min(poe_ports * rules["poe.class_4_pse_w"], rules["poe.switch_w"])
    lost_w = rules["switch.idle_w"] + fed_w * (
        1 - rules["poe.class_4_pd_w"] / rules["poe.class_4_pse_w"]
    )
    units = rules["rack.units"] - rules["rack.units_reserved"]
    return {
        "rack": floor(units / rules["rack.units_per_switch"]),
        "heat": floor(rules["cabinet.heat_w"] / lost_w),
        "power": floor(rules["circuit.power_w"] / (rules["switch.idle_w"] + fed_w)),
    }


def fibre_loss_db(length_m: float, *, rules: Rules) -> float:
    """Return what a fibre between two distributors loses: length, two connectors, reserve."""
    return (
        rules["fibre.loss_db_per_km"] * length_m / 1000
        + 2 * rules["fibre.connector_db"]
        + rules["fibre.margin_db"]
    )


def is_bridged(length_m: float, *, rules: Rules) -> bool:
    """Return whether reach and loss allow a fibre between two distributors."""
    loss_db = fibre_loss_db(length_m, rules=rules)
    return length_m <= rules["fibre.reach_m"] and loss_db <= rules["fibre.budget_db"]


def optical_margin_db(length_m: float, *, rules: Rules) -> float:
    """Return what is left of the budget of a passive optical link; below 0 it does not work.

    Loss = fibre + connectors + splitter + reserve (see the rules for each).
    """
    loss_db = (
        rules["fibre.loss_db_per_km"] * length_m / 1000
        + rules["pon.connectors"] * rules["fibre.connector_db"]
        + rules["pon.splitter_db"]
        + rules["fibre.margin_db"]
    )
    return round(rules["pon.budget_db"] - loss_db, 2)

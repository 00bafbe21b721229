"""Which devices change together: a coverage set first, then waves that every link bears. Pure."""

from __future__ import annotations

from fleet.wave.coverage import Combination, Uncovered, combination, coverage_of
from fleet.wave.planning import Plan, Terms, Wave, order_wave, waves_of
from fleet.wave.rules import CENTRE, Rules, read_rules

__all__ = [
    "CENTRE",
    "Combination",
    "Plan",
    "Rules",
    "Terms",
    "Uncovered",
    "Wave",
    "combination",
    "coverage_of",
    "order_wave",
    "read_rules",
    "waves_of",
]

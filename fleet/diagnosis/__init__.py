"""The shared causes of silence, from who is silent, who talks, and what serves whom."""

from __future__ import annotations

from fleet.diagnosis.causes import Cause, Diagnosis, Sighting, diagnose
from fleet.diagnosis.priors import Priors, read_priors

__all__ = ["Cause", "Diagnosis", "Priors", "Sighting", "diagnose", "read_priors"]

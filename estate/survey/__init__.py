"""Surveys: drafted from what is known, corrected by people, checked, and planned from."""

from __future__ import annotations

from estate.survey.check import read_survey
from estate.survey.draft import draft, hand_out
from estate.survey.drawn import Setting, drawn_survey, without_wing
from estate.survey.facts import SURVEY_RULES, Surveyed, surveyed
from estate.survey.ground import Duct, Ground, Outline, ground_of
from estate.survey.importing import Imported, import_survey

__all__ = [
    "SURVEY_RULES",
    "Duct",
    "Ground",
    "Imported",
    "Outline",
    "Setting",
    "Surveyed",
    "draft",
    "drawn_survey",
    "ground_of",
    "hand_out",
    "import_survey",
    "read_survey",
    "surveyed",
    "without_wing",
]

"""Failures the estate half can explain: what happened, and what to try."""

from __future__ import annotations

from reports.faults import ExplainedError, Problem

__all__ = ["EstateError", "InputError", "NoPlanError", "Problem"]


class EstateError(ExplainedError):
    """A failure of the estate half that we can explain."""


class InputError(EstateError):
    """An input breaks a published rule; every fault found is in `problems`."""


class NoPlanError(EstateError):
    """No plan meets every constraint."""

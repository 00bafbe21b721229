"""The rules of a sweep as data: policies, how hard to knock, how long to remember."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fleet.errors import InputError, Problem
from fleet.health.facts import NUMBERS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SHIPPED = Path(__file__).with_name("policies.toml")
OVERLAY = "health.toml"

# For each comparison, whether its limits are numbers or lists of what is right.
COMPARISONS: Final = {"below": True, "above": True, "beyond": True, "not_in": False}

Limit = float | tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How one fact should be; `warn` and `fail` are limits, None where there is no such level.

    It is in force from the day `since`. `check` is what to check first.
    """

    name: str
    fact: str
    comparison: str
    since: date
    warn: Limit = None
    fail: Limit = None
    check: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knocking:
    """How hard a sweep may knock.

    `at_once` devices are asked at a time, of those behind one element `at_once_behind` its kind;
    `login_timeout_s` covers connecting and logging in, `answer_timeout_s` the answer. Those that
    failed are asked again `calm_at_once` at a time, with `calm_timeout_s` for each of the two.
    """

    at_once: int
    at_once_behind: Mapping[str, int]
    login_timeout_s: float
    answer_timeout_s: float
    calm_at_once: int
    calm_timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How long things are kept, in days: every sweep at first, then the last of each day.

    Entries of the log are moved to an archive after `keep_log_days`.
    """

    keep_every_sweep_days: int
    keep_daily_days: int
    keep_log_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that a workspace can say about its sweeps."""

    policies: tuple[Policy, ...]
    knocking: Knocking
    keeping: Keeping


def read_rules(folder: Path) -> Rules:
    """Return the shipped rules with those of a workspace's folder of inputs laid over them.

    Raises
    ------
    InputError
        When a file cannot be read or says what cannot be; every fault is listed.
    """
    shipped = _toml(SHIPPED)
    overlay = _toml(folder / OVERLAY)
    problems = [
        Problem(OVERLAY, place, what, cure) for place, what, cure in _faults(overlay, shipped)
    ]
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{count} in {folder / OVERLAY}", problems=problems)
    policies = shipped["policies"] | overlay.get("policies", {})
    return Rules(
        policies=tuple(
            _policy(name, table) for name, table in policies.items() if not table.get("off")
        ),
        knocking=Knocking(**shipped["sweep"] | overlay.get("sweep", {})),
        keeping=Keeping(**shipped["history"] | overlay.get("history", {})),
    )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except ValueError as error:  # Not UTF-8, or not TOML.
        problem = Problem(path.name, "", str(error), "write it as TOML in UTF-8")
        raise InputError(f"cannot read {path}", problems=[problem]) from error


def _policy(name: str, table: Mapping[str, Any]) -> Policy:
    limits = {
        level: tuple(limit) if isinstance(limit, list) else limit
        for level in ("warn", "fail")
        if (limit := table.get(level)) is not None
    }
    return Policy(
        name=name,
        fact=table["fact"],
        comparison=table["comparison"],
        since=table["since"],
        check=table.get("check", ""),
        **limits,
    )


def _faults(
    overlay: Mapping[str, Any], shipped: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with an overlay: place, what, cure."""
    for section, table in overlay.items():
        if section not in shipped:
            yield f"[{section}]", "there is no such section", _one_of(section, shipped)
        elif not isinstance(table, dict):
            yield section, "it is not a section", f"write [{section}]"
        elif section == "policies":
            for name, policy in table.items():
                for key, what, cure in _policy_faults(policy):
                    yield f"[policies.{name}] {key}".rstrip(), what, cure
        else:
            yield from _setting_faults(section, table, shipped[section])


def _policy_faults(policy: Any) -> Iterator[tuple[str, str, str]]:
    if not isinstance(policy, dict):
        yield "", "it is not a policy", "write [policies.NAME] and its lines below"
        return
    if policy.get("off") is True:
        return
    known = [field.name for field in fields(Policy)][1:]
    for key in policy.keys() - {*known, "off"}:
        yield key, "there is no such key", _one_of(key, known)
    if str(policy.get("fact")) not in (facts := NUMBERS.keys() | TEXTS.keys()):
        yield "fact", f"{policy.get('fact')!r} is no fact", _one_of(policy.get("fact"), facts)
    if policy.get("comparison") not in COMPARISONS:
        what = f"{policy.get('comparison')!r} is no comparison"
        yield "comparison", what, _one_of("", COMPARISONS)
    since = policy.get("since")
    if not isinstance(since, date) or isinstance(since, datetime):
        yield "since", f"{since!r} is not a day", "write since = 2026-11-25"
    if not isinstance(policy.get("check", ""), str):
        yield "check", "it is not a text", "write words in quotes"
    yield from _limit_faults(policy)


def _limit_faults(policy: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    levels = [level for level in ("warn", "fail") if level in policy]
    if not levels:
        yield "", "it has no limit", "give warn, fail or both"
    fact, comparison = str(policy.get("fact")), str(policy.get("comparison"))
    if fact not in NUMBERS.keys() | TEXTS.keys() or comparison not in COMPARISONS:
        return
    wants_number = COMPARISONS[comparison]
    if wants_number != (fact in NUMBERS):
        cure = "use below, above or beyond for a number, not_in for a text"
        yield "comparison", f"{fact} cannot be compared by {comparison}", cure
        return
    for level in levels:
        limit = policy[level]
        if wants_number and (isinstance(limit, bool) or not isinstance(limit, int | float)):
            yield level, f"{limit!r} is not a number", "write a number"
        if not wants_number and not _are_texts(limit):
            yield level, f"{limit!r} is not a list of texts", 'write a list such as ["running"]'


def _setting_faults(
    section: str, table: Mapping[str, Any], shipped: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    for key, value in table.items():
        place = f"[{section}] {key}"
        if key not in shipped:
            yield place, "there is no such setting", _one_of(key, shipped)
        elif isinstance(shipped[key], dict):
            if not isinstance(value, dict) or not all(map(_is_count, value.values())):
                yield place, f"{value!r} is no table of counts", "write { access_point = 4 }"
        elif not _is_count(value):
            yield place, f"{value!r} is not a number above zero", "write a whole number"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


def _one_of(wrong: Any, known: Iterable[str]) -> str:
    words = sorted(known)
    close = get_close_matches(str(wrong), words, n=1)
    return f"did you mean {close[0]}?" if close else f"use one of {', '.join(words)}"

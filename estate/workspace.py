"""A workspace: where its files lie, and what its settings are and came from."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Any

from estate.errors import InputError, Problem
from reports.files import folder_written_aside, write_text

_PACKAGE = Path(__file__).resolve().parent
SETTINGS_FILE = "wingspan.toml"
SHIPPED = {
    "register.csv": _PACKAGE / "data" / "register.csv",
    "wings.csv": _PACKAGE / "data" / "wings.csv",
    "assumptions.csv": _PACKAGE / "catalogue" / "assumptions.csv",
    "rates.csv": _PACKAGE / "catalogue" / "rates.csv",
}
MEASURED = "calibrations.csv"  # There once measurements were imported.
NAMED = "cells.csv"  # There once the cells of a prison were imported by their location keys.
TEMPLATES = ("england-wales", "example")
_EXAMPLE = ("BFI", "EYI", "FMI", "FYI", "LEI", "MDI")

WEIGHTS = {
    "people_per_pound": 0.25,
    "staff_hours_per_pound": 0.15,
    "crowding": 0.10,
    "unserved": 0.10,
    "readiness": 0.25,
    "deliverability": 0.15,
}

_TOML = """\
# Settings of this workspace. An option on the command line or WINGSPAN_… in the environment
# overrides a line here; `wingspan -C DIR estate plan --show-config` says where each came from.

[plan]
seed = 1                 # of the draws behind every rank range
appraisal_years = 10     # whole-life cost is undiscounted over these years
draws = 1000
backbone_ways = 1        # of fibre from the core to each building; 2 share no duct
title = "{title}"
marking = "OFFICIAL – handle locally"

[weights]                # of the ranking; they are scaled to add up to 1
{weights}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting of a plan. Weights add up to 1.

    `origins` says for each setting whether it came from an option, the environment, the
    workspace's file or the default.
    """

    seed: int = 1
    appraisal_years: int = 10
    draws: int = 1000
    backbone_ways: int = 1
    title: str = "In-cell connectivity for England and Wales"
    marking: str = "OFFICIAL – handle locally"
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with wingspan.toml, inputs/ and out/."""

    root: Path

    @property
    def inputs(self) -> Path:
        """Return the folder of the inputs."""
        return self.root / "inputs"

    @property
    def out(self) -> Path:
        """Return the folder of the results."""
        return self.root / "out"

    def settings(self, options: Mapping[str, Any]) -> Settings:
        """Return the settings: option, then environment, then wingspan.toml, then default.

        Raises
        ------
        InputError
            When wingspan.toml is missing or any setting is not usable; every fault is listed.
        """
        path = self.root / SETTINGS_FILE
        try:
            stated = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise InputError(
                f"cannot read {path}", hint="wingspan init DIR makes a workspace; name it with -C"
            ) from error
        except ValueError as error:  # Not UTF-8, not TOML, or a number beyond all bounds.
            problem = Problem(SETTINGS_FILE, "", str(error), "write it as TOML in UTF-8")
            raise InputError(f"cannot read {path}", problems=[problem]) from error
        return _resolved(stated, options, os.environ)

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each input file that is there, by name."""
        names = sorted([*SHIPPED, MEASURED, NAMED])
        paths = [self.inputs / name for name in names] + self.surveys()
        return {
            path.relative_to(self.inputs).as_posix(): sha256(path.read_bytes()).hexdigest()
            for path in paths
            if path.is_file()
        }

    def surveys(self) -> list[Path]:
        """Return the files of the surveys, in order; each is named after its prison."""
        return sorted((self.inputs / "surveys").glob("*.gpkg"))


def design_cache() -> Path:
    """Return the folder of designs that were made, for all workspaces: delete it at any time.

    WINGSPAN_DESIGN_CACHE names another than the one in the user's cache folder.
    """
    named = os.environ.get("WINGSPAN_DESIGN_CACHE")
    if named:
        return Path(named)
    users = Path(os.environ.get("XDG_CACHE_HOME", ""))
    folder = users if users.is_absolute() else Path("~/.cache").expanduser()
    return folder / "wingspan" / "designs"


def create(root: Path, *, template: str) -> Workspace:
    """Make a workspace that works at once, from the shipped facts.

    Raises
    ------
    InputError
        When the folder already holds something, is the current one, or cannot be written.
    """
    try:
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise InputError(f"{root} is not an empty folder", hint="name a new folder")
        if root.resolve() == Path.cwd():  # It would be replaced under the feet of the shell.
            raise InputError(f"{root} is the current folder", hint="name a new folder in it")
        with folder_written_aside(root) as folder:
            (folder / "inputs").mkdir()
            (folder / "out").mkdir()
            for name, source in SHIPPED.items():
                shutil.copyfile(source, folder / "inputs" / name)
            title = Settings().title
            if template == "example":
                title = "In-cell connectivity for six example prisons"
                for name in ("register.csv", "wings.csv"):
                    _keep_only(folder / "inputs" / name, _EXAMPLE)
            weights = "\n".join(f"{term} = {weight}" for term, weight in WEIGHTS.items())
            text = _TOML.format(title=title, weights=weights)
            (folder / SETTINGS_FILE).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {root}", hint="choose a folder you may write") from error
    return Workspace(root)


def _keep_only(path: Path, prison_ids: tuple[str, ...]) -> None:
    header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [row for row in rows if row.split(",", 1)[0] in prison_ids]
    write_text(path, "".join([header, *kept]))


def _resolved(
    stated: Mapping[str, Any], options: Mapping[str, Any], environment: Mapping[str, str]
) -> Settings:
    chosen: dict[str, Any] = {}
    origins: dict[str, str] = {}
    sections = ["plan", "weights"]
    unknown = set(stated) - {*sections, "fleet"}  # The fleet half reads its own section.
    problems: list[Problem] = []
    plan, term_weights = (_section(stated, name, problems) for name in sections)
    names = [f.name for f in fields(Settings) if f.name not in {"weights", "origins"}]
    problems += [_unknown(f"[{section}]", section, sections) for section in sorted(unknown)]
    problems += [_unknown(f"[plan] {key}", key, names) for key in sorted(set(plan) - set(names))]
    for name in names:
        found = _first(name, options, environment, plan)
        if found is not None:
            chosen[name], origins[name] = found
            problem = _checked(name, chosen, origins[name])
            if problem:
                problems.append(problem)
        else:
            origins[name] = "default"
    weights = _weights(term_weights, problems)
    origins["weights"] = SETTINGS_FILE if "weights" in stated else "default"
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(f"{count} in the settings", problems=problems)
    return Settings(**chosen, weights=weights, origins=origins)


def _section(stated: Mapping[str, Any], name: str, problems: list[Problem]) -> Mapping[str, Any]:
    section = stated.get(name, {})
    if isinstance(section, dict):
        return section
    cure = f"write it as [{name}]"
    problems.append(Problem(SETTINGS_FILE, name, f"{name} is not a section", cure))
    return {}


def _first(
    name: str, options: Mapping[str, Any], environment: Mapping[str, str], plan: Mapping[str, Any]
) -> tuple[Any, str] | None:
    if options.get(name) is not None:
        return options[name], f"--{name.replace('_', '-')}"
    variable = f"WINGSPAN_{name.upper()}"
    if variable in environment:
        return environment[variable], variable
    if name in plan:
        return plan[name], SETTINGS_FILE
    return None


_BOUNDS = {
    "seed": (0, 2**32 - 1),
    "appraisal_years": (1, 60),
    "draws": (20, 100_000),
    "backbone_ways": (1, 2),
}
_WEIGHT_MAX = 1_000_000
_WORDS_LENGTH_MAX = 100  # The header of a printed sheet holds 255, each ampersand twice.


def _checked(name: str, chosen: dict[str, Any], origin: str) -> Problem | None:
    """Turn the setting into its type in place, or say what is wrong with it."""
    value = chosen[name]
    if name not in _BOUNDS:
        return _words_problem(name, value, origin)
    low, high = _BOUNDS[name]
    digits = "" if isinstance(value, bool) else str(value)
    whole = digits.isdecimal() and len(digits) <= len(str(high))
    if whole and low <= int(value) <= high:
        chosen[name] = int(value)
        return None
    return Problem(origin, name, f"{value!r} is not usable", f"give a whole number {low} to {high}")


def _words_problem(name: str, value: Any, origin: str) -> Problem | None:
    if not isinstance(value, str) or not value.strip():
        return Problem(origin, name, f"{value!r} is not a text", "write words in quotes")
    if len(value) > _WORDS_LENGTH_MAX or not value.isprintable():
        cure = f"write one line of at most {_WORDS_LENGTH_MAX} characters"
        return Problem(origin, name, f"{value[:20]!r}… does not fit on a page's edge", cure)
    return None


def _weights(stated: Mapping[str, Any], problems: list[Problem]) -> dict[str, float]:
    weights = dict(WEIGHTS)
    for term, weight in stated.items():
        if term not in WEIGHTS:
            problems.append(_unknown(f"[weights] {term}", term, list(WEIGHTS)))
        elif not _is_weight(weight):
            what = f"{weight!r} is not a weight"
            cure = f"give a number from 0 to {_WEIGHT_MAX:,}"
            problems.append(Problem(SETTINGS_FILE, f"[weights] {term}", what, cure))
        else:
            weights[term] = float(weight)
    total = sum(weights.values())
    if not total > 0:
        problem = Problem(SETTINGS_FILE, "[weights]", "they add up to 0", "give one of them weight")
        problems.append(problem)
        return weights
    return {term: weight / total for term, weight in weights.items()}


def _is_weight(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= _WEIGHT_MAX


def _unknown(place: str, name: str, known: list[str]) -> Problem:
    near = get_close_matches(name, known, n=1)
    cure = f"did you mean {near[0]}?" if near else f"use one of {', '.join(known)}"
    return Problem(SETTINGS_FILE, place, f"{name} is not a setting", cure)

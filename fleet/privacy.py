"""What the fleet refuses to keep: anything about a prisoner."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fleet.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# A field whose name has one of these words, or these words in a row, is about a person.
PERSONAL_WORDS = (
    "prisoner",
    "offender",
    "inmate",
    "occupant",
    "noms",
    "nomis",
    "prison number",
    "pnc",
    "cro",
    "surname",
    "forename",
    "first name",
    "last name",
    "full name",
    "birth",
    "dob",
    "gender",
    "ethnicity",
    "nationality",
    "religion",
    "offence",
    "sentence",
    "release date",
    "security category",
    "health condition",
    "photo",
    "phone number",
    "email",
)

# The form of a prison number, A1234BC, wherever it stands in a text.
PRISON_NUMBER = re.compile(r"(?<![A-Za-z0-9])[A-Z]\d{4}[A-Z]{2}(?![A-Za-z0-9])")

_CURE = "leave it out: the registry knows devices and cells, never who is in them"


def without_prison_numbers(text: str) -> str:
    """Return a text that is kept whatever it says, with what may be a prison number blotted out."""
    return PRISON_NUMBER.sub("[prison number]", text)


def personal_fields(names: Iterable[str]) -> list[str]:
    """Return the names of fields that would hold something about a person."""
    return [name for name in names if _is_personal(name)]


def refuse_personal(where: str, *, text: str = "", fields: Mapping[str, Any] | None = None) -> None:
    """Refuse a text or fields, at any depth, that hold something about a prisoner.

    Raises
    ------
    InputError
        With every place where that is so; the value itself is not repeated.
    """
    found = sorted(set(_found({"": text} if fields is None else fields, "")))
    if found:
        problems = [Problem(where, place, what, _CURE) for place, what in found]
        raise InputError(f"{where} would hold data about a prisoner", problems=problems)


def _found(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            at = f"{place}.{name}" if place else str(name)
            if _is_personal(str(name)):
                yield at, "a field about a person"
            yield from _found(inner, at)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _found(inner, place)
    elif isinstance(value, str) and PRISON_NUMBER.search(value):
        yield place, "it has the form of a prison number"


@lru_cache(maxsize=1024)  # Devices all say the same names.
def _is_personal(name: str) -> bool:
    split = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    words = f" {' '.join(re.findall('[a-z]+', split.lower()))} "
    return any(f" {personal} " in words for personal in PERSONAL_WORDS)

"""Which devices a command is about: places, single devices, and filters."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Self

from fleet.device import DeviceState, is_word
from fleet.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WHOLE_ESTATE: Final = "estate"
DEVICE: Final = "device:"
FILTERS: Final = ("model", "ring", "version", "state")

_PART = re.compile(r"[\w&+][\w &+.'-]*")
_PARTS_MAX = 4  # prison, wing, spur, landing


@dataclass(frozen=True, slots=True)
class Scope:
    """Some devices, named by where they are and what they are.

    Several places are joined, several values of one filter too; filters narrow the places.

    Attributes
    ----------
    places
        Sorted; empty for the whole estate. `MDI` is a prison, or a cell if a cell has that key;
        `MDI/A` a wing, `MDI/A/2` a landing of it, whatever its spur; `MDI/A/N/2` one of a spur;
        `device:WS-000123` a single device.
    filters
        Pairs of `model`, `ring`, `version` or `state` and a value, sorted.
    """

    places: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, words: str | Iterable[str]) -> Self:
        """Return the scope that some words name; no word at all is the whole estate.

        Raises
        ------
        InputError
            When a word is neither a place nor a filter; all such words are listed.
        """
        given = tuple(shlex.split(words) if isinstance(words, str) else words)
        problems = [Problem("scope", word, *fault) for word in given if (fault := _fault(word))]
        if problems:
            hint = "name a place such as MDI/A/2, device:ID, or a filter such as state=live"
            raise InputError(
                f"cannot read the scope {shlex.join(given)}", problems=problems, hint=hint
            )
        places = {word for word in given if "=" not in word}
        if WHOLE_ESTATE in places:
            places.clear()
        pairs = (word.partition("=") for word in given if "=" in word)
        return cls(tuple(sorted(places)), tuple(sorted({(key, value) for key, _, value in pairs})))

    @property
    def wanted(self) -> Mapping[str, tuple[str, ...]]:
        """Return the values that each filter lets through."""
        wanted: dict[str, tuple[str, ...]] = {}
        for key, value in self.filters:
            wanted[key] = (*wanted.get(key, ()), value)
        return wanted

    def in_states(self, states: Iterable[DeviceState]) -> Self:
        """Return this scope limited to some states, unless it names states itself."""
        if "state" in self.wanted:
            return self
        pairs = {("state", state.value) for state in states}
        return replace(self, filters=tuple(sorted({*self.filters, *pairs})))

    def __str__(self) -> str:
        return shlex.join(
            (*(self.places or (WHOLE_ESTATE,)), *(f"{k}={v}" for k, v in self.filters))
        )


def near(wrong: str, known: Iterable[str]) -> str:
    """Return a cure that names up to three known words like the wrong one."""
    words = {word.casefold(): word for word in known}
    close = [words[word] for word in get_close_matches(wrong.casefold(), words, n=3, cutoff=0.6)]
    return f"did you mean {' or '.join(close)}?" if close else ""


def _fault(word: str) -> tuple[str, str] | None:
    """Return what is wrong with a word and its cure, None for a good one."""
    if "=" in word:
        return _filter_fault(*word.split("=", 1))
    if word.startswith(DEVICE):
        name = word.removeprefix(DEVICE)
        return None if is_word(name) else ("not a device", "write device:WS-000123")
    parts = word.split("/")
    if len(parts) > _PARTS_MAX or not all(_PART.fullmatch(part) for part in parts):
        return "not a place", "write PRISON/WING/LANDING, PRISON/WING/SPUR/LANDING or a cell"
    return None


def _filter_fault(key: str, value: str) -> tuple[str, str] | None:
    if key not in FILTERS:
        return "not a filter", near(key, FILTERS) or f"use one of {', '.join(FILTERS)}"
    if key == "state" and value not in set(DeviceState):
        states = ", ".join(DeviceState)
        return "not a state", near(value, DeviceState) or f"use one of {states}"
    if not is_word(value):
        return "not a value", "use letters, digits, dot, dash and underscore"
    return None

"""Which prison a name in the population bulletin means."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from estate.sources.table import read_table
from estate.tables import BULLETIN_NAMES, PROVISIONAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estate.model import Establishment

_ALIASES = Path(__file__).resolve().parent.parent / "data" / "bulletin_names.csv"
_EMPTY_WORDS = {"and", "the"}
_DESIGNATIONS = {"hmp", "hmyoi", "yoi", "irc", "stc"}

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The prisons that a name means; `weights` share a row out among several."""

    prison_ids: tuple[str, ...]
    weights: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """What names mean in a register: by all words, and by all but the designations.

    `shared` are the plain names that several prisons bear.
    """

    full: Mapping[Words, str]
    plain: Mapping[Words, str]
    shared: frozenset[Words]


def meanings(names: Sequence[str], register: Iterable[Establishment]) -> tuple[Meaning | None, ...]:
    """Return what each name means, None where no prison of the register can be told from it.

    Case, order of words, punctuation, figures and footnote marks do not count, and neither does
    a designation (HMP, YOI) unless it alone tells two prisons apart. Names that the register
    does not use come from the shipped list of aliases. Provisional ids are never matched.
    """
    prisons = [prison for prison in register if not prison.prison_id.startswith(PROVISIONAL)]
    known = {prison.prison_id for prison in prisons}
    index = _index(prisons)
    found = [_meaning(name, index) for name in names]
    alone = {meaning.prison_ids[0] for meaning in found if meaning and not meaning.weights[1:]}
    narrowed = (
        _narrowed(meaning, own=index.plain.get(_plain(_words(name)), ""), alone=alone)
        for name, meaning in zip(names, found, strict=True)
    )
    return tuple(
        meaning if meaning and not known.isdisjoint(meaning.prison_ids) else None
        for meaning in narrowed
    )


@lru_cache(maxsize=1)
def aliases() -> Mapping[Words, Meaning]:
    """Return the shipped names that are not the register's, by their words."""
    return {
        _words(row.text("name")): Meaning(
            prison_ids=tuple(row.text("prison_ids").split("+")),
            weights=row.counts("baseline_cna_apart") or (1,),
        )
        for row in read_table(_ALIASES, BULLETIN_NAMES)
    }


def _words(name: str) -> Words:
    letters = unicodedata.normalize("NFKD", name).casefold().replace("'", "").replace("\u2019", "")
    return tuple(sorted(w for w in re.findall(r"[a-z]+", letters) if w not in _EMPTY_WORDS))


def _plain(words: Words) -> Words:
    return tuple(word for word in words if word not in _DESIGNATIONS)


def _index(prisons: Sequence[Establishment]) -> _Index:
    full: dict[Words, list[Establishment]] = {}
    plain: dict[Words, list[Establishment]] = {}
    for prison in prisons:
        words = _words(prison.name)
        full.setdefault(words, []).append(prison)
        plain.setdefault(_plain(words), []).append(prison)
    shared = frozenset(words for words, namesakes in plain.items() if len(namesakes) > 1)
    return _Index(full=_heads(full), plain=_heads(plain), shared=shared)


def _heads(namesakes: Mapping[Words, Sequence[Establishment]]) -> dict[Words, str]:
    """Return the prison that each name means: of namesakes, the one with the others' figures."""
    heads = {}
    for words, bearers in namesakes.items():
        own = [prison for prison in bearers if len(bearers) == 1 or not prison.counted_in]
        if len(own) == 1:
            heads[words] = own[0].prison_id
    return heads


def _meaning(name: str, index: _Index) -> Meaning | None:
    words = _words(name)
    plain = _plain(words)
    for spelling in (words, plain):
        if spelling in aliases():
            return aliases()[spelling]
    if words in index.full:
        return Meaning(prison_ids=(index.full[words],))
    if words != plain and plain in index.shared:
        return None  # "Parc YOI" is not Parc, and which of its namesakes it is cannot be told.
    return Meaning(prison_ids=(index.plain[plain],)) if plain in index.plain else None


def _narrowed(meaning: Meaning | None, *, own: str, alone: set[str]) -> Meaning | None:
    """Return only the name's own prison where all others it may mean have rows of their own."""
    if meaning is None or own not in meaning.prison_ids:
        return meaning
    others = set(meaning.prison_ids) - {own}
    return Meaning(prison_ids=(own,)) if others and others <= alone else meaning

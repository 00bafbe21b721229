"""What a column of an input table may hold, and how its text becomes a value."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass
from datetime import date
from math import inf, isfinite
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Kind = Literal["text", "integer", "number", "counts", "layout", "year", "day", "when"]
Counts = tuple[int, ...]
Value = str | int | float | Counts | tuple[Counts, ...] | None

_EXPECTED: Mapping[Kind, str] = {
    "text": "text",
    "integer": "a whole number",
    "number": "a number",
    "counts": "whole numbers joined by +, each",
    "layout": "for each landing whole numbers joined by +, landings separated by /, each number",
    "year": "a year",
    "day": "a date as yyyy-mm-dd",
    "when": "a date as yyyy-mm-dd, yyyy-mm, yyyy or 2022-23, any remark after a space",
}


class UnfitValueError(ValueError):
    """A cell holds what its column does not allow; `what` and `cure` say so to its owner."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an input table.

    Attributes
    ----------
    unit
        Unit of the number, "" for none.
    required
        Whether a file must have the column even though its cells may be blank.
    blank
        Whether a cell may be empty; a text is then read as `default`, a number as None.
    low, high
        Smallest and largest number allowed; of "counts" and "layout", each must be within.
    above
        A bound that the number must exceed.
    choices
        The words allowed, whatever their case in the file.
    pattern
        Regular expression that the whole text must match.
    """

    name: str
    meaning: str
    example: str
    _: KW_ONLY
    kind: Kind = "text"
    unit: str = ""
    required: bool = False
    blank: bool = True
    default: str = ""
    low: float | None = None
    high: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""

    @property
    def is_required(self) -> bool:
        """Return whether a file must have the column."""
        return self.required or not self.blank

    @property
    def expected(self) -> str:
        """Return what a cell may hold, in words that follow "give"."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        bounds = (("above", self.above), ("from", self.low), ("up to", self.high))
        limits = [f"{word} {bound:,.15g}" for word, bound in bounds if bound is not None]
        words = [_EXPECTED[self.kind], *limits, *([self.unit] if self.unit else [])]
        return f"{' '.join(words)}, such as {self.example}"

    def parse(self, text: str, *, today: date) -> Value:
        """Return the value that a cell's text stands for.

        Raises
        ------
        UnfitValueError
            When the text is not of the column's kind, out of bounds, not among the choices, or
            a date that begins after `today`.
        """
        if not text:
            if not self.blank:
                raise UnfitValueError(f"{self.name} is blank", f"give {self.expected}")
            return self.default if self.kind in {"text", "day", "when"} else None
        try:
            value = self._allowed(text)
            begins = _BEGINS[self.kind](text) if self.kind in _BEGINS else date.min
        except ValueError:
            raise UnfitValueError(f"{self.name} is {text!r}", f"give {self.expected}") from None
        if begins > today:
            what = f"{self.name} is {text!r}, which is in the future"
            raise UnfitValueError(what, f"give a date not after {today.isoformat()}")
        return value

    def _allowed(self, text: str) -> Value:
        value = _READERS[self.kind](text)
        if isinstance(value, str):
            return self._worded(value)
        if not all(self._holds(number) for number in _numbers_in(value)):
            raise ValueError(text)
        return value

    def _worded(self, text: str) -> str:
        if self.pattern and not re.fullmatch(self.pattern, text, re.ASCII):
            raise ValueError(text)
        if not self.choices:
            return text
        folded = [choice.casefold() for choice in self.choices]
        return self.choices[folded.index(text.casefold())]

    def _holds(self, number: float) -> bool:
        low = -inf if self.low is None else self.low
        high = inf if self.high is None else self.high
        return low <= number <= high and (self.above is None or number > self.above)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An input table.

    Attributes
    ----------
    name
        Name of the table, of its CSV file and of its sheet in a workbook.
    unique
        Columns that together no two rows may share.
    ascending
        Columns of numbers that must not fall from left to right.
    may_be_empty
        Whether a heading without rows will do.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    unique: tuple[str, ...] = ()
    ascending: tuple[str, ...] = ()
    may_be_empty: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns, in order."""
        return tuple(column.name for column in self.columns)


def starts_on(text: str) -> date:
    """Return the first day of "2026-10-30", "2026-10", "2026" or "2022-23 (design figure)".

    "2022-23" is a financial year, which begins on 1 April; "2011-12" reads as a month.

    Raises
    ------
    ValueError
        When the text does not begin with such a date.
    """
    found = re.fullmatch(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:\s.*)?", text, re.ASCII | re.DOTALL)
    if found is None:
        raise ValueError(f"{text!r} does not begin with a date")
    year, second, day = int(found[1]), int(found[2] or 1), int(found[3] or 1)
    if found[3] is None and second == (year + 1) % 100 and second not in range(1, 13):
        return date(year, 4, 1)
    return date(year, second, day)


def _numbers_in(value: Value) -> Iterator[float]:
    if isinstance(value, tuple):
        for part in value:
            yield from _numbers_in(part)
    elif isinstance(value, int | float):
        yield value


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?(\d{1,15}|\d{1,3}(,\d{3}){1,4})(\.0*)?", text, re.ASCII):
        raise ValueError(text)
    return int(text.replace(",", "").partition(".")[0])


def _number(text: str) -> float:
    pattern = r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?([eE][+-]?\d+)?"
    if not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(text)  # float() alone would take "nan", "inf" and "1_000".
    value = float(text.replace(",", ""))
    if not isfinite(value):
        raise ValueError(text)
    return value


def _counts(text: str) -> Counts:
    return tuple(_whole(count.strip()) for count in text.split("+"))


def _layout(text: str) -> tuple[Counts, ...]:
    landings = tuple(_counts(landing) for landing in text.split("/"))
    if not all(map(sum, landings)):
        raise ValueError(text)  # A landing without a cell would be none.
    return landings


def _day(text: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise ValueError(text)  # fromisoformat() alone would take "20261030" and "2026-W01".
    return date.fromisoformat(text).isoformat()


_READERS: Mapping[Kind, Callable[[str], Value]] = {
    "text": str,
    "integer": _whole,
    "number": _number,
    "counts": _counts,
    "layout": _layout,
    "year": _whole,
    "day": _day,
    "when": str,
}

# The first day of a date, which must not lie in the future.
_BEGINS: Mapping[Kind, Callable[[str], date]] = {
    "year": lambda text: date(_whole(text), 1, 1),
    "day": date.fromisoformat,
    "when": starts_on,
}

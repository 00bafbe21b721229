"""What went wrong, said so that a person can cure it: the base of both halves' errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One fault in an input, named as the person who opens the file sees it.

    Attributes
    ----------
    file
        Name of the file, without its folder.
    place
        Sheet, row and column, counted as a spreadsheet counts them; empty for the whole file.
    what
        What is wrong, with the offending value.
    cure
        What to change so that it passes.
    """

    file: str
    place: str
    what: str
    cure: str

    def __str__(self) -> str:
        where = f"{self.file} {self.place}".strip()
        return f"{where}: {self.what}; {self.cure}"


class ExplainedError(Exception):
    """A failure we can explain: `hint` says what to try, `problems` list every fault found."""

    def __init__(self, what: str, *, hint: str = "", problems: Iterable[Problem] = ()) -> None:
        super().__init__(what)
        self.hint = hint
        self.problems = tuple(problems)

"""Read the binary wireless regulatory database, and write its rules for a country as a table.

The shipped table is made from Debian's `wireless-regdb` with

    rules = rules_of(Path("/lib/firmware/regulatory.db").read_bytes(), country="GB")
    text = as_csv(rules, source="wireless-regdb 2026.05.30, country GB")

and a test holds the two together. The format is that of Linux, net/wireless/reg.c: big-endian,
pointers in units of four bytes, frequencies in kHz, power in hundredths of a dBm.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

from estate.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEADINGS = (
    "start_mhz",
    "end_mhz",
    "width_mhz_max",
    "eirp_dbm_max",
    "radar_detection",
    "indoor_only",
    "source",
)

_HEADER = Struct(">4sI")
_COUNTRY = Struct(">2sH")
_COLLECTION = Struct(">BB")
_POINTER = Struct(">H")
_RULE = Struct(">BBHIII")
_MAGIC, _VERSION = b"RGDB", 20
_NO_OUTDOOR, _RADAR = 1 << 1, 1 << 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What may be sent between two frequencies.

    `radar_detection` means that the channel must be left when a radar is heard (DFS).
    """

    start_mhz: float
    end_mhz: float
    width_mhz_max: float
    eirp_dbm_max: float
    radar_detection: bool
    indoor_only: bool
    source: str = ""


def rules_of(database: bytes, *, country: str) -> tuple[Rule, ...]:
    """Return the rules of a country by its code of two letters, the lowest frequency first.

    Raises
    ------
    InputError
        When the bytes are no database of this version, or the country is not in it.
    """
    if len(database) < _HEADER.size or _HEADER.unpack_from(database) != (_MAGIC, _VERSION):
        raise InputError(
            "the bytes are not a wireless regulatory database of version 20",
            hint="give the regulatory.db of Debian's wireless-regdb",
        )
    for code, pointer in _countries(database):
        if code == country.encode():
            return tuple(_rules(database, pointer * 4))
    raise InputError(
        f"the regulatory database has no country {country!r}",
        hint="give the ISO 3166 code, such as GB",
    )


def as_csv(rules: Iterable[Rule], *, source: str) -> str:
    """Return the rules as the text of a table, each with its source."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADINGS)
    for rule in rules:
        numbers = (rule.start_mhz, rule.end_mhz, rule.width_mhz_max, rule.eirp_dbm_max)
        flags = ("yes" if flag else "no" for flag in (rule.radar_detection, rule.indoor_only))
        writer.writerow([*(f"{number:g}" for number in numbers), *flags, source])
    return text.getvalue()


def _countries(database: bytes) -> Iterator[tuple[bytes, int]]:
    at = _HEADER.size
    while at + _COUNTRY.size <= len(database):
        code, pointer = _COUNTRY.unpack_from(database, at)
        if code == b"\0\0":
            return
        yield code, pointer
        at += _COUNTRY.size


def _rules(database: bytes, at: int) -> Iterator[Rule]:
    length, count = _COLLECTION.unpack_from(database, at)
    first = at + (length + 1) // 2 * 2  # The pointers are aligned to their own two bytes.
    for number in range(count):
        (pointer,) = _POINTER.unpack_from(database, first + number * _POINTER.size)
        _, flags, power, start, end, width = _RULE.unpack_from(database, pointer * 4)
        yield Rule(
            start_mhz=start / 1000,
            end_mhz=end / 1000,
            width_mhz_max=width / 1000,
            eirp_dbm_max=power / 100,
            radar_detection=bool(flags & _RADAR),
            indoor_only=bool(flags & _NO_OUTDOOR),
        )

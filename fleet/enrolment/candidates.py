"""The list of devices to enrol: what stands on a supplier's delivery note, one row each."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING

from fleet.device import NewDevice, field_faults
from fleet.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_NEEDED = ("serial", "host_key", "location_key", "address")
_OPTIONAL = ("model", "ring", "port")
# The fields of a device by the column that gives them, where the two differ.
_COLUMN = {"cell": "location_key"}
_FIRST_ROW = 2


def read_candidates(path: Path) -> list[NewDevice]:
    """Return the devices of a CSV file.

    Its columns are serial, host_key, location_key and address, and optionally model, ring and port.

    Raises
    ------
    InputError
        With every fault of the file: no such column, a value that cannot be, the same serial
        number, key or address and port twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        hint = "list them there, or enrol one device with --address, --serial and --cell"
        raise InputError(f"there is no {path}", hint=hint) from error
    except UnicodeDecodeError as error:
        problem = Problem(path.name, "", "it is not UTF-8", "save it as CSV in UTF-8")
        raise InputError(f"cannot read {path}", problems=[problem]) from error
    rows = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        problems = [
            Problem(path.name, "row 1", f"there is no column {name}", "add it, with a heading")
            for name in missing
        ]
        raise InputError(f"cannot read {path}", problems=problems)
    numbered = list(enumerate(rows, start=_FIRST_ROW))
    problems = [*_faults(path.name, numbered), *_repeated(path.name, numbered)]
    if problems:
        message = f"{len(problems)} problems in {path}; no device was touched"
        raise InputError(message, problems=sorted(problems))
    return [_device(row) for _, row in numbered]


def place_of(index: int) -> str:
    """Return where the cell of a list's candidate stands in its file; below the headings."""
    return f"row {index + _FIRST_ROW}, {_COLUMN['cell']}"


def _device(row: Mapping[str, str | None]) -> NewDevice:
    value = {name: (row.get(name) or "").strip() for name in (*_NEEDED, *_OPTIONAL)}
    return NewDevice(
        serial=value["serial"],
        model=value["model"],
        cell=value["location_key"],
        ring=value["ring"],
        host_key=value["host_key"],
        address=value["address"],
        port=int(value["port"] or 22),
    )


def _faults(
    file: str, numbered: Sequence[tuple[int, Mapping[str, str | None]]]
) -> Iterator[Problem]:
    for number, row in numbered:
        port = (row.get("port") or "").strip()
        if port and not port.isdecimal():
            yield Problem(file, f"row {number}, port", f"{port!r} is no port", "give a number")
            continue
        device = _device(row)
        for field, cure in field_faults(device).items():
            where = f"row {number}, {_COLUMN.get(field, field)}"
            yield Problem(file, where, f"it is {getattr(device, field)!r}", cure)
        for field in ("host_key", "address"):
            if not getattr(device, field):
                cure = "give it, as the supplier's list or the device shows it"
                yield Problem(file, f"row {number}, {field}", "it is empty", cure)


def _repeated(
    file: str, numbered: Sequence[tuple[int, Mapping[str, str | None]]]
) -> Iterator[Problem]:
    cures = {
        "serial": "each device has one row",
        "host_key": "two devices with one key are one image written twice: renew their keys",
        "location_key": "a cell holds one device",
    }
    for column, cure in cures.items():
        values = [(number, (row.get(column) or "").strip()) for number, row in numbered]
        counts = Counter(value for _, value in values if value)
        for number, value in values:
            if counts[value] > 1:
                what = f"{value!r} stands in {counts[value]} rows"
                yield Problem(file, f"row {number}, {column}", what, cure)

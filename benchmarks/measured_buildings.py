"""Measured signal in buildings that are no prisons, as `estate import measurements` takes it.

The data (doi 10.5281/zenodo.11558792, MIT) are 60 scans at each point of a grid of 0.6 m, of five
access points in a lecture theatre and in an office, with who was in line of sight.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Where the access points hang, in squares of the grid.
SITES = {
    "lecture_theatre": ((3, 9), (10, 9), (18.8, 9), (3, 21), (19, 21)),
    "office": ((1, 5), (11, -1), (15, 6), (20, -1), (25, 5)),
}

_SQUARE_M = 0.6
_NOT_HEARD_DBM = -200
_FREQUENCY_MHZ = 5500  # Not stated; it only moves the levels.


def write_readings(site: str, *, source: Path, target: Path) -> None:
    """Write every scan of a site, one row for each access point, silent ones with no signal."""
    rows = list(_rows(site, source))
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _rows(site: str, source: Path) -> Iterator[dict[str, object]]:
    for part in ("train", "test"):
        with (source / f"database_{site}_{part}.csv").open(encoding="utf-8", newline="") as file:
            scans = list(csv.DictReader(file))
        for scan in scans:
            in_sight = set(scan["LOS APs"].split())
            for number, (x, y) in enumerate(SITES[site], start=1):
                signal_dbm = float(scan[f"AP{number} RSS(dBm)"])
                yield {
                    "access_point": f"AP{number}",
                    "signal_dbm": signal_dbm if signal_dbm > _NOT_HEARD_DBM else "",
                    "frequency_mhz": _FREQUENCY_MHZ,
                    "x_m": round(_SQUARE_M * float(scan["X"]), 2),
                    "y_m": round(_SQUARE_M * float(scan["Y"]), 2),
                    "height_m": 0,
                    "ap_x_m": round(_SQUARE_M * x, 2),
                    "ap_y_m": round(_SQUARE_M * y, 2),
                    "ap_height_m": 0,
                    "in_sight": "yes" if str(number) in in_sight else "no",
                }

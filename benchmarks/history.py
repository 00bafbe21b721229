"""Keep so many days of sweeps over so many devices in a new registry, and say what they take.

python benchmarks/history.py FOLDER DEVICES DAYS
"""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime, timedelta

from fleet.device import NewDevice
from fleet.registry import Registry
from fleet.registry.readings import store_sweep

SEED = 4


def main(folder: str, devices: int, days: int) -> int:
    """Return by how many bytes the database has grown."""
    draw = random.Random(SEED)  # noqa: S311 - a seed, so that every run stores the same

    def facts() -> dict[str, float]:
        return {
            "battery_percent": draw.randrange(101),
            "disk_free_percent": draw.randrange(101),
            "memory_free_percent": draw.randrange(101),
            "signal_dbm": -draw.randrange(40, 90),
            "load_1m": draw.random() * 4,
            "uptime_s": draw.randrange(5_000_000),
            "clock_offset_s": draw.gauss(0, 2),
            "round_trip_s": draw.random() * 5,
        }

    with Registry.create(f"sqlite:///{folder}/fleet.db") as registry:
        new = [NewDevice(serial=f"S{number}") for number in range(devices)]
        names = registry.add(new, by="benchmark", why="benchmark")
        before = _size_bytes(registry)
        for day in range(days):
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)
            with registry.writing() as connection:
                readings = {name: ("ok", facts()) for name in names}
                store_sweep(connection, readings, at=at, by="benchmark", scope="estate")
        return _size_bytes(registry) - before


def _size_bytes(registry: Registry) -> int:
    with registry.reading() as connection:
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {word}").scalar_one()
            for word in ("page_count", "page_size")
        )
    return int(pages * size)


if __name__ == "__main__":
    print(json.dumps({"bytes": main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))}))

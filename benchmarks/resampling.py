"""An estate of any size, drawn from the shipped register and wing schedule."""

from __future__ import annotations

import csv
from itertools import islice, product
from random import Random
from string import ascii_uppercase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    Row = dict[str, str]

_CAPACITIES = ("baseline_cna", "operational_capacity", "population")
# As far as a prison's figures move in a few years, and far enough that no two copies of a prison
# have the same odd wing.
_JITTER = 0.1


def resample(inputs: Path, *, prisons: int, seed: int, jitter: float = _JITTER) -> None:
    """Replace the register and the wing schedule in a folder by resampled ones of that size.

    Raises
    ------
    ValueError
        When there are to be more prisons than ids of three letters.
    """
    register = _read(inputs / "register.csv")
    wings = _read(inputs / "wings.csv")
    drawn_register, drawn_wings = resampled(
        register, wings, prisons=prisons, seed=seed, jitter=jitter
    )
    _write(inputs / "register.csv", headings=list(register[0]), rows=drawn_register)
    _write(inputs / "wings.csv", headings=list(wings[0]), rows=drawn_wings)


def resampled(
    register: Sequence[Row],
    wings: Sequence[Row],
    *,
    prisons: int,
    seed: int,
    jitter: float = _JITTER,
) -> tuple[list[Row], list[Row]]:
    """Return a register of that many prisons under new ids, and the wing schedule that fits it.

    The whole register is dealt out, shuffled, as often as it takes: a large estate then differs
    from a small one in its size and not by the luck of the draw. Each prison keeps its place,
    its facts and its wings. CNA, operational capacity and population move together by up to
    `jitter`, a share, so that crowding stays as it was. A prison that is counted in another
    follows that one.

    Raises
    ------
    ValueError
        When there are to be more prisons than ids of three letters.
    """
    ids = ["".join(letters) for letters in islice(product(ascii_uppercase, repeat=3), prisons)]
    if len(ids) < prisons:
        raise ValueError(f"there are ids for {len(ids):,} prisons, not for {prisons:,}")
    random = Random(seed)  # noqa: S311 - a draw to repeat, not a secret
    drawn_register: list[Row] = []
    drawn_wings: list[Row] = []
    homes: dict[str, str] = {}
    for prison_id, prison in zip(ids, _dealt(register, random), strict=False):
        homes[prison["prison_id"]] = prison_id  # The latest copy: the one just before it.
        drawn_register.append(
            prison
            | _jittered(prison, random, jitter)
            | {"prison_id": prison_id, "counted_in": homes.get(prison["counted_in"], "")}
        )
        drawn_wings += [
            wing | {"prison_id": prison_id}
            for wing in wings
            if wing["prison_id"] == prison["prison_id"]
        ]
    return drawn_register, drawn_wings


def _dealt(register: Sequence[Row], random: Random) -> Iterator[Row]:
    """Yield shuffled registers without end, each prison followed by those counted in it."""
    homes = [prison for prison in register if not prison["counted_in"]]
    while True:
        for home in random.sample(homes, k=len(homes)):
            yield home
            yield from (p for p in register if p["counted_in"] == home["prison_id"])


def _jittered(prison: Mapping[str, str], random: Random, jitter: float) -> Row:
    factor = random.uniform(1 - jitter, 1 + jitter)
    return {
        name: str(max(1, round(int(prison[name]) * factor))) for name in _CAPACITIES if prison[name]
    }


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _write(path: Path, *, headings: Sequence[str], rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, headings, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

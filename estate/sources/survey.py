"""A survey: the features of a GeoPackage, typed, with every fault that one alone can have."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyogrio
import pyogrio.raw
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from estate.column import UnfitValueError, Value
from estate.errors import Problem
from estate.model import Grade
from estate.sources._survey_shapes import crs_problems, read_shapes
from estate.sources.sheet import SIZE_MB_MAX, refusal
from estate.sources.table import this_day
from estate.tables import SURVEY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from estate.column import Column, Table
    from estate.sources._survey_shapes import Shape

GEOMETRIES = {
    "spaces": "Polygon",
    "walls": "LineString",
    "doors": "Point",
    "spans": "LineString",
    "distributors": "Point",
    "outlets": "Point",
    "access_points": "Point",
    "cables": "LineString",
    "hazards": "Polygon",
    "site": "Polygon",
}
GEOMETRY = "geometry"  # Stands among the columns of a feature that are faulty.

# A survey says something without these; without the others nothing could be designed.
_MAY_BE_ABSENT = frozenset({"access_points", "cables", "hazards", "site"})
_NEAR = 0.75  # Two names at least so alike are taken for one, misspelt.
_SQLITE, _HEADER_BYTES = b"SQLite format 3\0", 100
_WRITE_VERSION, _WAL = 18, 2  # Which byte says that what is new is kept in a file beside it.
_WHOLE = "copy the file again, whole, once it is closed in QGIS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature of a survey: its facts by declared column, its geometry in EPSG:27700 metres.

    `geometry` is None where there is none to go by. `faulty` names the columns in which a
    problem was found: a check of several columns passes over them, so that one fault is
    reported once. Features are equal that say the same, whatever file they came from.
    """

    layer: str
    facts: Mapping[str, Value]
    geometry: Any
    file: str = field(default="", compare=False)
    number: int = field(default=0, compare=False)
    faulty: frozenset[str] = field(default=frozenset(), compare=False)

    @property
    def name(self) -> str:
        """Return the feature's identifier, "" where it has none."""
        return self.text(_IDENTITIES[self.layer])

    @property
    def is_signed(self) -> bool:
        """Return whether somebody says to have measured it, and when."""
        return bool(self.text("surveyed_by") and self.text("surveyed_on"))

    @property
    def grade(self) -> Grade:
        """Return A for a signed feature; an A that nobody signed is an assumption."""
        if self.is_signed:
            return Grade.SURVEYED
        stated = Grade(self.text("grade") or Grade.ASSUMED)
        return Grade.ASSUMED if stated == Grade.SURVEYED else stated

    @property
    def floor(self) -> int:
        """Return the storey, 0 for the ground or where the storey is faulty."""
        return self.integer("floor") or 0

    def text(self, column: str) -> str:
        """Return a text, "" or the column's default where it is blank."""
        return str(self.facts[column] or "")

    def integer(self, column: str) -> int | None:
        """Return a whole number, None where it is blank."""
        value = self.facts[column]
        return value if isinstance(value, int) else None

    def number_of(self, column: str) -> float | None:
        """Return a number, None where it is blank."""
        value = self.facts[column]
        return float(value) if isinstance(value, int | float) else None

    def problem(self, what: str, cure: str) -> Problem:
        """Return a problem of this feature, by its name or else by its number in QGIS."""
        name = self.name or f"fid {self.number}"
        return Problem(self.file, f"layer {self.layer}, {name}", what, cure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The features of a prison or of one wing, by layer; every layer is there."""

    layers: Mapping[str, tuple[Feature, ...]]
    file: str = field(default="", compare=False)

    def features(self) -> Iterator[Feature]:
        """Yield the features of all layers."""
        return chain.from_iterable(self.layers.values())

    def __len__(self) -> int:
        return sum(map(len, self.layers.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyReading:
    """What a file holds, and all that is wrong with its features one by one."""

    survey: Survey
    problems: tuple[Problem, ...]


_IDENTITIES = {table.name: table.columns[0].name for table in SURVEY}


def scan_survey(path: Path, *, today: date | None = None) -> SurveyReading:
    """Return the features of a survey together with the faults found, for who checks more.

    Raises
    ------
    InputError
        When the file cannot be read at all: it is absent, too large, damaged or half-copied, or
        not a GeoPackage.
    """
    _require_whole(path)
    try:
        present = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        scan = _Scan(path, today or this_day())
        layers = {
            table.name: scan.layer(table) if table.name in present else () for table in SURVEY
        }
    except (DataSourceError, DataLayerError, FeatureError) as error:
        raise refusal(path, "it is damaged or half-copied", _WHOLE) from error
    problems = [*_absent(path.name, present), *scan.problems]
    return SurveyReading(survey=Survey(layers=layers, file=path.name), problems=tuple(problems))


def _require_whole(path: Path) -> None:
    """Refuse what is no GeoPackage, or not all of one.

    Raises
    ------
    InputError
        When it is so.
    """
    try:
        size_mb = path.stat().st_size / 1_000_000
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError as error:
        raise refusal(path, "there is no such file", "check the name and the folder") from error
    except OSError as error:
        raise refusal(path, "it cannot be read", "name a file that you may read") from error
    if size_mb > SIZE_MB_MAX:
        what = f"it has {size_mb:,.0f} MB, more than {SIZE_MB_MAX:g}"
        raise refusal(path, what, "keep to the layers of one prison's survey")
    if not header.startswith(_SQLITE):
        raise refusal(path, "it is not a GeoPackage", "begin with wingspan estate survey")
    if path.stat().st_size < _stated_size(header):
        raise refusal(path, "it is damaged or half-copied", _WHOLE)
    if header[_WRITE_VERSION] == _WAL and not path.with_name(f"{path.name}-wal").exists():
        what = "it was copied while it was open, without what was written last (its -wal file)"
        raise refusal(path, what, "close it in QGIS and copy it again")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            (state,) = database.execute("PRAGMA quick_check(1)").fetchone()
            contents = database.execute("SELECT count(*) FROM gpkg_contents").fetchone()
    except sqlite3.Error as error:
        raise refusal(path, "it is damaged or half-copied", _WHOLE) from error
    if state != "ok" or contents == (0,):
        raise refusal(path, "it is damaged or half-copied", _WHOLE)


def _stated_size(header: bytes) -> int:
    """Return the bytes that a database says it has, 0 where it says nothing that can be trusted.

    SQLite itself reads a file that was cut short for as long as it needs no lost page. Offsets
    are those of https://www.sqlite.org/fileformat2.html#the_database_header.
    """
    if len(header) < _HEADER_BYTES:
        return _HEADER_BYTES
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    is_valid = header[24:28] == header[92:96]
    return (65_536 if page == 1 else page) * pages if is_valid else 0


def _absent(file: str, present: Sequence[str]) -> Iterator[Problem]:
    strangers = [name for name in present if name not in GEOMETRIES]
    for table in SURVEY:
        if table.name in present:
            continue
        near = get_close_matches(table.name, strangers, n=1, cutoff=_NEAR)
        if near:
            what, cure = f"there is no layer {near[0]!r}", f"did you mean {table.name}?"
            yield Problem(file, f"layer {near[0]}", what, cure)
        elif table.name not in _MAY_BE_ABSENT:
            what = f"the layer {table.name} is missing"
            yield Problem(file, "", what, "take it from a draft: wingspan estate survey")


class _Scan:
    """One file being read; what is found wrong gathers in `problems`."""

    def __init__(self, path: Path, today: date) -> None:
        self.path = path
        self.today = today
        self.problems: list[Problem] = []

    def layer(self, table: Table) -> tuple[Feature, ...]:
        """Return the features of a layer, in the order of the file."""
        meta, numbers, blobs, fields = pyogrio.raw.read(
            self.path, layer=table.name, return_fids=True, datetime_as_string=True
        )
        present = {str(n): column for n, column in zip(meta["fields"], fields, strict=True)}
        self._check_columns(table, list(present))
        self.problems += crs_problems(self.path.name, table.name, meta["crs"])
        blank = np.full(len(numbers), None, dtype=object)
        columns = [self._parsed(c, present.get(c.name, blank)) for c in table.columns]
        shapes = read_shapes(blobs, kind=GEOMETRIES[table.name], crs=meta["crs"])
        rows = zip(numbers.tolist(), zip(*columns, strict=True), shapes, strict=True)
        features = tuple(self._feature(table, *row, present=present) for row in rows)
        self._check_unique(features)
        return features

    def _parsed(self, column: Column, cells: Iterable[Any]) -> list[Value | UnfitValueError]:
        """Return the value of each cell, or what is wrong with it; each text is read once."""
        known: dict[str, Value | UnfitValueError] = {}
        texts = [_text(cell) for cell in cells]
        for text in dict.fromkeys(texts):
            try:
                known[text] = column.parse(text, today=self.today)
            except UnfitValueError as error:
                known[text] = error
        return [known[text] for text in texts]

    def _feature(
        self,
        table: Table,
        number: int,
        cells: Sequence[Value | UnfitValueError],
        shape: Shape,
        *,
        present: Collection[str],
    ) -> Feature:
        read = dict(zip(table.names, cells, strict=True))
        unfit = {name: cell for name, cell in read.items() if isinstance(cell, UnfitValueError)}
        faulty = {*unfit, *([GEOMETRY] if shape.faults else [])}
        feature = Feature(
            layer=table.name,
            facts={name: None if name in unfit else cell for name, cell in read.items()},  # type: ignore[misc]  # unfit cells are None
            geometry=shape.geometry,
            file=self.path.name,
            number=number,
            faulty=frozenset(faulty),
        )
        # That a column is not there is said once, of the layer.
        self.problems += [feature.problem(e.what, e.cure) for c, e in unfit.items() if c in present]
        self.problems += [feature.problem(what, cure) for what, cure in shape.faults]
        return replace(feature, facts={**feature.facts, "grade": str(feature.grade)})

    def _check_columns(self, table: Table, present: Sequence[str]) -> None:
        strangers = [name for name in present if name not in table.names]
        for column in table.columns:
            if column.name in present:
                continue
            near = get_close_matches(column.name, strangers, n=1, cutoff=_NEAR)
            place = f"layer {table.name}"
            if near:
                what, cure = f"there is no column {near[0]!r}", f"did you mean {column.name}?"
                self.problems.append(Problem(self.path.name, place, what, cure))
            elif column.is_required:
                what, cure = f"the column {column.name} is missing", f"give {column.expected}"
                self.problems.append(Problem(self.path.name, place, what, cure))

    def _check_unique(self, features: Iterable[Feature]) -> None:
        named = [feature for feature in features if feature.name]
        counts = Counter(feature.name for feature in named)
        self.problems += [
            feature.problem(
                f"{counts[feature.name]} features have this name, this one is fid {feature.number}",
                "give each a name of its own",
            )
            for feature in named
            if counts[feature.name] > 1
        ]


def _text(cell: Any) -> str:
    """Return a cell of a layer as the text that its column reads; "" for none at all."""
    if cell is None or cell != cell:  # noqa: PLR0124 - only NaN differs from itself
        return ""
    if isinstance(cell, float | np.floating):
        return repr(float(cell))
    # A day that another program kept as a date with a time still is that day.
    return str(cell).strip().removesuffix("T00:00:00")

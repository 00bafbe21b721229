"""What a report says, before it is a page, a sheet or a layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Scalar = str | int | float | None
Point = tuple[float, float]
Kind = Literal["text", "date", "integer", "number", "exact", "money", "share", "grade"]
"""A "number" is rounded as the largest of its column asks for; an "exact" one stands as it is,
for columns whose rows have units of their own."""
Kind2D = Literal["polygon", "line", "point"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table. `help` is the sentence a reader gets who asks what it means."""

    heading: str
    kind: Kind = "text"
    unit: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; `links` holds a page's slug for each row, or "" for none.

    `filters` are the indices of columns that a reader may filter by value. `footer` is a row
    of totals, shown apart from what sorts.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Scalar, ...], ...]
    caption: str = ""
    note: str = ""
    links: tuple[str, ...] = ()
    filters: tuple[int, ...] = ()
    footer: tuple[Scalar, ...] = ()
    interactive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Paragraphs of plain text."""

    paragraphs: tuple[str, ...]
    tone: Literal["plain", "note", "warning"] = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A label, its value as read by a person, a note, and the grade of the evidence."""

    label: str
    value: str
    note: str = ""
    grade: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts side by side; `headline` ones are set large."""

    facts: tuple[Fact, ...]
    headline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A polygon, line or point of a drawing, in metres, y upwards, with its tooltip.

    `label` is a few letters that stand within a polygon, or beside a line or point, where there
    is room for them. With `beside` they stand next to a polygon that is too small for them.
    """

    kind: Kind2D
    points: tuple[Point, ...]
    style: str
    title: str = ""
    label: str = ""
    beside: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A scale drawing: shapes by named style, a legend of (style, meaning), a scale bar.

    `size` is "small" for what is told at a glance, and `north` is what up is, "" where that is
    not known.
    """

    caption: str
    shapes: tuple[Shape, ...]
    legend: tuple[tuple[str, str], ...]
    watermark: str = ""
    note: str = ""
    size: Literal["full", "small"] = "full"
    north: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row of a range chart: from low to high with a mark at likely.

    `words` stands for the printed numbers where those would mislead, as in another currency.
    """

    label: str
    low: float
    likely: float
    high: float
    style: Literal["ours", "published"] = "ours"
    note: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeChart:
    """Ranges on one common scale that starts at zero."""

    caption: str
    unit: str
    bars: tuple[Bar, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A dot on the map, with the page it opens."""

    at: Point
    label: str
    style: str
    size: float
    title: str
    slug: str = ""
    named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """Dots on an outline; all coordinates in metres of one projected CRS, y upwards."""

    caption: str
    outline: tuple[tuple[Point, ...], ...]
    places: tuple[Place, ...]
    legend: tuple[tuple[str, str], ...]
    attribution: str = ""


Block = Text | Facts | Table | Drawing | RangeChart | Map


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled run of blocks."""

    title: str
    blocks: tuple[Block, ...]
    intro: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a site; `slug` is its file name without ".html", unique in the site.

    Badges are (style, words).
    """

    slug: str
    title: str
    subtitle: str
    sections: tuple[Section, ...]
    badges: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A set of linked pages; the first is the front page and every page bears the marking.

    `menu` are the slugs of the pages that every page links to at its head.
    """

    title: str
    marking: str
    footer: str
    pages: tuple[Page, ...]
    menu: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A worksheet: a few notes above a table that starts in column A.

    `formulas` gives, for a column index, an Excel formula for each row in which `{row}` stands
    for the row's number; its computed value stays in the table as the cached result. `sums`
    lists the columns that are totalled below the table, by SUBTOTAL: a filter totals what it
    shows.
    """

    name: str
    title: str
    table: Table
    notes: tuple[str, ...] = ()
    formulas: Mapping[int, str] | None = None
    sums: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbook:
    """A workbook; every sheet bears the marking."""

    title: str
    marking: str
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStyle:
    """How a layer is drawn: one colour, or one for each value of `attribute`.

    A `size` of 1 is a point of 2.4 mm, a line of 0.5 mm or an outline of 0.2 mm.
    """

    attribute: str = ""
    colours: tuple[tuple[str, str], ...] = ()
    colour: str = "#444444"
    size: float = 1.0
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """How the form of a layer asks for one column.

    `choices` are offered as a list and `day` as a calendar; `default` fills a new feature's.
    """

    name: str
    label: str
    choices: tuple[str, ...] = ()
    default: str = ""
    day: bool = False
    needed: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A map layer: a GeoDataFrame, its style, and a sentence that says what it holds.

    `form` is for who edits the layer. `geometry` is the kind that a layer without features is
    for, such as "LineString"; where there are features it is theirs.
    """

    name: str
    title: str
    frame: Any
    style: LayerStyle
    description: str = ""
    form: tuple[Field, ...] = ()
    geometry: str = "Polygon"

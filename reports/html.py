"""A site of linked pages, each one file that opens anywhere and asks the network for nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from math import isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reports.document import Map, Table
from reports.figures import drawing_svg, legend_swatches, map_svg, range_chart_svg
from reports.files import folder_written_aside

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jinja2 import Template

    from reports.document import Block, Column, Page, Scalar, Site

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_FRONT_PAGE = "index.html"
_MISSING = "–"
_MINUS = "\N{MINUS SIGN}"  # As wide as a plus, and never the end of a line.
_GRADES = {"A": "surveyed", "B": "certified register", "C": "wing schedule", "D": "assumed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """A printed cell; `sort_key` is the number behind the text, if the text is not enough."""

    text: str
    sort_key: str = ""
    href: str = ""
    is_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _TableView:
    """A table ready to print; `options` holds the values that each filter offers."""

    rows: tuple[tuple[_Cell, ...], ...]
    footer: tuple[_Cell, ...]
    options: Mapping[int, tuple[str, ...]]


def write_site(site: Site, folder: Path) -> tuple[Path, ...]:
    """Write a site, one self-contained file for each page, and return the files in page order.

    The first page is index.html, every other one its slug and ".html". The folder is replaced
    as a whole once every page is written.

    Raises
    ------
    ValueError
        When slugs are not unique, cannot name a file, or are linked to and have no page; the
        message names each of them.
    FileExistsError
        When the folder holds something that is not a page, which replacing it would delete.
    OSError
        When the folder cannot be written.
    """
    files = _file_names(site)
    _check_links(site)
    _check_only_pages(folder)
    template = _template()
    menu = [page for slug in site.menu for page in site.pages if page.slug == slug]
    with folder_written_aside(folder) as aside:
        for page in site.pages:
            html = template.render(site=site, page=page, files=files, front=_FRONT_PAGE, menu=menu)
            (aside / files[page.slug]).write_text(html, encoding="utf-8", newline="\n")
    return tuple(folder / files[page.slug] for page in site.pages)


def _file_names(site: Site) -> dict[str, str]:
    # Compared in lower case: some file systems hold that Leeds.html and leeds.html are one.
    slugs = [page.slug for page in site.pages]
    counts = Counter(slug.lower() for slug in slugs)
    counts["index"] += 1 if slugs[0].lower() != "index" else 0
    wrong = [slug for slug in slugs if counts[slug.lower()] > 1 or not _SLUG.fullmatch(slug)]
    if wrong:
        raise ValueError(f"slugs that are not unique, or cannot name a file: {wrong}")
    return {slug: f"{slug}.html" for slug in slugs} | {slugs[0]: _FRONT_PAGE}


def _check_links(site: Site) -> None:
    slugs = {page.slug for page in site.pages}
    dangling = [
        f"{page.slug} links to {slug}"
        for page in site.pages
        for slug in _linked_slugs(page)
        if slug not in slugs
    ]
    dangling += [f"the menu links to {slug}" for slug in site.menu if slug not in slugs]
    if dangling:
        raise ValueError(f"links to pages that the site does not have: {'; '.join(dangling)}")


def _linked_slugs(page: Page) -> Iterator[str]:
    for section in page.sections:
        for block in section.blocks:
            if isinstance(block, Table):
                yield from filter(None, block.links)
            elif isinstance(block, Map):
                yield from filter(None, (place.slug for place in block.places))


def _check_only_pages(folder: Path) -> None:
    strangers = sorted(path.name for path in _children(folder) if path.suffix != ".html")
    if strangers:
        raise FileExistsError(f"{folder} is not a site of ours: it holds {strangers[0]}")


def _children(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


@cache  # Compiled once, however many sites are written.
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
    script = (_TEMPLATES / "page.js").read_text(encoding="utf-8")
    environment.globals |= {
        "style": style,
        "script": script,
        # The page may run this style and this script, and fetch or run nothing else.
        "policy": "; ".join(
            (
                "default-src 'none'",
                "img-src data:",
                f"style-src {_source_hash(style)}",
                f"script-src {_source_hash(script)}",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
        "grades": _GRADES,
    }
    environment.filters |= {
        "kind": _kind,
        "view": _view,
        "drawing_svg": drawing_svg,
        "map_svg": map_svg,
        "range_chart_svg": range_chart_svg,
        "legend": legend_swatches,
    }
    return environment.get_template("page.html")


def _source_hash(text: str) -> str:
    """Return how a Content-Security-Policy names an inline source: by its hash."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _kind(block: Block) -> str:
    return type(block).__name__


def _view(table: Table, files: Mapping[str, str]) -> _TableView:
    """Return the table with every cell printed and linked."""
    decimals = [
        _decimals(column, [row[index] for row in table.rows])
        for index, column in enumerate(table.columns)
    ]
    link_column = next((i for i, c in enumerate(table.columns) if c.kind == "text"), 0)
    rows = []
    for row, slug in zip(table.rows, table.links or ("",) * len(table.rows), strict=True):
        href = files[slug] if slug else ""
        rows.append(
            tuple(
                _cell(value, column, places, href=href if index == link_column else "")
                for index, (value, column, places) in enumerate(
                    zip(row, table.columns, decimals, strict=True)
                )
            )
        )
    footer = zip(table.footer, table.columns, decimals, strict=bool(table.footer))
    return _TableView(
        rows=tuple(rows),
        # A blank total is one that has no meaning; a dash would say that it is not known.
        footer=tuple(
            _Cell(text="") if value == "" else _cell(value, column, places)
            for value, column, places in footer
        ),
        options={index: _options(rows, index) for index in table.filters},
    )


def _options(rows: Sequence[Sequence[_Cell]], index: int) -> tuple[str, ...]:
    return tuple(sorted({row[index].text for row in rows}))


def _decimals(column: Column, values: Sequence[Scalar]) -> int:
    """Return how many decimals tell a column's numbers apart: fewer for large numbers."""
    if column.kind not in {"number", "share"}:
        return 0
    scale = 100 if column.kind == "share" else 1
    numbers = [abs(value) * scale for value in values if _is_number(value)]
    largest = max(numbers, default=0)
    most = sum(largest < bound for bound in (1000, 10, 1))
    if column.kind == "share":
        most = min(most, 1)
    exact = [round(number, most) for number in numbers]
    return next(n for n in range(most + 1) if [round(number, n) for number in numbers] == exact)


def _is_number(value: Scalar) -> TypeGuard[float]:
    return isinstance(value, int | float) and isfinite(value)


def _cell(value: Scalar, column: Column, decimals: int, *, href: str = "") -> _Cell:
    if value in (None, "") or (isinstance(value, float) and isnan(value)):
        return _Cell(text=_MISSING, is_missing=True, href=href)
    if not _is_number(value) or column.kind in {"text", "grade"}:
        return _Cell(text=str(value), href=href)
    return _Cell(text=_printed(value, column.kind, decimals), sort_key=repr(value), href=href)


def _printed(value: float, kind: str, decimals: int) -> str:
    """Return a number as a person reads it, with a true minus sign."""
    sign = _MINUS if value < 0 else ""
    match kind:
        case "money":
            return f"{sign}£{abs(value):,.0f}"
        case "share":
            return f"{sign}{abs(value):.{decimals}%}"
        case "exact":
            return f"{sign}{abs(value):,.10g}"
        case _:
            return f"{sign}{abs(value):,.{decimals}f}"

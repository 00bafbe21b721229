"""Pages are read back as a browser reads them, and some are opened in one."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.document import (
    Bar,
    Column,
    Fact,
    Facts,
    Map,
    Page,
    Place,
    RangeChart,
    Section,
    Site,
    Table,
    Text,
)
from reports.html import write_site

STYLE = Path(__file__).parents[2] / "reports" / "templates" / "page.css"
MARKING = "OFFICIAL – handle locally"


class Parsed(HTMLParser):
    """What a page says: its tags, links and ids, and the cells of each table row in sight."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.links, self.ids, self.rows = [], [], [], []
        self._is_in_body = self._is_in_cell = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        self.ids.append(attributes.get("id"))
        self.links += [attributes[name] for name in ("href", "src") if name in attributes]
        if tag in {"tbody", "tfoot"}:
            self._is_in_body = tag == "tbody"
        if tag == "tr" and self._is_in_body:
            self._row = []
            self.rows += [] if "hidden" in attributes else [self._row]
        if tag == "td" and self._is_in_body:
            self._row.append("")
            self._is_in_cell = True

    def handle_endtag(self, tag):
        self._is_in_cell = self._is_in_cell and tag != "td"

    def handle_data(self, data):
        if self._is_in_cell:
            self._row[-1] += data


def parsed(path):
    return Parsed(path.read_text(encoding="utf-8"))


def page_of(*blocks, slug="front"):
    return Page(
        slug=slug,
        title="A page",
        subtitle="",
        sections=(Section(title="A section", blocks=blocks),),
    )


def site_of(*pages):
    return Site(title="A site", marking=MARKING, footer="Plan 0", pages=pages)


def table_of(*values, kind="text", **options):
    rows = tuple((value,) for value in values)
    return Table(columns=(Column(heading="Value", kind=kind),), rows=rows, **options)


def printed(folder, table):
    (front,) = write_site(site_of(page_of(table)), folder / "site")
    return [cell for (cell,) in parsed(front).rows]


@pytest.fixture(scope="module")
def pages(sample_site, tmp_path_factory):
    return write_site(sample_site(127), tmp_path_factory.mktemp("sample") / "site")


# Pages


def test_every_page_is_written_under_its_slug_and_the_first_is_the_index(pages):
    assert len(pages) == 128
    assert [path.name for path in pages[:3]] == ["index.html", "P0.html", "P1.html"]
    assert all(path.is_file() for path in pages)


def test_every_page_bears_the_marking_at_its_top_and_bottom(pages):
    assert {path.read_text(encoding="utf-8").count(f">{MARKING}<") for path in pages} == {2}


def test_no_page_names_anything_on_the_network(pages):
    for path in pages:
        html = unescape(path.read_text(encoding="utf-8"))
        assert not re.search(r"https?:|url\(|@import", html)
        assert "default-src 'none'" in html
        assert "unsafe" not in html


def test_every_link_leads_to_a_page_or_to_a_place_on_the_same_page(pages):
    names = {path.name for path in pages}
    for path in pages:
        page = parsed(path)
        here = {f"#{name}" for name in page.ids}
        assert {link for link in page.links if link != "data:,"} <= names | here


def test_every_prison_is_linked_from_the_map_and_from_the_table(pages):
    links = parsed(pages[0]).links

    assert {links.count(f"P{number}.html") for number in range(127)} == {2}


def test_a_page_has_one_first_heading_and_its_language(pages):
    assert parsed(pages[5]).tags.count("h1") == 1
    assert '<html lang="en-GB">' in pages[5].read_text(encoding="utf-8")


def test_the_same_site_gives_the_same_bytes(sample_site, tmp_path):
    first = write_site(sample_site(3), tmp_path / "first")
    second = write_site(sample_site(3), tmp_path / "second")

    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_a_page_of_more_than_two_sections_lists_its_contents(tmp_path):
    section = page_of(table_of("a")).sections[0]
    short = replace(page_of(slug="short"), sections=(section,) * 2)
    long = replace(page_of(slug="long"), sections=(section,) * 3)

    short_html, long_html = write_site(site_of(short, long), tmp_path / "site")

    assert "#section-3" in parsed(long_html).links
    assert "#section-1" not in parsed(short_html).links


# What is refused


def test_a_link_to_no_page_is_refused_by_name_and_nothing_is_written(tmp_path):
    table = table_of("Leeds", "Hull", links=("LEI", "front"))

    with pytest.raises(ValueError, match="front links to LEI"):
        write_site(site_of(page_of(table)), tmp_path / "site")

    assert list(tmp_path.iterdir()) == []


def test_a_dot_that_links_to_no_page_is_refused(tmp_path):
    place = Place(at=(0, 0), label="Hull", style="devices", size=1, title="Hull", slug="HLI")
    chart = Map(caption="Map", outline=(), places=(place,), legend=())

    with pytest.raises(ValueError, match="HLI"):
        write_site(site_of(page_of(chart)), tmp_path / "site")


@pytest.mark.parametrize("slug", ["../escape", "", "a b", "LEI", "lei", "index"])
def test_a_slug_that_cannot_be_a_file_of_its_own_is_refused(tmp_path, slug):
    site = site_of(page_of(), page_of(slug="LEI"), page_of(slug=slug))

    with pytest.raises(ValueError, match="slugs"):
        write_site(site, tmp_path / "site")


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.odt").write_text("years of work", encoding="utf-8")

    with pytest.raises(FileExistsError, match=r"thesis\.odt"):
        write_site(site_of(page_of()), tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.odt"]


def test_an_older_site_is_replaced_with_all_its_pages(tmp_path):
    write_site(site_of(page_of(), page_of(slug="old")), tmp_path / "site")
    write_site(site_of(page_of(), page_of(slug="new")), tmp_path / "site")

    assert sorted(p.name for p in (tmp_path / "site").iterdir()) == ["index.html", "new.html"]


# Text


def test_markup_in_any_text_is_shown_and_not_obeyed(wing_drawing, tmp_path):
    evil = '<b>"&amp;'
    table = replace(
        table_of(evil, interactive=True, caption=evil, note=evil, filters=(0,)),
        columns=(Column(heading=evil, unit=evil, help=evil),),
        footer=(evil,),
    )
    place = Place(at=(0, 0), label=evil, style=evil, size=1, title=evil, named=True)
    blocks = (
        table,
        Text(paragraphs=(evil,)),
        Facts(facts=(Fact(label=evil, value=evil, note=evil, grade=evil),)),
        Map(caption=evil, outline=(), places=(place,), legend=((evil, evil),), attribution=evil),
        replace(wing_drawing, caption=evil, watermark=evil, note=evil, legend=((evil, evil),)),
        RangeChart(caption=evil, unit=evil, bars=(Bar(label=evil, low=1, likely=2, high=3),)),
    )
    page = replace(page_of(*blocks), title=evil, subtitle=evil, badges=((evil, evil),))

    (path,) = write_site(
        Site(title=evil, marking=evil, footer=evil, pages=(page,)), tmp_path / "site"
    )

    assert "b" not in parsed(path).tags
    assert [row for row in parsed(path).rows if row] == [[evil]]


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1))
def test_any_text_reads_as_it_was_written(text):
    with TemporaryDirectory() as folder:
        assert printed(Path(folder), table_of(text)) == [text]


# Cells


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("money", (1234567.5, -1200, 0, None), ["£1,234,568", "\N{MINUS SIGN}£1,200", "£0", "–"]),
        ("integer", (84073, -3), ["84,073", "\N{MINUS SIGN}3"]),
        ("share", (0.453, 1.0), ["45.3%", "100.0%"]),
        ("share", (0.25, 0.5), ["25%", "50%"]),
        ("number", (0.91, 0.904), ["0.910", "0.904"]),
        ("number", (12.5, 3), ["12.5", "3.0"]),
        ("number", (1500.25, 2), ["1,500", "2"]),
        ("exact", (1500.25, 0.002, 2.0), ["1,500.25", "0.002", "2"]),
        ("number", (float("nan"), 7), ["–", "7"]),
        ("grade", ("B", None), ["B", "–"]),
        ("text", (1847, ""), ["1847", "–"]),
    ],
)
def test_a_cell_is_printed_as_its_column_says(tmp_path, kind, values, expected):
    assert printed(tmp_path, table_of(*values, kind=kind)) == expected


def test_a_grade_carries_its_meaning(tmp_path):
    write_site(site_of(page_of(table_of("D", kind="grade"))), tmp_path / "site")

    assert 'title="Grade D: assumed"' in (tmp_path / "site/index.html").read_text("utf-8")


def test_the_link_of_a_row_stands_on_its_first_text(tmp_path):
    columns = (Column(heading="Rank", kind="integer"), Column(heading="Prison"))
    table = Table(columns=columns, rows=((1, "Leeds"),), links=("LEI",))

    front, _ = write_site(site_of(page_of(table), page_of(slug="LEI")), tmp_path / "site")

    assert '<a href="LEI.html">Leeds</a>' in front.read_text(encoding="utf-8")


@pytest.mark.parametrize(("rows", "is_folded"), [(40, False), (41, True)])
def test_a_table_of_more_than_forty_rows_is_folded(tmp_path, rows, is_folded):
    (front,) = write_site(site_of(page_of(table_of(*range(rows)))), tmp_path / "site")

    assert ("details" in parsed(front).tags) == is_folded


# Colours


def test_words_on_a_coloured_ground_meet_the_contrast_of_wcag_aa():
    rules = re.findall(r"([^{}\n]+)\{([^{}]+)\}", STYLE.read_text(encoding="utf-8"))
    pairs = {
        selector.strip(): (ground[1], ink[1])
        for selector, body in rules
        if (ground := re.search(r"(?:background|--fill): (#\w+)", body))
        and (ink := re.search(r"(?:[ {]color|--on): (#\w+)", body))
    }

    assert {".style-devices", ".style-telephony", ".style-unknown", ".chip-C"} <= set(pairs)
    assert {name for name, pair in pairs.items() if contrast(*pair) < 4.5} == set()


def contrast(one, other):
    """Return the ratio of relative luminances, as WCAG 2.2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# In a real browser


@pytest.fixture
def in_browser(tmp_path):
    """Return a function that opens a page in headless Chromium and returns what it became."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    assert chromium, "Chromium is missing: `make test` installs it, or apt install chromium"
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile")

    def opened(path, state=""):
        address = f"{path.as_uri()}#{state}"
        command = [chromium, *quiet, "--dump-dom", address]
        run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
        return run.stdout

    return opened


def ranking_in_sight(html):
    return [row for row in Parsed(html).rows if len(row) == 8]


def test_a_table_reads_in_its_given_order_without_script(pages):
    ranks = [row[0] for row in ranking_in_sight(pages[0].read_text(encoding="utf-8"))]

    assert ranks == [str(number + 1) for number in range(127)]


@pytest.mark.parametrize(
    ("state", "column", "expected"),
    [
        ("t1.sort=2", 1, (["Ashbridge 42", "Ashbridge 105"], "Greenworth 104")),
        ("t1.sort=5", 4, (["£100,000", "£101,000"], "–")),
        ("t1.sort=-5", 4, (["£226,000", "£225,000"], "–")),
        ("t1.sort=99", 0, (["1", "2"], "127")),
    ],
)
def test_a_table_sorts_by_value_and_keeps_the_unknown_last(
    pages, in_browser, state, column, expected
):
    cells = [row[column] for row in ranking_in_sight(in_browser(pages[0], state))]

    assert (cells[:2], cells[-1]) == expected
    assert len(cells) == 127


def test_filters_and_search_leave_the_rows_that_meet_all_and_count_them(pages, in_browser):
    html = in_browser(pages[0], "t1.f3=cabling&t1.f8=B&t1.q=ELMFORD")

    # Every 63rd prison is an Elmford, from 18: 18 and 81. Of these only 81 has a grade B.
    assert [row[1] for row in ranking_in_sight(html)] == ["Elmford 81"]
    assert "Showing 1 of 127; totals are of all 127" in html


def test_headings_are_buttons_that_sort_up_then_down_and_tell_the_address(
    pages, in_browser, tmp_path
):
    # Only a page without its policy would run a script that is not its own.
    press = "<script>const b = document.querySelector('th:nth-child(4) button'); b.click();"
    tell = "b.click(); document.title = location.hash;</script>"
    html = pages[0].read_text(encoding="utf-8").replace("Content-Security-Policy", "x-none")
    pressed = tmp_path / "pressed.html"
    pressed.write_text(html.replace("</body>", f"{press}{tell}</body>"), encoding="utf-8")

    html = in_browser(pressed)

    assert "<title>#t1.sort=-4</title>" in html
    assert html.count('<th scope="col" class="integer" aria-sort="descending">') == 1
    assert [row[3] for row in ranking_in_sight(html)][:2] == ["552", "550"]


def test_a_script_that_is_not_the_pages_own_is_not_run(pages, in_browser, tmp_path):
    strange = tmp_path / "strange.html"
    script = "<script>document.title = 'taken over';</script></body>"
    html = pages[0].read_text(encoding="utf-8").replace("</body>", script)
    strange.write_text(html, encoding="utf-8")

    assert "<title>taken over</title>" not in in_browser(strange)


def test_every_page_links_to_the_pages_of_the_menu(sample_site, tmp_path):
    site = replace(sample_site(3), menu=(sample_site(3).pages[1].slug,))

    for path in write_site(site, tmp_path / "site"):
        menu = path.read_text(encoding="utf-8").partition('<nav class="menu"')[2]
        assert f'href="{site.menu[0]}.html"' in menu.partition("</nav>")[0]


def test_a_menu_never_leads_nowhere(sample_site, tmp_path):
    site = replace(sample_site(3), menu=("nowhere",))

    with pytest.raises(ValueError, match="the menu links to nowhere"):
        write_site(site, tmp_path / "site")

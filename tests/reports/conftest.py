"""A site of invented prisons, as large and as varied as those that the estate half writes."""

from __future__ import annotations

import pytest

from reports.document import (
    Bar,
    Column,
    Drawing,
    Fact,
    Facts,
    Map,
    Page,
    Place,
    RangeChart,
    Section,
    Shape,
    Site,
    Table,
    Text,
)

MARKING = "OFFICIAL – handle locally"
CLASSES = ("devices", "cabling", "telephony", "nothing", "unknown")
LEGEND = tuple((style, f"{style.capitalize()} in cells") for style in CLASSES)


def wing():
    """Two rows of ten cells, 2.4 m wide and 3.6 m deep, along a landing 3 m wide."""
    shapes = [box((0, 3.6), (24, 6.6), style="landing", title="Landing 1")]
    for number in range(10):
        west = 2.4 * number
        shapes += [
            box((west, 0), (west + 2.4, 3.6), style="cell", title=f"1-{number + 1:03}"),
            box((west, 6.6), (west + 2.4, 10.2), style="cell", title=f"1-{number + 11:03}"),
            line((west + 1.2, 3.9), (west + 1.2, 0.6), style="drop"),
            line((west + 1.2, 6.3), (west + 1.2, 9.6), style="drop"),
            Shape(kind="point", points=((west + 1.2, 0.6),), style="outlet", title="Outlet"),
            Shape(kind="point", points=((west + 1.2, 9.6),), style="outlet", title="Outlet"),
            Shape(kind="point", points=((west + 0.7, 3.6),), style="door"),
            Shape(kind="point", points=((west + 0.7, 6.6),), style="door"),
            line((west, 0), (west, 3.6), style="wall"),
            line((west, 6.6), (west, 10.2), style="wall"),
        ]
    shapes += [
        box((24, 0), (28, 3.6), style="comms_room", title="Comms room"),
        line((0, 0), (28, 0), (28, 3.6), (0, 3.6), (0, 0), style="wall"),
        line((0, 6.6), (24, 6.6), (24, 10.2), (0, 10.2), (0, 6.6), style="wall"),
        line((0.5, 3.9), (24.5, 3.9), (25, 2), style="tray", title="Tray, new, 26 m"),
        line((0.5, 6.3), (24, 6.3), (24.5, 3.9), style="tray"),
        line((26, 2), (27.5, 2), style="duct"),
        line((25, 2), (25, 0.4), style="riser"),
        Shape(kind="point", points=((25, 2),), style="distributor", title="FD-1"),
        Shape(kind="point", points=((12, 5.1),), style="access_point", title="AP-1"),
    ]
    return Drawing(
        caption="Landing 1: 20 cells",
        shapes=tuple(shapes),
        legend=tuple((s.style, s.style.replace("_", " ").capitalize()) for s in unique(shapes)),
        watermark="typical, not this prison",
        note="Dimensions are assumed from the typology of the wing.",
    )


def box(south_west, north_east, *, style, title=""):
    (west, south), (east, north) = south_west, north_east
    corners = ((west, south), (east, south), (east, north), (west, north))
    return Shape(kind="polygon", points=corners, style=style, title=title)


def line(*points, style, title=""):
    return Shape(kind="line", points=points, style=style, title=title)


def unique(shapes):
    return {shape.style: shape for shape in shapes}.values()


def prison_name(number):
    first = ("Ash", "Birch", "Copper", "Dun", "Elm", "Fal", "Green")[number % 7]
    last = ("ford", "ham", "leigh", "moor", "stone", "worth", "bridge", "mere", "cliffe")
    return f"{first}{last[number % 9]} {number}"


def site_of_prisons(count):
    """Return a front page with the map and the ranking, and a page for each prison.

    Of 127 prisons one has 300 cells, one 302 and so on to 552; one costs £100,000, one £101,000
    and so on to £226,000.
    """
    numbers = range(count)
    front = Page(
        slug="overview",
        title="In-cell connectivity for England and Wales",
        subtitle="A ranked and priced plan for every prison, from public facts.",
        sections=(
            Section(title="The plan in short", blocks=(headline(),)),
            Section(title="Where they stand", blocks=(estate_map(numbers),)),
            Section(title="The order", intro="Most benefit first.", blocks=(ranking(numbers),)),
            Section(title="What rests on what", blocks=(caution(), chart(), register())),
        ),
    )
    return Site(
        title="Wingspan plan",
        marking=MARKING,
        footer="Plan 0123456789ab, prices of 2026",
        pages=(front, *map(prison_page, numbers)),
    )


def headline():
    return Facts(
        headline=True,
        facts=(
            Fact(label="Establishments", value="127", note="126 active and Millsike"),
            Fact(label="Cells", value="62,412", note="59,000 to 66,000", grade="D"),
            Fact(label="Capital", value="£98.4m", note="£71m to £142m", grade="C"),
            Fact(label="Cost per cell", value="£1,577", note="£1,140 to £2,270", grade="C"),
        ),
    )


def estate_map(numbers):
    places = tuple(
        Place(
            at=(200_000 + 7_919 * n % 420_000, 60_000 + 5_003 * n % 480_000),
            label=prison_name(n),
            style=CLASSES[n % 5],
            size=100 + 37 * n % 1500,
            title=f"{prison_name(n)}: {CLASSES[n % 5]}",
            slug=f"P{n}",
            named=n % 10 == 0,
        )
        for n in numbers
    )
    ring = ((150e3, 20e3), (640e3, 20e3), (660e3, 300e3), (430e3, 650e3), (150e3, 20e3))
    return Map(
        caption="Every prison, by what already reaches its cells",
        outline=(ring,),
        places=places,
        legend=LEGEND,
        attribution="Coast: Natural Earth, public domain.",
    )


def ranking(numbers):
    return Table(
        caption="Every prison, ranked",
        columns=(
            Column(heading="Rank", kind="integer"),
            Column(heading="Prison", help="The name in the register."),
            Column(heading="Readiness", help="What already reaches the cells."),
            Column(heading="Cells", kind="integer"),
            Column(heading="Capital", kind="money", help="Likely capital cost."),
            Column(heading="Crowding", kind="share", help="Population over baseline CNA."),
            Column(heading="Score", kind="number"),
            Column(heading="Grade", kind="grade", help="How good the weakest fact is."),
        ),
        rows=tuple(
            (
                n + 1,
                prison_name(n),
                CLASSES[n % 5],
                300 + 2 * (31 * n % 127),
                None if n == 3 else 100_000 + 1_000 * (50 * n % 127),
                0.8 + 0.013 * (n % 41),
                0.91 - 0.006 * n,
                "ABCD"[n % 4],
            )
            for n in numbers
        ),
        links=tuple(f"P{n}" for n in numbers),
        filters=(2, 7),
        footer=("", "England and Wales", "", 62_412, 98_400_000, None, None, ""),
        interactive=True,
        note="Prisons that cannot be sized are listed without a price.",
    )


def caution():
    return Text(
        paragraphs=("No prison has been surveyed: layouts come from typologies.",), tone="warning"
    )


def chart():
    return RangeChart(
        caption="In-cell cost per cell beside what others have paid",
        unit="£ per cell",
        bars=(
            Bar(label="This plan", low=1140, likely=1577, high=2270, note="In-cell lines only."),
            Bar(label="Scotland", low=1125, likely=1153, high=1181, style="published"),
            Bar(label="Ireland", low=1408, likely=1408, high=1408, style="published"),
        ),
    )


def register():
    columns = (Column(heading="Assumption"), Column(heading="Value", kind="number", unit="m"))
    rows = tuple((f"Assumption {n}", n / 4) for n in range(60))
    return Table(caption="Assumptions", columns=columns, rows=rows)


def prison_page(number):
    terms = (("Population served", 0.31, "B"), ("Crowding", 0.12, "C"), ("Paper forms", None, "D"))
    columns = (
        Column(heading="Term"),
        Column(heading="Contribution", kind="number"),
        Column(heading="Grade", kind="grade"),
    )
    return Page(
        slug=f"P{number}",
        title=prison_name(number),
        subtitle="Category C, opened 1966",
        badges=((CLASSES[number % 5], LEGEND[number % 5][1]), ("plain", f"Rank {number + 1}")),
        sections=(
            Section(title="Why it stands here", blocks=(Table(columns=columns, rows=terms),)),
            Section(title="Wings", blocks=(wing(),)),
            Section(
                title="Evidence",
                blocks=(
                    Facts(facts=(Fact(label="Cells", value="420", note="Bulletin", grade="B"),)),
                    Text(paragraphs=("Capacity is as of 2016.",), tone="note"),
                ),
            ),
        ),
    )


@pytest.fixture(scope="session")
def sample_site():
    """Return a function that makes a site of so many prisons."""
    return site_of_prisons


@pytest.fixture(scope="session")
def wing_drawing():
    """Return the drawing that the page of each prison shows."""
    return wing()

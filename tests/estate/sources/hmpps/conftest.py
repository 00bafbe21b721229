"""Exports as the locations service writes them, and a workspace that takes them."""

import json
from datetime import date
from pathlib import Path

import pytest

from estate.sources.hmpps import import_hmpps
from estate.sources.register import read_register
from estate.sources.wings import read_wings

TODAY = date(2026, 11, 23)
PLACES = {"certifiedNormalAccommodation": 1, "workingCapacity": 1, "maxCapacity": 2}


class Shape:
    """One shape of tree: what its locations call their code, their path and what is in them.

    Locations that stand in another are functions, which take its path.
    """

    def __init__(self, code, path, inside):
        self.code, self.path, self.inside = code, path, inside

    def location(self, code, kind, *inside, parent="", **facts):
        """Return a location and all that is in it."""
        path = f"{parent}-{code}" if parent else code
        own = {self.code: code, self.path: path, "locationType": kind, "level": path.count("-") + 1}
        below = {self.inside: [make(path) for make in inside]} if inside else {}
        return own | below | facts

    def wing(self, code, *inside, **facts):
        """Return a wing."""
        return self.location(code, "WING", *inside, **facts)

    def level(self, kind, code, *inside, **facts):
        """Return what stands in another location."""
        return lambda parent: self.location(code, kind, *inside, parent=parent, **facts)

    def cells(self, codes, **facts):
        """Return cells of equal facts."""
        return [self.level("CELL", code, **facts) for code in codes]

    def landing(self, code, count, **facts):
        """Return a landing with so many cells of equal facts, 001 and on."""
        codes = [f"{number:03d}" for number in range(1, count + 1)]
        return self.level("LANDING", code, *self.cells(codes, **facts))


@pytest.fixture
def certified():
    """Return the shape of a cell certificate."""
    return Shape("locationCode", "pathHierarchy", "subLocations")


@pytest.fixture
def hierarchy():
    """Return the shape of a residential hierarchy."""
    return Shape("locationCode", "fullLocationPath", "subLocations")


@pytest.fixture
def tree():
    """Return the shape of a tree of locations."""
    return Shape("code", "pathHierarchy", "childLocations")


@pytest.fixture
def people():
    """Return the names of people that the exports hold."""
    return ("JBLOGGS_GEN", "Joan Bloggs", "ASMITH_ADM")


@pytest.fixture
def certificate(people):
    """Return a function that returns a certificate of some wings."""

    def make(*wings, prison_id="LEI", approved="2026-07-01T12:00:00", **facts):
        return {
            "prisonId": prison_id,
            "approvedBy": people[0],
            "approvedDate": approved,
            "approvedRequest": {"requestedBy": people[1]},
            "current": True,
            "locations": list(wings),
            **facts,
        }

    return make


@pytest.fixture
def located(people):
    """Return a function that names the prison, and a person, in each location of a tree."""

    def name(location, prison_id="LEI"):
        below = [name(child, prison_id) for child in location.get("childLocations", [])]
        named = {
            "prisonId": prison_id,
            "key": f"{prison_id}-{location['pathHierarchy']}",
            "lastModifiedBy": people[2],
            "comments": people[1],
        }
        return location | named | ({"childLocations": below} if below else {})

    return name


@pytest.fixture
def certified_wing(certified):
    """Return A Wing of a certificate: 3 cells of at most 2 on landing 1, 2 on landing 2."""
    landings = [certified.landing("1", 3, **PLACES), certified.landing("2", 2, **PLACES)]
    return certified.wing("A", *landings, localName="A Wing")


class Workspace:
    """The two files that an import changes, and a folder for exports."""

    def __init__(self, folder, register, wings):
        self.folder, self.register, self.wings = folder, register, wings

    def export(self, content, name="export.json"):
        """Write a file."""
        path = self.folder / name
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    def take(self, *contents, **options):
        """Import some contents, each a file or what one is to hold, and return the prisons."""
        paths = [
            content if isinstance(content, Path) else self.export(content, f"export-{number}.json")
            for number, content in enumerate(contents, start=1)
        ]
        return import_hmpps(paths, wings=self.wings, register=self.register, today=TODAY, **options)

    def files(self):
        """Return what the two files hold."""
        return self.wings.read_bytes(), self.register.read_bytes()

    def rows(self, prison_id="LEI"):
        """Return the wings of a prison by code."""
        known = [prison.prison_id for prison in read_register(self.register, today=TODAY)]
        records = read_wings(self.wings, known=known, today=TODAY)
        return {record.wing: record for record in records if record.prison_id == prison_id}

    def entry(self, prison_id="LEI"):
        """Return a prison of the register."""
        prisons = read_register(self.register, today=TODAY)
        return next(prison for prison in prisons if prison.prison_id == prison_id)


@pytest.fixture
def workspace(tmp_path, write_register, write_wings):
    """Return a workspace of six prisons; Leeds has wings A and B, the latter with its cabling."""
    register = write_register(
        {},
        {"prison_id": "EYI", "name": "Elmley"},
        {"prison_id": "HEI", "name": "Hewell"},
        {"prison_id": "FMI", "name": "Feltham B"},
        {"prison_id": "FYI", "name": "Feltham A", "counted_in": "FMI"},
        {"prison_id": "X-MILLSIKE", "name": "Millsike"},
    )
    wings = write_wings({"wing": "A"}, {"wing": "B", "cabling": "cat5e", "source": "site walk"})
    exports = tmp_path / "exports"
    exports.mkdir()
    return Workspace(exports, register, wings)


@pytest.fixture
def refused(workspace, faults):
    """Return a function that returns the faults of an import, which has changed nothing."""

    def collect(*contents, **options):
        before = workspace.files()
        found = faults(workspace.take, *contents, **options)
        assert workspace.files() == before
        return found

    return collect

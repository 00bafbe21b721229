from dataclasses import replace

import pytest

from estate.model import Evidence, Grade
from estate.readiness import LABELS, Rung, readiness_of, what_the_register_shows

NAMES = ("devices", "data_cabling", "telephony")


def evidence(value, name):
    said = value != "unknown"
    return Evidence(
        value=value, source=f"source of {name}" if said else "", dated="2024-01-24" if said else ""
    )


@pytest.fixture
def prison(leeds):
    """Return a function that returns a prison with evidence; what is left out is unknown."""

    def build(**said):
        return replace(leeds, **{n: evidence(said.get(n, "unknown"), n) for n in NAMES})

    return build


@pytest.mark.parametrize("above", ["no", "unknown"])
@pytest.mark.parametrize("rung", NAMES)
def test_the_highest_rung_that_a_source_supports_counts(prison, rung, above):
    place = NAMES.index(rung)
    higher, lower = dict.fromkeys(NAMES[:place], above), dict.fromkeys(NAMES[place:], "yes")

    found = readiness_of(prison(**higher, **lower))

    assert found.rung == rung
    assert (found.source, found.dated) == (f"source of {rung}", "2024-01-24")


def test_nothing_needs_a_source_that_says_so(prison):
    assert readiness_of(prison(telephony="no")).rung == Rung.NOTHING
    assert readiness_of(prison(telephony="no")).source == "source of telephony"


@pytest.mark.parametrize("said", [{}, {"devices": "no"}, {"devices": "no", "data_cabling": "no"}])
def test_silence_about_telephony_is_unknown_and_not_nothing(prison, said):
    found = readiness_of(prison(**said))

    assert found.rung == Rung.UNKNOWN
    assert found.source == ""
    assert "not the same as nothing" in found.caution


def test_nothing_says_where_the_sources_are_silent(prison):
    denied = {"telephony": "no", "data_cabling": "no", "devices": "no"}

    assert "silence" in readiness_of(prison(telephony="no")).caution
    assert readiness_of(prison(**denied)).caution == ""


def test_telephony_is_never_taken_for_data_cabling(prison):
    assert "unknown until surveyed" in readiness_of(prison(telephony="yes")).caution


SAID = {
    ("wing schedule", Grade.SCHEDULED, ()): ("wing schedule: 100%", "no cell has been surveyed"),
    ("survey", Grade.SURVEYED, ("cabling",)): ("survey: 100%", "not all of it signed"),
    ("survey", Grade.SURVEYED, ()): ("survey: 100%", ""),
}


@pytest.mark.parametrize("known", SAID)
def test_cells_cabled_are_told_by_the_wings_source_and_its_grade(prison, example_plan, known):
    source, grade, assumed = known
    wing = example_plan.site("EYI").wings[0].wing
    cabled = replace(
        wing,
        shape=replace(wing.shape, cabling="cat6a"),
        surveyed_on="2026-09-14",
        source=source,
        grade=grade,
        assumed=assumed,
    )

    found = readiness_of(prison(telephony="yes"), [cabled])

    said, caution = SAID[known]
    assert (found.rung, found.dated) == (Rung.DATA_CABLING, "2026-09-14")
    assert found.source.startswith(said)
    assert found.grade == (Grade.ASSUMED if assumed else grade)
    assert caution in found.caution
    assert bool(caution) == bool(found.caution)


def test_every_rung_has_a_label():
    assert set(LABELS) == set(Rung)


def test_the_register_says_what_it_cannot_show_of_the_18_cabled_prisons(prison):
    register = [
        prison(devices="yes"),
        prison(data_cabling="yes", devices="yes"),
        prison(data_cabling="yes"),
        prison(telephony="yes"),
    ]

    said = what_the_register_shows(register)

    assert "18 of 117 prisons" in said
    assert "names 3 prisons" in said
    assert "cannot show" in said

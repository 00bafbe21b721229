"""Destinations and tiers, compiled into what the fleet puts in force."""

import json
from datetime import date

import pytest

from estate.allowlists import read_allowlists, write_allowlists
from estate.errors import InputError

TODAY = date(2026, 11, 26)
HEADING = "tier,prison_id,host,network,protocol,port,service,approved_by,approved_on,expires_on\n"
APPROVED = "learning,Ruth,2026-11-02,2027-11-01"
LEARN = f"standard,,learn.example.org,,tcp,443,{APPROVED}\n"
CLOCK = "standard,,,203.0.113.0/24,udp,123,time,Ruth,2026-11-02,2027-03-31\n"
MOODLE = f"standard,MDI,moodle.example.org,,tcp,443,{APPROVED}\n"
FIRST = f"first-night,,learn.example.org,,tcp,443,{APPROVED}\n"
PLACES = "place,tier\nestate,standard\nMDI/A/2,first-night\n"


@pytest.fixture
def inputs(tmp_path):
    def write(destinations, tiers=PLACES):
        (tmp_path / "destinations.csv").write_text(HEADING + destinations)
        (tmp_path / "tiers.csv").write_text(tiers)
        return tmp_path

    return write


def compiled(folder):
    return read_allowlists(folder, known=["MDI", "LEI"], today=TODAY)


def faults(folder):
    with pytest.raises(InputError) as caught:
        compiled(folder)
    return [str(problem) for problem in caught.value.problems]


def places_of(found):
    return {(one.prison, one.tier): [way.place for way in one.ways] for one in found.lists}


def test_a_prison_s_list_has_what_all_have_and_its_own(inputs):
    found = compiled(inputs(LEARN + CLOCK + MOODLE + FIRST))

    assert places_of(found) == {
        ("", "first-night"): ["learn.example.org"],
        ("", "standard"): ["203.0.113.0/24", "learn.example.org"],
        ("MDI", "standard"): ["203.0.113.0/24", "learn.example.org", "moodle.example.org"],
    }
    assert found.places == (("MDI/A/2", "first-night"), ("estate", "standard"))


def test_a_list_holds_until_the_first_of_its_approvals_ends(inputs):
    found = compiled(inputs(LEARN + CLOCK + FIRST))

    ends = {one.tier: one.expires_on for one in found.lists}
    assert ends == {"first-night": "2027-11-01", "standard": "2027-03-31"}


def test_a_tier_that_only_one_prison_has_destinations_for_reaches_nothing_elsewhere(inputs):
    found = compiled(inputs(MOODLE + FIRST))

    assert places_of(found)[("", "standard")] == []


def test_the_same_lists_are_written_in_the_same_bytes(inputs, tmp_path):
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    write_allowlists(one, compiled(inputs(LEARN + MOODLE + FIRST)))
    write_allowlists(other, compiled(inputs(FIRST + MOODLE + LEARN)))

    assert one.read_bytes() == other.read_bytes()
    first = json.loads(one.read_text())["lists"][0]["ways"]
    assert first == [{"host": "learn.example.org", "port": 443, "protocol": "tcp"}]


def test_every_fault_of_both_files_is_named_with_its_place(inputs):
    folder = inputs(
        f"standard,XYZ,Learn.Example.org,,tcp,443,{APPROVED}\n"
        f"standard,,,203.0.113.1/24,tcp,443,{APPROVED}\n"
        f"standard,,a.example.org,203.0.113.0/24,tcp,443,{APPROVED}\n"
        f"standard,,,,tcp,70000,{APPROVED}\n"
        "standard,,b.example.org,,tcp,443,mail,Ruth,2024-01-02,2025-01-01\n",
        "place,tier\nZZZ/A,standard\nMDI,none\n",
    )

    found = "\n".join(faults(folder))

    assert "the prison 'XYZ' is unknown" in found
    assert "host is 'Learn.Example.org'" in found
    assert "203.0.113.1/24 has host bits set" in found
    assert "it has both a host and a network" in found
    assert "port is '70000'" in found
    assert "it has neither host nor network" in found
    assert "its approval ended on 2025-01-01" in found
    assert "'ZZZ/A' is in no prison of the register" in found
    assert "no destination is of tier none" in found
    assert "destinations.csv row 2" in found or "destinations.csv" in found


def test_a_whole_top_level_domain_is_no_destination(inputs):
    assert "host is 'org'" in faults(inputs(f"standard,,org,,tcp,443,{APPROVED}\n" + FIRST))[0]


def test_files_that_are_missing_are_named_with_their_columns(tmp_path):
    with pytest.raises(InputError, match=r"no destinations\.csv and no tiers\.csv") as caught:
        compiled(tmp_path)

    assert "approved_by" in caught.value.hint

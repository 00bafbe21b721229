"""Where devices may go: which lists open a way, which only close some, and whose is which."""

import json
from dataclasses import replace

import pytest

from fleet.allowlist import common, read_allowlist, widens, written
from fleet.device import Device
from fleet.errors import InputError

WEB = {"network": "203.0.113.0/24", "protocol": "tcp", "port": 443}
ONE = {"network": "203.0.113.7/32", "protocol": "tcp", "port": 443}
MAIL = {"network": "203.0.113.0/24", "protocol": "tcp", "port": 993}
LEARN = {"host": "learn.example.org", "protocol": "tcp", "port": 443}
DEVICE = Device(
    device="WS-000001", serial="S1", cell="MDI-A-2-014", prison_id="MDI", wing="A", landing="2"
)


@pytest.mark.parametrize(
    ("before", "after", "is_wider"),
    [
        ([WEB, MAIL], [MAIL], False),
        ([WEB, MAIL], [MAIL, WEB], False),
        ([WEB], [], False),
        ([], [WEB], True),
        ([WEB], [MAIL], True),
        ([WEB], [WEB, LEARN], True),
        # A part of a network is another way by name; two people may say so.
        ([WEB], [ONE], True),
    ],
)
def test_a_list_widens_when_it_has_a_way_that_was_not_there(before, after, is_wider):
    assert widens(json.dumps(before), json.dumps(after)) is is_wider


def test_what_two_lists_share_widens_neither():
    shared = common(written([WEB, MAIL]), written([LEARN, MAIL]))

    assert json.loads(shared) == [MAIL]
    assert not widens(written([WEB, MAIL]), shared)
    assert not widens(written([LEARN, MAIL]), shared)


def test_a_list_is_written_in_one_way(tmp_path):
    path = tmp_path / "list.json"
    path.write_text(json.dumps([LEARN, WEB, LEARN]))
    other = tmp_path / "other.json"
    other.write_text(json.dumps([WEB, LEARN], indent=4))

    assert read_allowlist(path) == read_allowlist(other)


@pytest.mark.parametrize(
    "host",
    ["Learn.example.org", "org", "*.example.org", "a b.org", "x" * 64 + ".org", 7, "1.2.3.4"],
)
def test_what_is_no_name_of_a_host_is_a_fault(tmp_path, host):
    path = tmp_path / "list.json"
    path.write_text(json.dumps([{**LEARN, "host": host}]))

    with pytest.raises(InputError) as caught:
        read_allowlist(path)

    assert "give a name in lower case" in str(caught.value.problems[0])


@pytest.fixture
def compiled(tmp_path):
    def read(*places, lists=None):
        shown = lists or [("", "standard", [WEB]), ("", "first-night", []), ("LEI", "standard", [])]
        content = {
            "schema": 1,
            "lists": [
                {"prison": prison, "tier": tier, "expires_on": "2999-12-31", "ways": ways}
                for prison, tier, ways in shown
            ],
            "places": [{"place": place, "tier": tier} for place, tier in places],
        }
        path = tmp_path / "allowlists.json"
        path.write_text(json.dumps(content))
        return read_allowlist(path)

    return read


@pytest.mark.parametrize(
    ("places", "tier"),
    [
        ({"estate": "standard"}, "standard"),
        ({"estate": "standard", "MDI": "first-night"}, "first-night"),
        ({"MDI": "standard", "MDI/A": "first-night"}, "first-night"),
        ({"MDI/A": "standard", "MDI/A/2": "first-night"}, "first-night"),
        ({"MDI/A/2": "standard", "MDI-A-2-014": "first-night"}, "first-night"),
        ({"MDI": "standard", "MDI/B": "first-night", "LEI": "first-night"}, "standard"),
        ({"LEI": "standard"}, ""),
    ],
)
def test_the_smallest_place_says_the_tier(compiled, places, tier):
    assert compiled(*places.items()).tier_of(DEVICE) == tier


def test_a_spur_s_landing_is_a_place_of_its_own(compiled):
    lists = compiled(("MDI/A/2", "standard"), ("MDI/A/N/2", "first-night"))

    assert lists.tier_of(replace(DEVICE, spur="N")) == "first-night"
    assert lists.tier_of(replace(DEVICE, spur="S")) == "standard"


def test_a_prison_s_own_list_goes_before_that_of_all(compiled):
    lists = compiled(("estate", "standard"))

    assert json.loads(lists.list_of(DEVICE).text) == [WEB]
    assert lists.list_of(replace(DEVICE, prison_id="LEI")).text == "[]"


def test_devices_of_two_tiers_have_no_one_list_until_a_tier_is_named(compiled):
    lists = compiled(("MDI", "standard"), ("MDI/A/2", "first-night"))
    other = replace(DEVICE, device="WS-000002", cell="MDI-B-1-001", wing="B", landing="1")

    with pytest.raises(InputError, match=r"first-night \(1\), standard \(1\)"):
        lists.one_for([DEVICE, other])
    chosen, meant = lists.one_for([DEVICE, other], tier="standard")

    assert (chosen.tier, meant) == ("standard", [other])


def test_a_device_whose_place_has_no_tier_is_named(compiled):
    with pytest.raises(InputError, match="WS-000001 in MDI-A-2-014 has no tier"):
        compiled(("LEI", "standard")).list_of(DEVICE)


def test_a_list_whose_approval_is_over_is_given_to_nobody(compiled, tmp_path):
    compiled(("estate", "standard"))
    path = tmp_path / "allowlists.json"
    path.write_text(path.read_text().replace("2999-12-31", "2026-01-01"))

    with pytest.raises(InputError, match="ended on 2026-01-01"):
        read_allowlist(path).list_of(DEVICE)


@pytest.mark.parametrize(
    "content",
    [
        '{"schema": 1}',
        '{"schema": 2, "lists": [], "places": []}',
        '{"schema": 1, "lists": [{"prison": ""}], "places": []}',
        '"no"',
        "[",
    ],
)
def test_what_nobody_compiled_is_refused(tmp_path, content):
    path = tmp_path / "allowlists.json"
    path.write_text(content)

    with pytest.raises(InputError):
        read_allowlist(path)


def test_the_faults_of_every_list_are_named_with_its_tier(compiled):
    wrong = {**WEB, "port": 0}

    with pytest.raises(InputError) as caught:
        compiled(lists=[("", "standard", [wrong]), ("LEI", "standard", [WEB, wrong])])

    assert [str(one).split(":")[0] for one in caught.value.problems] == [
        "allowlists.json, estate standard entry 1",
        "allowlists.json, LEI standard entry 2",
    ]

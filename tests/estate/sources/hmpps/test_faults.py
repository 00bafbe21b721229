import json
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import InputError
from estate.sources.hmpps import import_hmpps
from estate.tables import REGISTER

TODAY = date(2026, 11, 23)
FIELDS = ("code", "locationCode", "pathHierarchy", "fullLocationPath", "childLocations")


def test_every_fault_of_every_file_is_found_in_one_run(
    refused, tree, certified, certificate, located
):
    bad_places = {"workingCapacity": 3, "maxCapacity": 2}
    first = certificate(
        certified.wing(
            "A",
            certified.level(
                "LANDING",
                "1",
                certified.level("CELL", "001", **bad_places),
                certified.level("CELL", "002", maxCapacity=-1),
                certified.level("CELL", "003", maxCapacity="two", workingCapacity=1.5),
                certified.level("CELL", "004", level=2),
                certified.level("CELL", "005", pathHierarchy="A-1-004"),
            ),
        ),
        totalMaxCapacity=10_001,
    )
    first["locations"].append(certified.wing("A_B", certified.landing("1", 1)))
    second = located(tree.wing("A", status="SHUT"), prison_id="LEX")

    at = "$.locations[0].subLocations[0].subLocations"
    assert [fault.partition(";")[0] for fault in refused(first, [second, 3])] == [
        f"export-1.json {at}[0]: the working capacity 3 is above the maximum 2",
        f"export-1.json {at}[1].maxCapacity: maxCapacity is -1",
        f"export-1.json {at}[2].maxCapacity: there is text where a whole number or nothing belongs",
        (
            f"export-1.json {at}[2].workingCapacity: "
            "there is a number with a fraction where a whole number or nothing belongs"
        ),
        f"export-1.json {at}[3].level: level is 2 in a location of level 2",
        f"export-1.json {at}[4]: LEI-A-1-004 stands at {at}[3] already",
        f"export-1.json {at}[4]: its path is 'A-1-004' and its code '005' in 'A-1'",
        "export-1.json $.locations[1]: wing is 'A_B'",
        "export-1.json $.totalMaxCapacity: totalMaxCapacity is 10001",
        "export-2.json $[0]: the prison 'LEX' is unknown",
        (
            "export-2.json $[1]: "
            "this is no cell certificate, location, residential summary or hierarchy"
        ),
    ]


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"key": "LEI-B"}, "$.key: key is 'LEI-B', not 'LEI-A'"),
        ({"level": 2}, "$.level: level is 2 and the path 'A'"),
        ({"status": "SHUT"}, "$.status: status is 'SHUT'"),
        ({"pathHierarchy": "B"}, "$: its path 'B' does not end in its code 'A'"),
        ({"localName": "x" * 81}, "$.localName: localName has 81 characters, more than 80"),
        ({"localName": "=1+1"}, "$.localName: localName is '=1+1'"),
        ({"code": ""}, "$: its path or code is blank"),
        ({"code": None}, "$.code: there is nothing where text belongs"),
        ({"childLocations": {}}, "$.childLocations: there is an object where a list or nothing"),
        ({"locationType": "CELL"}, "$: A is a cell and holds other locations"),
    ],
    ids=str,
)
def test_a_location_that_contradicts_itself_is_refused(refused, facts, fault, tree, located):
    found = refused(located(tree.wing("A", tree.landing("1", 1))) | facts)

    assert any(f"export-1.json {fault}" in each for each in found), found


@pytest.mark.parametrize(
    ("approved", "fault"),
    [
        ("2026-11-24T09:00:00", "which is in the future"),
        ("soon", "give a date and time such as 2026-07-01T12:00:00"),
    ],
)
def test_a_certificate_needs_a_day_that_has_come(
    refused, approved, fault, certificate, certified_wing
):
    (found,) = refused(certificate(certified_wing, approved=approved))

    assert found.startswith("export-1.json $.approvedDate")
    assert fault in found


def test_of_several_certificates_only_the_current_one_counts(
    workspace, refused, certificate, certified_wing
):
    superseded = certificate(certified_wing, current=False)

    (fault,) = refused(superseded)
    assert "export-1.json $.current: the certificate of LEI is not the current one" in fault
    (fault,) = refused(certificate(certified_wing), certificate(certified_wing))
    assert "export-2.json $: this is a second current certificate of LEI" in fault
    workspace.take([certificate(certified_wing, signedOperationCapacity=1100), superseded])
    assert workspace.entry().operational_capacity == 1100


def test_locations_whose_parent_no_file_holds_are_refused_once(refused, tree, located):
    strays = [located(tree.location(code, "CELL", parent="A-1")) for code in ("001", "002")]

    (fault,) = refused(strays)

    assert "export-1.json $[0]: 2 locations stand in LEI-A-1, which no file holds" in fault


def test_a_prison_counted_in_another_is_not_imported(refused, certificate, certified_wing):
    (fault,) = refused(certificate(certified_wing, prison_id="FYI"))

    assert "the register counts FYI in FMI; blank counted_in of FYI" in fault


def test_a_provisional_prison_is_never_matched(refused, certificate, certified_wing):
    (fault,) = refused(certificate(certified_wing, prison_id="X-MILLSIKE"))

    assert "the prison 'X-MILLSIKE' is unknown" in fault


@pytest.mark.parametrize("locations", [{"locations": []}, {"locations": None}, {}], ids=str)
def test_a_certificate_of_totals_without_locations_is_refused(refused, certificate, locations):
    hollow = certificate(signedOperationCapacity=16)
    del hollow["locations"]

    (fault,) = refused(hollow | locations)

    assert fault.startswith(
        "export-1.json $.locations: the certificate of LEI holds totals and no locations; export it"
    )


def test_a_certificate_without_a_cell_to_plan_for_changes_no_register(
    refused, certificate, certified
):
    wing = certified.wing("A", certified.landing("1", 2, convertedCellType="STORE"))

    (fault,) = refused(certificate(wing, signedOperationCapacity=16))

    assert "there is nothing of LEI to import: no file holds a cell to plan for" in fault


def test_a_wing_that_the_schedule_does_not_allow_is_refused_at_its_place(
    refused, certified, certificate
):
    landings = [certified.landing(str(number), 1) for number in range(1, 10)]

    (fault,) = refused(certificate(certified.wing("A", *landings)))

    assert fault == (
        "export-1.json $.locations[0]: landings is '9'; give a whole number from 1 up to 8, "
        "such as 3"
    )


def test_files_without_a_cell_or_a_certificate_are_refused(refused, tree, located):
    summary = {"topLevelLocationType": "Wings", "subLocations": [located(tree.wing("A"))]}

    (fault,) = refused(summary)

    assert "there is nothing of LEI to import: no file holds a cell to plan for" in fault


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "export.json: the file is empty"),
        (b'{"prisonId": "LEI",', "export.json: it is not JSON (Input data was truncated)"),
        (b'{\n"a": x}', "export.json line 2: it is not JSON"),
        (b"\xff\xfe{\x00", "export.json line 1: byte 1 of the file (0xff) is not UTF-8"),
        (b"[" * 100_000, "export.json: it is nested too deeply"),
        (b"[]", "export.json $: the list is empty"),
        (b"3", "export.json $: this is no cell certificate"),
    ],
    ids=str,
)
def test_a_file_that_is_no_export_is_refused(workspace, refused, content, fault):
    path = workspace.export({})
    path.write_bytes(content)

    (found,) = refused(path)

    assert found.startswith(fault)


def test_a_file_above_50_mb_is_refused_before_it_is_read(workspace, refused):
    path = workspace.export({})
    with path.open("r+b") as stream:
        stream.truncate(50_000_001)

    assert refused(path) == [
        "export.json: the file is 50.0 MB, more than 50 MB; export one prison to a file"
    ]


def test_a_byte_order_mark_is_no_fault(workspace, certificate, certified_wing):
    path = workspace.export({})
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(certificate(certified_wing)).encode())

    assert workspace.take(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["prisonId", "locations", "subLocations", "level", *FIELDS]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(content=JSON)
def test_any_json_is_imported_or_refused_with_its_reasons(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("hmpps")
    register, path = folder / "register.csv", folder / "LEI.json"
    leeds = {"prison_id": "LEI", "name": "Leeds", "gender": "male"}
    lines = [REGISTER.names, [leeds.get(name, "") for name in REGISTER.names]]
    register.write_text("\n".join(map(",".join, lines)), encoding="utf-8")
    path.write_text(json.dumps(content), encoding="utf-8")

    with suppress(InputError):
        import_hmpps([path], wings=folder / "wings.csv", register=register, today=TODAY)

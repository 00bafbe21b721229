import pytest

import estate.sources.hmpps.importing as importing_module
from estate.model import Grade

PLACES = {"certifiedNormalAccommodation": 1, "workingCapacity": 1, "maxCapacity": 2}


def test_a_certificate_becomes_the_wings_of_its_prison(workspace, certificate, certified_wing):
    (prison,) = workspace.take(certificate(certified_wing))

    row = workspace.rows()["A"]
    assert (row.name, row.landings, row.cells) == ("A Wing", 2, 5)
    assert row.layout == ((3,), (2,))
    assert row.grade is Grade.CERTIFIED
    assert (row.source, row.whole_prison) == ("HMPPS cell certificate 2026-07-01", "yes")
    assert (prison.replaced, len(prison.rows), prison.counts["cells"]) == (2, 1, 5)
    assert "wings of the schedule that no file holds, now gone: B" in prison.notes


def test_a_certificate_updates_the_places_of_the_register(workspace, certificate, certified_wing):
    totals = {"totalCertifiedNormalAccommodation": 640, "signedOperationCapacity": 1100}

    workspace.take(certificate(certified_wing, **totals))

    leeds = workspace.entry()
    assert (leeds.baseline_cna, leeds.operational_capacity) == (640, 1100)
    assert leeds.population == 1138
    assert leeds.capacity_dated == "2026-07-01"
    assert leeds.capacity_source == (
        "HMPPS cell certificate 2026-07-01; population: bulletin 2016-05-27 2016-05-27"
    )
    assert leeds.capacity_grade is Grade.CERTIFIED
    assert workspace.entry("EYI").capacity_dated == "2016-05-27"


def test_importing_again_changes_nothing(workspace, certificate, certified_wing):
    export = certificate(certified_wing, signedOperationCapacity=1100)
    workspace.take(export)
    once = workspace.files()

    workspace.take(export)

    assert workspace.files() == once


def test_places_without_a_total_are_those_of_the_cells(workspace, certificate, certified_wing):
    (prison,) = workspace.take(certificate(certified_wing))

    places = prison.places
    assert places.certified_normal_accommodation == 5
    assert (places.working_capacity, places.maximum_capacity) == (5, 10)
    assert workspace.entry().baseline_cna == 5


def test_a_register_that_is_newer_than_the_certificate_keeps_its_places(
    workspace, certificate, certified_wing
):
    (prison,) = workspace.take(
        certificate(certified_wing, approved="2016-05-26T12:00:00", signedOperationCapacity=7)
    )

    assert not prison.register
    assert workspace.entry().operational_capacity == 1212
    assert workspace.rows()["A"].cells == 5


def test_a_population_too_large_for_the_signed_capacity_is_out_of_date(
    workspace, certificate, certified_wing
):
    # 1,138 prisoners are above 1.5 x 700 = 1,050.
    (prison,) = workspace.take(certificate(certified_wing, signedOperationCapacity=700))

    assert workspace.entry().population is None
    assert any("the population of 1,138" in note for note in prison.notes)


def test_what_no_export_says_is_kept_with_its_source(workspace, certificate, certified):
    b_wing = certified.wing("B", certified.landing("1", 1))
    workspace.take(certificate(b_wing))
    workspace.take(certificate(b_wing, approved="2026-08-01T12:00:00"))

    row = workspace.rows()["B"]
    assert row.cabling == "cat5e"
    assert row.notes.endswith("cabling kept from: site walk")
    assert row.grade is Grade.SCHEDULED


def test_storeys_that_the_landings_contradict_are_not_kept(
    workspace, certificate, certified_wing, write_wings
):
    write_wings({"landings": "1", "floors": "1", "era": "1990s"})

    workspace.take(certificate(certified_wing))

    row = workspace.rows()["A"]
    assert (row.landings, row.floors, row.era) == (2, None, "1990s")


def test_a_tree_of_locations_says_which_cells_there_are(workspace, tree, located):
    a_wing = located(tree.wing("A", tree.landing("1", 2, capacity=PLACES), tree.landing("2", 1)))

    workspace.take(a_wing)

    row = workspace.rows()["A"]
    assert (row.layout, row.source) == (((2,), (1,)), "HMPPS locations")
    assert workspace.entry().baseline_cna == 669


def test_a_flat_list_of_locations_is_a_tree_as_well(workspace, tree, located):
    outer = tree.wing("A")
    inner = tree.location("1", "LANDING", parent="A")
    cell = tree.location("001", "CELL", parent="A-1")

    workspace.take([located(cell), located(outer), located(inner)])

    assert workspace.rows()["A"].layout == ((1,),)


@pytest.mark.parametrize(
    ("name", "options"), [("hierarchy.json", {"prison_id": "LEI"}), ("LEI-tree.json", {})]
)
def test_the_prison_of_a_hierarchy_is_said_beside_it(workspace, name, options, hierarchy):
    export = [hierarchy.wing("A", hierarchy.landing("1", 2, status="ACTIVE"))]

    workspace.take(workspace.export(export, name), **options)

    row = workspace.rows()["A"]
    assert (row.cells, row.source) == (2, "HMPPS residential hierarchy")
    assert row.whole_prison == "yes"


def test_a_hierarchy_without_a_prison_is_refused(refused, hierarchy):
    (fault,) = refused([hierarchy.wing("A", hierarchy.landing("1", 2))])

    assert fault == (
        "export-1.json $[0]: it does not say of which prison it is; "
        "name the prison with --prison, such as --prison MDI"
    )


def test_summaries_of_each_level_make_one_tree(workspace, tree, located):
    top = {
        "prisonSummary": {"workingCapacity": 2, "signedOperationalCapacity": 9, "maxCapacity": 4},
        "topLevelLocationType": "Wings",
        "subLocations": [located(tree.wing("A", localName="A Wing"))],
    }
    of_wing = {
        "topLevelLocationType": "Wings",
        "parentLocation": located(tree.wing("A")),
        "subLocations": [located(tree.location("1", "LANDING", parent="A"))],
    }
    of_landing = {
        "parentLocation": located(tree.location("1", "LANDING", parent="A")),
        "subLocations": [
            located(tree.location(code, "CELL", parent="A-1")) for code in ("001", "002")
        ],
    }

    (prison,) = workspace.take(of_landing, top, of_wing)

    assert (workspace.rows()["A"].name, workspace.rows()["A"].layout) == ("A Wing", ((2,),))
    assert prison.places.operational_capacity == 9
    assert not prison.register


def test_only_cells_that_people_live_in_are_planned_for(workspace, tree, located):
    codes = {
        "001": {"status": "ACTIVE"},
        "002": {"status": "LOCKED_INACTIVE"},
        "003": {"status": "ARCHIVED"},
        "004": {"status": "INACTIVE", "permanentlyInactive": True},
        "005": {"status": "NON_RESIDENTIAL"},
        "006": {"status": "ACTIVE", "convertedCellType": "SHOWER"},
        "007": {"status": "DRAFT"},
        "008": {"status": "ACTIVE", "accommodationTypes": ["OTHER_NON_RESIDENTIAL"]},
    }
    inside = [tree.level("CELL", code, **facts) for code, facts in codes.items()]
    inside.append(tree.level("STORE", "01S"))
    a_wing = located(tree.wing("A", tree.level("LANDING", "1", *inside)))

    (prison,) = workspace.take(a_wing)

    assert workspace.rows()["A"].cells == 2
    assert prison.counts == {
        "cells": 2,
        "rooms": 0,
        "inactive": 1,
        "archived": 2,
        "converted": 2,
        "non_residential": 1,
        "draft": 1,
        "other_locations": 1,
    }


def test_cells_in_which_little_may_be_fixed_are_counted_in_the_notes(workspace, tree, located):
    kinds = {
        "001": ["SAFE_CELL"],
        "002": ["DRY", "ACCESSIBLE_CELL"],
        "003": ["ACCESSIBLE_CELL"],
        "004": None,
    }
    inside = [tree.level("CELL", code, specialistCellTypes=each) for code, each in kinds.items()]

    workspace.take(located(tree.wing("A", tree.level("LANDING", "1", *inside))))

    assert "2 safe, dry, unfurnished or of constant supervision" in workspace.rows()["A"].notes


def test_a_cell_in_an_archived_landing_is_archived(workspace, tree, located):
    gone = tree.level("LANDING", "2", *tree.cells(["001"]), status="ARCHIVED")
    a_wing = located(tree.wing("A", tree.landing("1", 1), gone))

    (prison,) = workspace.take(a_wing)

    assert (prison.counts["cells"], prison.counts["archived"]) == (1, 1)


def test_a_draft_that_is_on_the_certificate_is_no_draft_any_more(
    workspace, tree, certificate, located, certified_wing
):
    draft = located(tree.wing("A", tree.landing("1", 4, status="DRAFT")))

    (prison,) = workspace.take(certificate(certified_wing), draft)

    # The fourth cell of landing 1 is not on the certificate.
    assert workspace.rows()["A"].layout == ((3,), (2,))
    assert prison.counts["draft"] == 1


def test_rooms_count_where_people_live_in_them(workspace, tree, located):
    rooms = [tree.level("ROOM", "R1"), tree.level("ROOM", "R2", capacity={"maxCapacity": 3})]
    with_cells = tree.wing("A", tree.level("LANDING", "1", *rooms, *tree.cells("1")))
    of_rooms = tree.wing("D", tree.level("LANDING", "1", tree.level("ROOM", "R1")))

    (prison,) = workspace.take([located(with_cells), located(of_rooms)])

    assert {code: row.cells for code, row in workspace.rows().items()} == {"A": 2, "D": 1}
    assert (prison.counts["rooms"], prison.counts["other_locations"]) == (2, 1)


def test_the_certificates_numbers_win_and_conflicts_are_listed(
    workspace, tree, certificate, located, certified_wing
):
    other = located(tree.wing("A", tree.landing("1", 1, capacity=PLACES | {"maxCapacity": 1})))

    (prison,) = workspace.take(other, certificate(certified_wing))

    (conflict,) = prison.conflicts
    assert (conflict.location, conflict.field) == ("LEI-A-1-001", "maxCapacity")
    assert (conflict.used, conflict.used_file) == ("2", "export-2.json")
    assert (conflict.other, conflict.other_file) == ("1", "export-1.json")
    assert prison.places.maximum_capacity == 10


def test_cells_that_only_one_of_two_files_holds_are_planned_for_and_named(
    workspace, tree, certificate, located, certified_wing
):
    other = located(tree.wing("A", tree.landing("1", 4)))

    (prison,) = workspace.take(certificate(certified_wing), other)

    assert workspace.rows()["A"].layout == ((4,), (2,))
    assert "planned though not on the certificate: A-1-004" in prison.notes


def test_a_cell_converted_since_the_certificate_is_not_planned_for(
    workspace, tree, certificate, located, certified_wing
):
    office = tree.level("CELL", "001", convertedCellType="OFFICE")
    other = located(tree.wing("A", tree.level("LANDING", "1", office)))

    (prison,) = workspace.take(certificate(certified_wing), other)

    assert workspace.rows()["A"].layout == ((2,), (2,))
    assert "on the certificate though not planned: A-1-001" in prison.notes


def test_totals_that_are_not_the_sum_of_the_cells_are_told(workspace, certificate, certified_wing):
    (prison,) = workspace.take(certificate(certified_wing, totalMaxCapacity=12))

    note = "the certificate's maximum capacity is 12, but 10 of its planned cells"
    assert note in prison.notes


def test_two_prisons_are_imported_together(workspace, certificate, certified_wing):
    workspace.take(certificate(certified_wing), certificate(certified_wing, prison_id="HEI"))

    assert {*workspace.rows("LEI"), *workspace.rows("HEI")} == {"A"}


def test_no_name_of_a_person_is_written_or_told(workspace, tree, certificate, located, people):
    a_wing = located(tree.wing("A", tree.landing("1", 1, status="ACTIVE")))
    other = located(tree.wing("A", tree.landing("1", 1, status="INACTIVE")))

    (prison,) = workspace.take(certificate(signedOperationCapacity=1100), a_wing, other)

    told = f"{prison.rows}{prison.register}{prison.places}{prison.conflicts}{prison.notes}"
    told += b"".join(workspace.files()).decode()
    assert prison.conflicts
    assert [person for person in people if person in told] == []


def test_both_files_stand_if_either_cannot_be_written(
    workspace, monkeypatch, certificate, certified_wing
):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    before = workspace.files()
    # The disk is the one part that a test cannot fill at the right moment.
    monkeypatch.setattr(importing_module, "put_wings", full)
    with pytest.raises(OSError, match="No space"):
        workspace.take(certificate(certified_wing, signedOperationCapacity=1100))

    assert workspace.files() == before
    assert sorted(p.name for p in workspace.wings.parent.glob(".*.writing")) == []


def keyed(workspace, prison_id="LEI"):
    """Return the location keys of each wing of a prison, landing by landing."""
    return {code: row.cell_keys for code, row in workspace.rows(prison_id).items()}


def test_the_cells_of_a_wing_keep_their_keys_in_the_order_of_their_codes(
    workspace, certificate, certified
):
    codes = ["A05", "001", "10", "2"]
    landings = [certified.level("LANDING", code, *certified.cells(codes)) for code in ("3", "2")]

    workspace.take(certificate(certified.wing("A", *landings)))

    expected = [[f"LEI-A-{n}-{code}" for code in ("001", "2", "10", "A05")] for n in (2, 3)]
    assert keyed(workspace) == {"A": tuple(map(tuple, expected))}


def test_the_cells_of_a_landing_are_keyed_through_its_spurs_in_order(
    workspace, certificate, certified
):
    spurs = [
        certified.level(
            "SPUR", spur, certified.level("LANDING", "1", *certified.cells(codes)), level=2
        )
        for spur, codes in (("S", ["001", "003"]), ("N", ["002"]))
    ]

    workspace.take(certificate(certified.wing("A", *spurs)))

    assert workspace.rows()["A"].layout == ((1, 2),)
    assert keyed(workspace)["A"] == (("LEI-A-N-1-002", "LEI-A-S-1-001", "LEI-A-S-1-003"),)


def test_importing_a_prison_again_replaces_its_keys_and_no_others(
    workspace, certificate, certified, certified_wing
):
    workspace.take(certificate(certified_wing), certificate(certified_wing, prison_id="HEI"))

    workspace.take(certificate(certified.wing("C", certified.landing("4", 1))))

    assert keyed(workspace) == {"C": (("LEI-C-4-001",),)}
    assert keyed(workspace, "HEI")["A"][1] == ("HEI-A-2-001", "HEI-A-2-002")


def test_keys_too_deep_for_a_survey_are_not_kept_and_that_is_said(
    workspace, certificate, certified
):
    deep = certified.level(
        "SPUR", "N", certified.level("LANDING", "1", certified.level("LANDING", "X"))
    )

    def cells(parent):
        made = deep(parent)
        inner = made["subLocations"][0]["subLocations"][0]
        inner["subLocations"] = [certified.location("001", "CELL", parent=inner["pathHierarchy"])]
        return made

    (prison,) = workspace.take(certificate(certified.wing("A", cells)))

    assert keyed(workspace) == {"A": ()}
    assert "whose keys are not kept: wing A" in " ".join(prison.notes)

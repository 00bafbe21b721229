import pytest

from estate.model import Network, Space
from estate.radio.candidates import candidates_of


def test_each_cell_has_one_place_in_its_middle(row_of_cells):
    places = [p for p in candidates_of(row_of_cells(3), height_m=2.3) if p.kind == "cell"]

    assert [place.candidate_id for place in places] == [f"cell-0-{n}/AP" for n in range(3)]
    assert [place.at for place in places] == [(1.5, 2.0), (4.5, 2.0), (7.5, 2.0)]
    assert {place.height_m for place in places} == {2.3}


def test_a_landing_has_places_along_its_middle_no_more_than_2_5_m_apart(row_of_cells):
    # A landing of 9 m has four, 2.25 m apart, and is 2 m wide from y = -2.
    places = [p for p in candidates_of(row_of_cells(3), height_m=2.3) if p.kind == "landing"]

    assert [place.candidate_id[-5:] for place in places] == ["AP-01", "AP-02", "AP-03", "AP-04"]
    assert sorted(place.at[0] for place in places) == pytest.approx([1.125, 3.375, 5.625, 7.875])
    assert [place.at[1] for place in places] == pytest.approx([-1.0] * 4)


def test_a_void_and_a_room_that_nobody_sleeps_in_have_none():
    outline = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0))
    spaces = tuple(
        Space(space_id=kind, floor=1, kind=kind, outline=outline) for kind in ("atrium", "office")
    )

    assert candidates_of(Network(spaces=spaces), height_m=2.3) == ()

from estate.errors import Problem
from estate.survey.alike import gathered


def problems(count, what="it has heights, in 3D", cure="save it in 2D", layer="outlets"):
    """Return a problem of each of so many outlets."""
    places = [f"layer {layer}, LEI-A/outlet-{number}" for number in range(1, count + 1)]
    return [Problem("a.gpkg", place, what, cure) for place in places]


def test_one_fault_of_many_features_is_one_line_that_names_the_first():
    (one,) = gathered(problems(128))

    assert str(one) == (
        "a.gpkg layer outlets, LEI-A/outlet-1, LEI-A/outlet-2 and 126 others: "
        "it has heights, in 3D; save it in 2D"
    )


def test_a_few_are_listed_each():
    assert gathered(problems(9)) == problems(9)
    assert len(gathered(problems(10))) == 1


def test_faults_that_differ_only_in_names_and_numbers_are_alike():
    each = [
        Problem("a.gpkg", f"layer doors, D{n}", f"there is no space LEI-A/cell-{n}", "name one")
        for n in range(20)
    ]

    (one,) = gathered(each)

    assert one.place == "layer doors, D0, D1 and 18 others"
    assert one.what == "there is no space LEI-A/cell-0, and so on"


def test_other_layers_faults_and_cures_are_other_lines():
    found = gathered(
        [
            *problems(10),
            *problems(10, layer="doors"),
            *problems(10, what="it has no geometry"),
            *problems(10, cure="delete it"),
        ]
    )

    assert len(found) == 4


def test_what_concerns_a_whole_layer_or_file_is_left_as_it_is():
    whole = [Problem("a.gpkg", "layer walls", "the wing B has no cell", "draw them")] * 20
    file = [Problem("a.gpkg", "", "the layer walls is missing", "take it from a draft")]

    assert gathered([*whole, *file]) == [*whole, *file]

import pytest

from estate.errors import InputError
from estate.sources.drawing import Layers, read_layers


@pytest.mark.parametrize(
    ("layer", "part"),
    [
        ("A-WALL-FULL", "walls"),
        ("Internal Walls", "walls"),
        ("A-DOOR", "doors"),
        ("A-GLAZ", "windows"),
        ("wall hatch", "ignore"),
        ("A-AREA", "spaces"),
        ("txt", "labels"),
        ("E-POWR", ""),
    ],
)
def test_a_layer_says_by_its_name_what_it_holds(layer, part):
    assert Layers().part(layer) == part


def test_what_the_user_says_goes_before_the_name(tmp_path):
    path = tmp_path / "layers.toml"
    path.write_text(
        '[layers]\nwalls = ["A-DOOR"]\nignore = ["*WALL*"]\n'
        '[floors]\n1 = ["F1-*"]\n[boxes]\n0 = [0, 0, 10, 10]\n-1 = [20, 0, 30, 10]\n'
    )

    layers = read_layers(path)

    assert (layers.part("a-door"), layers.part("A-WALL")) == ("walls", "ignore")
    assert layers.floor("F1-anything", (99, 99)) == 1
    assert layers.floor("0", (5, 5)) == 0
    assert layers.floor("0", (25, 5)) == -1
    assert layers.floor("0", (15, 5)) is None  # Between the boxes.
    assert layers.shift(0) == (20, 0)  # Over the lowest floor.


def test_without_floors_all_is_on_the_ground():
    assert Layers().floor("0", (5, 5)) == 0


def test_every_fault_of_the_file_is_listed(tmp_path):
    path = tmp_path / "layers.toml"
    path.write_text(
        '[layers]\nwals = ["A"]\ndoors = "A-DOOR"\n'
        "[floors]\nground = []\n[boxes]\n0 = [10, 0, 5, 10]\n[colours]\nred = 1\n"
    )

    with pytest.raises(InputError, match=r"6 problems in layers\.toml") as caught:
        read_layers(path)

    said = "\n".join(map(str, caught.value.problems))
    assert "[layers] wals: it is no part; use walls, doors, windows" in said
    assert "[layers] doors: it is 'A-DOOR'; list names of layers" in said
    assert "[floors] ground: it is no floor; write 0 for the ground" in said
    assert "[boxes] 0: it is [10, 0, 5, 10]; give west, south, east, north" in said
    assert "colours: it is no table of this file; use the tables [layers], [floors]" in said


@pytest.mark.parametrize(
    ("content", "what"), [(None, "cannot be read"), ("[layers", "is not TOML")]
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, content, what):
    path = tmp_path / "layers.toml"
    if content:
        path.write_text(content)

    with pytest.raises(InputError, match=what):
        read_layers(path)

import csv
import os
import resource
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estate.errors import InputError
from estate.workspace import SHIPPED, WEIGHTS, Workspace, create


@pytest.fixture(autouse=True)
def no_settings_in_the_environment(monkeypatch):
    for name in os.environ:
        if name.startswith("WINGSPAN_"):
            monkeypatch.delenv(name)


@pytest.fixture
def example(tmp_path):
    return create(tmp_path / "workspace", template="example")


@pytest.fixture
def with_settings(tmp_path):
    """Return a function that makes a workspace of nothing but settings."""

    def write(text):
        (tmp_path / "wingspan.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return Workspace(tmp_path)

    return write


@contextmanager
def file_size_limited(size):
    """Let no file grow beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def problems_of(workspace, **options):
    with pytest.raises(InputError) as caught:
        workspace.settings(options)
    return [str(problem) for problem in caught.value.problems]


def ids_in(path):
    with path.open(encoding="utf-8", newline="") as file:
        return {row["prison_id"] for row in csv.DictReader(file)}


def test_a_new_workspace_holds_settings_the_shipped_inputs_and_room_for_results(tmp_path):
    workspace = create(tmp_path / "new" / "workspace", template="england-wales")

    made = {str(p.relative_to(workspace.root)) for p in workspace.root.rglob("*")}
    inputs = {f"inputs/{name}" for name in SHIPPED}
    assert made == {"wingspan.toml", "inputs", "out", *inputs}
    for name, source in SHIPPED.items():
        assert (workspace.inputs / name).read_bytes() == source.read_bytes()


def test_the_example_is_six_prisons_and_no_wing_of_another(example):
    six = {"BFI", "EYI", "FMI", "FYI", "LEI", "MDI"}

    assert ids_in(example.inputs / "register.csv") == six
    assert ids_in(example.inputs / "wings.csv") <= six


def test_a_new_workspace_says_in_its_settings_what_holds_by_default(example, with_settings):
    stated, unsaid = example.settings({}), with_settings("").settings({})

    assert (stated.seed, stated.draws, stated.appraisal_years) == (1, 1000, 10)
    assert stated.backbone_ways == unsaid.backbone_ways == 1
    assert [stated.marking, stated.weights] == [unsaid.marking, unsaid.weights]
    assert (unsaid.seed, unsaid.draws, unsaid.appraisal_years) == (1, 1000, 10)


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")

    with pytest.raises(InputError, match="is not an empty folder") as refusal:
        create(tmp_path, template="example")

    assert refusal.value.hint == "name a new folder"
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_place_of_the_workspace_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")

    with pytest.raises(InputError, match="is not an empty folder"):
        create(tmp_path / "file", template="example")


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "empty").mkdir()

    assert create(tmp_path / "empty", template="example").settings({}).seed == 1


def test_the_folder_one_stands_in_is_not_replaced_under_one_s_feet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InputError, match="is the current folder"):
        create(Path(), template="example")

    assert list(tmp_path.iterdir()) == []


def test_a_workspace_that_cannot_be_finished_leaves_nothing(tmp_path):
    with file_size_limited(2_000), pytest.raises(InputError, match="cannot write") as refusal:
        create(tmp_path / "workspace", template="example")

    assert refusal.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("origin", "seed"), [("--seed", 4), ("WINGSPAN_SEED", 3), ("wingspan.toml", 2), ("default", 1)]
)
def test_an_option_goes_before_the_environment_the_file_and_the_default(
    with_settings, monkeypatch, origin, seed
):
    # Each is asked with all that it goes before, and with none that goes before it.
    if seed >= 3:
        monkeypatch.setenv("WINGSPAN_SEED", "3")
    workspace = with_settings("[plan]\nseed = 2" if seed >= 2 else "")

    settings = workspace.settings({"seed": 4 if seed == 4 else None})

    assert (settings.seed, settings.origins["seed"]) == (seed, origin)


def test_every_setting_says_where_it_came_from(with_settings, monkeypatch):
    monkeypatch.setenv("WINGSPAN_MARKING", "OFFICIAL-SENSITIVE")
    text = "[plan]\ndraws = 200\n[weights]\ncrowding = 1"

    settings = with_settings(text).settings({"appraisal_years": 15})

    assert settings.origins == {
        "seed": "default",
        "appraisal_years": "--appraisal-years",
        "draws": "wingspan.toml",
        "backbone_ways": "default",
        "title": "default",
        "marking": "WINGSPAN_MARKING",
        "weights": "wingspan.toml",
    }
    assert settings.marking == "OFFICIAL-SENSITIVE"


def test_every_fault_of_the_settings_is_listed_at_once(with_settings, monkeypatch):
    monkeypatch.setenv("WINGSPAN_APPRAISAL_YEARS", "ten")
    workspace = with_settings(
        'wieghts = 3\n[plan]\nsede = 7\ndraws = "many"\n[weights]\ncrowding = -0.1\nreadyness = 1\n'
    )

    assert problems_of(workspace, seed=-1) == [
        "wingspan.toml [wieghts]: wieghts is not a setting; did you mean weights?",
        "wingspan.toml [plan] sede: sede is not a setting; did you mean seed?",
        "--seed seed: -1 is not usable; give a whole number 0 to 4294967295",
        (
            "WINGSPAN_APPRAISAL_YEARS appraisal_years: 'ten' is not usable; "
            "give a whole number 1 to 60"
        ),
        "wingspan.toml draws: 'many' is not usable; give a whole number 20 to 100000",
        "wingspan.toml [weights] crowding: -0.1 is not a weight; give a number from 0 to 1,000,000",
        "wingspan.toml [weights] readyness: readyness is not a setting; did you mean readiness?",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "plan = 3\n[wieghts]",
        "weights = []\n[plann]",
    ],
)
def test_a_section_that_is_a_value_hides_no_other_fault(with_settings, line):
    assert len(problems_of(with_settings(line))) == 2


@pytest.mark.parametrize("value", ["true", "1.5", "0.0", "-1", "[1]", "'1e3'", f"'{'9' * 5000}'"])
def test_a_seed_is_a_whole_number(with_settings, value):
    (problem,) = problems_of(with_settings(f"[plan]\nseed = {value}"))

    assert "give a whole number 0 to 4294967295" in problem


@pytest.mark.parametrize("value", ["inf", "nan", "-1", "true", "'much'", "1e300"])
def test_a_weight_is_a_number_that_can_be_scaled(with_settings, value):
    (problem,) = problems_of(with_settings(f"[weights]\ncrowding = {value}"))

    assert problem.startswith("wingspan.toml [weights] crowding: ")


@pytest.mark.parametrize("name", ["marking", "title"])
@pytest.mark.parametrize("value", ["''", "'  '", "7", f"'{'x' * 101}'", '"two\\nlines"'])
def test_a_marking_or_title_is_a_line_that_fits_on_every_page(with_settings, name, value):
    (problem,) = problems_of(with_settings(f"[plan]\n{name} = {value}"))

    assert problem.startswith(f"wingspan.toml {name}: ")


def test_weights_that_add_up_to_nothing_are_refused(with_settings):
    text = "[weights]\n" + "\n".join(f"{term} = 0" for term in WEIGHTS)

    assert problems_of(with_settings(text)) == [
        "wingspan.toml [weights]: they add up to 0; give one of them weight"
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[plan\n", "line 1"),
        ("[plan]\nmarking = 'PROTÉGÉ'".encode("latin-1"), "utf-8"),
        (b"[plan]\nseed = " + b"9" * 5000, "digit"),
    ],
    ids=["not TOML", "wrong encoding", "a number beyond all bounds"],
)
def test_a_file_that_is_not_toml_in_utf8_is_explained(with_settings, content, complaint):
    (problem,) = problems_of(with_settings(content))

    assert complaint in problem
    assert problem.endswith("write it as TOML in UTF-8")


def test_a_byte_order_mark_does_no_harm(with_settings):
    assert with_settings(b"\xef\xbb\xbf[plan]\nseed = 9").settings({}).seed == 9


def test_a_folder_without_settings_is_no_workspace(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*wingspan\.toml") as refusal:
        Workspace(tmp_path).settings({})

    assert "wingspan init" in refusal.value.hint


def test_weights_are_scaled_to_add_up_to_one(with_settings):
    # The defaults add up to 1; 0.10 of crowding becomes 1.10, and the sum 2.
    weights = with_settings("[weights]\ncrowding = 1.10").settings({}).weights

    assert weights["crowding"] == pytest.approx(0.55)
    assert weights["readiness"] == pytest.approx(0.125)


@given(st.lists(st.floats(0, 1e6), min_size=6, max_size=6).filter(lambda found: sum(found) > 0))
def test_scaled_weights_add_up_to_one_and_keep_their_proportions(stated):
    lines = [f"{term} = {weight!r}" for term, weight in zip(WEIGHTS, stated, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "wingspan.toml").write_text("\n".join(["[weights]", *lines]))
        weights = Workspace(Path(folder)).settings({}).weights

    assert sum(weights.values()) == pytest.approx(1)
    assert list(weights) == list(WEIGHTS)
    assert [w * sum(stated) for w in weights.values()] == pytest.approx(stated)


def test_the_hash_of_an_input_changes_with_its_content_and_absence_is_told(example):
    before = example.hashes()
    with (example.inputs / "rates.csv").open("a") as file:
        file.write("\n")
    (example.inputs / "wings.csv").unlink()

    after = example.hashes()

    assert sorted(before) == ["assumptions.csv", "rates.csv", "register.csv", "wings.csv"]
    assert sorted(after) == ["assumptions.csv", "rates.csv", "register.csv"]
    assert [name for name in after if after[name] != before[name]] == ["rates.csv"]


def test_the_fleets_own_section_is_left_to_it(with_settings):
    workspace = with_settings('[fleet]\noperator = "asha"\n')

    assert workspace.settings({}).seed == 1

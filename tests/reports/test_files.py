import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from errno import EFBIG

import pytest

from reports.files import folder_written_aside, hand_over, write_text, written_aside

# Spread over several rounds of writing, so that each kill falls at another point of one.
DELAYS_S = [0.0037 * number for number in range(16)]
LENGTH, FILES = 1_000_000, 30

WRITES_A_FILE = """
import sys
from itertools import cycle
from pathlib import Path
from reports.files import write_text

print("ready", flush=True)
for letter in cycle("ab"):
    write_text(Path(sys.argv[1]), letter * int(sys.argv[2]))
"""
WRITES_A_FOLDER = """
import sys
from itertools import cycle
from pathlib import Path
from reports.files import folder_written_aside

print("ready", flush=True)
for letter in cycle("ab"):
    with folder_written_aside(Path(sys.argv[1])) as folder:
        for number in range(int(sys.argv[2])):
            (folder / f"{number}.html").write_text(letter)
"""


@contextmanager
def writing(program, *arguments):
    """Run a program that writes without end; it is killed where the block ends."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            yield
        finally:
            writer.send_signal(signal.SIGKILL)


@contextmanager
def file_size_limited(size):
    """Let no file grow beyond a size, as on a disk that is full; needs no root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_folder(target, **texts):
    with folder_written_aside(target) as folder:
        for name, text in texts.items():
            (folder / name).write_text(text)


def read_folder(target):
    return {path.name: path.read_text() for path in target.iterdir()}


def fail_half_way(path, error):
    path.write_text("half")
    raise error


def left_beside(target):
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def test_text_is_written_as_it_is_whatever_the_system(tmp_path):
    write_text(tmp_path / "new" / "plan.json", "£ – one\ntwo\n")

    assert (tmp_path / "new" / "plan.json").read_bytes() == "£ – one\ntwo\n".encode()


def test_the_temporary_file_has_the_target_s_suffix(tmp_path):
    with written_aside(tmp_path / "plan.gpkg") as aside:
        assert aside.name == "plan.gpkg"
        aside.touch()

    assert left_beside(tmp_path / "plan.gpkg") == []


def test_until_the_end_a_reader_sees_the_old_file(tmp_path):
    target = tmp_path / "plan.json"
    target.write_text("old")

    with written_aside(target) as aside:
        aside.write_text("new")
        assert target.read_text() == "old"

    assert target.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_writer_that_fails_leaves_the_old_and_nothing_beside_it(tmp_path, error):
    file, folder = tmp_path / "plan.json", tmp_path / "site"
    file.write_text("old")
    write_folder(folder, page="old")

    with pytest.raises(error), written_aside(file) as aside:
        fail_half_way(aside, error)
    with pytest.raises(error), folder_written_aside(folder) as aside:
        fail_half_way(aside / "page", error)

    assert file.read_text() == "old"
    assert read_folder(folder) == {"page": "old"}
    assert left_beside(file) == ["site"]


def test_a_full_disk_leaves_the_old_and_names_the_file_that_was_asked_for(tmp_path):
    target = tmp_path / "plan.json"
    target.write_text("old")

    with file_size_limited(1_000), pytest.raises(OSError, match="File too large") as refusal:
        write_text(target, "x" * 100_000)

    assert (refusal.value.errno, refusal.value.filename) == (EFBIG, str(target))
    assert target.read_text() == "old"
    assert left_beside(target) == []


def test_a_folder_is_replaced_whole(tmp_path):
    write_folder(tmp_path / "site", index="one", closed="one")

    write_folder(tmp_path / "site", index="two", new="two")

    assert read_folder(tmp_path / "site") == {"index": "two", "new": "two"}
    assert left_beside(tmp_path / "site") == []


def test_a_file_is_whole_wherever_its_writer_is_killed(tmp_path):
    target = tmp_path / "plan.json"
    write_text(target, "a" * LENGTH)
    interrupted = 0

    for delay_s in DELAYS_S:
        with writing(WRITES_A_FILE, target, LENGTH):
            time.sleep(delay_s)
        content = target.read_text()
        assert len(content) == LENGTH
        assert content in {"a" * LENGTH, "b" * LENGTH}
        interrupted += bool(left_beside(target))

    assert interrupted > 0  # Some were killed in the middle, or this has shown nothing.


def test_a_folder_is_whole_wherever_its_writer_is_killed(tmp_path):
    target = tmp_path / "site"
    write_folder(target, **{f"{number}.html": "a" for number in range(FILES)})
    interrupted = 0

    for delay_s in DELAYS_S:
        with writing(WRITES_A_FOLDER, target, FILES):
            time.sleep(delay_s)
        pages = read_folder(target)
        assert len(pages) == FILES
        assert len(set(pages.values())) == 1
        interrupted += bool(left_beside(target))

    assert interrupted > 0


def test_a_folder_is_never_missing_while_it_is_replaced(tmp_path):
    target = tmp_path / "site"
    write_folder(target, page="a")

    with writing(WRITES_A_FOLDER, target, 1):
        present = [target.exists() for _ in range(20_000)]

    assert all(present)


@pytest.mark.parametrize("name", ["plan.json", "[plan] *.json"])
def test_what_a_killed_writer_left_goes_with_the_next_one(tmp_path, name):
    target = tmp_path / name
    write_text(target, "old")
    left = []
    while not left:  # Until one is killed in the middle.
        with writing(WRITES_A_FILE, target, LENGTH):
            time.sleep(0.01)
        left = left_beside(target)

    write_text(target, "new")

    assert left[0].startswith(f".{name}.")
    assert left_beside(target) == []
    assert target.read_text() == "new"


def test_a_writer_at_work_is_not_taken_for_a_killed_one(tmp_path):
    target = tmp_path / "plan.json"

    with written_aside(target) as aside:
        aside.write_text("first")
        write_text(target, "second")

    assert target.read_text() == "first"
    assert left_beside(target) == []


def test_a_writer_may_use_a_writer_on_what_it_writes(tmp_path):
    target = tmp_path / "plan.json"

    with written_aside(target) as aside:
        write_text(aside, "within")

    assert target.read_text() == "within"
    assert left_beside(target) == []


def test_hidden_files_of_other_people_are_let_be(tmp_path):
    for name in (".plan.json.backup", ".plan.json.writing", ".other.json.abc.writing"):
        (tmp_path / name).mkdir()
    (tmp_path / ".plan.json.notes.writing").write_text("a file, not a folder")

    write_text(tmp_path / "plan.json", "new")

    assert left_beside(tmp_path / "plan.json") == [
        ".other.json.abc.writing",
        ".plan.json.backup",
        ".plan.json.notes.writing",
        ".plan.json.writing",
    ]


def test_a_folder_that_a_killed_writer_had_renamed_away_comes_back(tmp_path):
    # Only where the system cannot exchange two names is a folder ever renamed away.
    old = tmp_path / ".site.abcdefgh.writing" / "old"
    old.mkdir(parents=True)
    (old / "page").write_text("old")

    with pytest.raises(ValueError, match="no room"), folder_written_aside(tmp_path / "site"):
        raise ValueError("no room")

    assert read_folder(tmp_path / "site") == {"page": "old"}
    assert left_beside(tmp_path / "site") == []


@pytest.fixture
def home(tmp_path):
    """Return a folder of another than root, who runs the tests."""
    assert os.geteuid() == 0, "run the tests as root"
    os.chown(tmp_path, 1, 1)
    return tmp_path


def test_what_root_writes_in_anothers_folder_is_theirs(home):
    write_text(home / "deep" / "er" / "file", "text")
    with folder_written_aside(home / "folder") as aside:
        (aside / "file").write_text("text")

    made = list(home.rglob("*"))
    assert len(made) == 5
    assert {path.stat().st_uid for path in made} == {1}


def test_a_file_of_roots_that_has_a_name_in_anothers_folder_stays_roots(home, tmp_path_factory):
    own = tmp_path_factory.mktemp("root") / "secret"
    own.write_text("secret")
    os.link(own, home / "link")

    with (home / "link").open() as opened:
        hand_over(opened.fileno(), home)

    assert own.stat().st_uid == 0

"""A full disk or a killed process leaves the results that were there before, whole."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from estate.plan import read_plan

WINGSPAN = Path(sys.executable).with_name("wingspan")
DISK_BYTES = 8_000_000


@pytest.fixture
def small_disk(tmp_path):
    """Mount a real disk of 8 MB, and unmount it whatever happens."""
    if os.geteuid() != 0:
        pytest.fail("this test fills a small disk, and only root may mount one: run it as root")
    disk = tmp_path / "disk"
    disk.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs"]
    subprocess.run(["/usr/bin/mount", *options, str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["/usr/bin/umount", str(disk)], check=True)


@pytest.fixture
def crowded(shell, small_disk):
    """Return a planned workspace on a small disk, and a function that leaves it so much room."""
    root = shutil.copytree(shell.root, small_disk / "workspace")

    def leave(room_bytes):
        filler = small_disk / "filler"
        filler.unlink(missing_ok=True)
        free_bytes = shutil.disk_usage(small_disk).free
        filler.write_bytes(bytes(free_bytes - room_bytes))

    return root, leave


def run(root, *words):
    command = [WINGSPAN, "-C", root, *words]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def results_in(root):
    """Return every file of the results, hidden ones too."""
    out = root / "out"
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def size_of(shell, name):
    return (shell.root / "out" / name).stat().st_size


@pytest.mark.parametrize("missing", ["plan", "topology"])
def test_a_disk_that_fills_leaves_the_old_plan_and_topology(crowded, shell, missing):
    # Either no room for half of the plan, or room for the plan and half of the topology.
    root, leave = crowded
    plan_bytes, topology_bytes = (size_of(shell, n) for n in ("plan.json", "topology.json"))
    before = results_in(root)
    leave(plan_bytes // 2 if missing == "plan" else plan_bytes + topology_bytes // 2)

    finished = run(root, "estate", "plan", "--seed", "2", "--json")

    assert (finished.returncode, finished.stdout) == (3, "")
    assert finished.stderr.splitlines() == [
        f"error: cannot read or write {root / 'out' / missing}.json",
        "  because: No space left on device",
        "  try: make room, or choose a folder you may write; the old files are whole",
    ]
    assert results_in(root) == before


def test_once_there_is_room_the_same_command_goes_through(crowded, shell):
    root, leave = crowded
    leave(size_of(shell, "plan.json") // 2)
    assert run(root, "estate", "plan", "--seed", "2").returncode == 3

    leave(2 * (size_of(shell, "plan.json") + size_of(shell, "topology.json")))

    assert run(root, "estate", "plan", "--seed", "2").returncode == 0
    assert read_plan(root / "out" / "plan.json").seed == 2


@pytest.mark.parametrize("report", ["site", "workbook", "geopackage"])
def test_a_disk_that_fills_leaves_the_old_report(crowded, report):
    root, leave = crowded
    (root / "out" / "site").mkdir()
    for name in ("site/index.html", "plan.xlsx", "plan.gpkg"):
        (root / "out" / name).write_text("the old report")
    before = results_in(root)
    leave(60_000)

    finished = run(root, "report", report)

    assert (finished.returncode, finished.stdout) == (3, "")
    assert "Traceback" not in finished.stderr
    assert finished.stderr.startswith("error: cannot read or write")
    assert results_in(root) == before


def test_a_full_disk_takes_no_new_workspace_and_keeps_nothing_of_it(small_disk):
    (small_disk / "filler").write_bytes(bytes(DISK_BYTES - 40_000))

    command = [WINGSPAN, "init", small_disk / "workspace"]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)

    assert finished.returncode == 3
    assert "because: [Errno 28] No space left on device" in finished.stderr
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


# Each run is killed so long after it has begun to write, at another point of its writing.
@pytest.mark.parametrize("delay_s", [0.0, 0.0005, 0.002, 0.004, 0.008, 0.016])
def test_a_plan_is_old_or_new_wherever_its_command_is_killed(spare, delay_s):
    out, before = spare.root / "out", results_in(spare.root)
    command = [WINGSPAN, "-C", spare.root, "estate", "plan", "--seed", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as planner:
        while planner.poll() is None and not list(out.glob(".*")):
            pass  # It has not begun to write.
        time.sleep(delay_s)
        planner.send_signal(signal.SIGKILL)

    plan = read_plan(out / "plan.json")
    topology = json.loads((out / "topology.json").read_text(encoding="utf-8"))
    assert plan.seed in {1, 2}
    if plan.seed == 1:
        assert results_in(spare.root)["plan.json"] == before["plan.json"]
    assert len(topology["cells"]) == plan.cells

    spare.answer("estate", "plan", "--seed", 2)
    assert set(results_in(spare.root)) == {"plan.json", "topology.json"}
    assert read_plan(out / "plan.json").seed == 2

"""What tests of several packages share: the project's own files and one planned workspace."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

# A property must not fail because a machine is slow. CI tries the same examples each time, so that
# a change is not blamed for what chance found; at a desk the examples are new in every run.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
WINGSPAN = Path(sys.executable).with_name("wingspan")


@pytest.fixture(scope="session")
def project_files() -> tuple[str, ...]:
    """Return the files that git tracks, or would if they were added, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    names = sorted(set(listing.stdout.splitlines()))
    return tuple(name for name in names if (ROOT / name).is_file())


@pytest.fixture(scope="session", autouse=True)
def kept_designs(pytestconfig: pytest.Config) -> Iterator[Path]:
    """Share designs between workspaces, and between runs as long as the program stays the same."""
    cache = pytestconfig.cache
    assert cache is not None
    folder = cache.mkdir("designs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WINGSPAN_DESIGN_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def planned(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, kept_designs: Path
) -> tuple[Path, dict[str, Any]]:
    """Plan the six prisons of the example once, whichever worker asks first."""
    assert kept_designs.is_dir()
    base = tmp_path_factory.getbasetemp()
    # The workers of one run have one parent folder, and the first to hold the lock plans.
    shared = base if worker_id == "master" else base.parent
    workspace, answer = shared / "example", shared / "example-plan.json"
    with (shared / "example.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            _run([WINGSPAN, "init", workspace, "--from", "example"])
            plan = [WINGSPAN, "-C", workspace, "estate", "plan", "--jobs", "2", "--json"]
            answer.write_text(_run(plan))
    return workspace, json.loads(answer.read_text())


@pytest.fixture(scope="session")
def workspace(planned: tuple[Path, dict[str, Any]]) -> Path:
    """Return a planned workspace of six prisons, to be read and never changed."""
    return planned[0]


@pytest.fixture(scope="session")
def plan_answer(planned: tuple[Path, dict[str, Any]]) -> dict[str, Any]:
    """Return what `wingspan estate plan --json` answered in `workspace`."""
    return planned[1]


def _run(command: Sequence[str | Path]) -> str:
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout

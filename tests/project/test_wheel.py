"""The wheel holds the project's files and works far from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# What ships, and where in the wheel it goes.
SHIPPED = {
    "wingspan.py": "wingspan.py",
    "estate": "estate",
    "fleet": "fleet",
    "reports": "reports",
    "playbooks": "fleet/_shipped/playbooks",
    "inventory/example": "fleet/_shipped/inventory/example",
    "inventory/plugins": "fleet/_shipped/inventory/plugins",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = ["-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    run([sys.executable, *command])
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory, wheel):
    """Install the wheel in a new virtual environment and return the environment's folder.

    The dependencies are borrowed from this environment through a .pth file. Python reads no
    .pth file in a folder that is itself listed in one, so an editable install of the checkout
    stays out of sight.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    packages = site_packages(python)
    (packages / "borrowed.pth").write_text(f"{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", "--no-index", "--no-deps", wheel])
    return folder


def test_the_wheel_ships_exactly_the_projects_files(wheel, project_files):
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert shipped == {
        name.replace(source, target, 1)
        for name in project_files
        for source, target in SHIPPED.items()
        if name == source or name.startswith(f"{source}/")
    }


@pytest.mark.parametrize("package", ["estate", "fleet", "reports"])
def test_the_packages_are_marked_as_typed(wheel, package):
    with zipfile.ZipFile(wheel) as archive:
        assert f"{package}/py.typed" in archive.namelist()


def test_the_installed_code_is_the_wheels_own(elsewhere):
    python = elsewhere / "bin" / "python"
    where = "import wingspan, estate, fleet, reports as r; print(*(m.__file__ for m in {}))"
    found = run([python, "-c", where.format("(wingspan, estate, fleet, r)")])

    assert {str(site_packages(python)) in name for name in found.split()} == {True}


def test_the_installed_wheel_answers_for_help(elsewhere):
    assert run([elsewhere / "bin" / "wingspan", "--help"]).startswith("Usage: wingspan")


def test_the_installed_wheel_makes_the_plan_that_the_checkout_makes(
    elsewhere, tmp_path, plan_answer
):
    wingspan = elsewhere / "bin" / "wingspan"
    run([wingspan, "init", tmp_path / "workspace", "--from", "example"])
    answer = json.loads(run([wingspan, "-C", tmp_path / "workspace", "estate", "plan", "--json"]))

    assert answer["establishments"] == 6
    assert answer["plan_id"] == plan_answer["plan_id"]


def site_packages(python: Path) -> Path:
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(run([python, "-c", ask]).strip())


def run(command):
    """Run a command from the file system's root and return what it wrote to stdout."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    finished = subprocess.run(
        command, cwd="/", env=kept, check=False, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout

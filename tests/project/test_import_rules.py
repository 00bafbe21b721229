"""The import directions of pyproject.toml hold, and would notice if they did not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def test_every_import_goes_in_an_allowed_direction():
    finished = lint_imports(ROOT)

    assert finished.returncode == 0, finished.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("fleet/__init__.py", "import estate.model", "estate and fleet meet only in files"),
        ("reports/document.py", "import estate.errors", "reports renders and knows no domain"),
        ("estate/model.py", "import click", "only a command line knows click"),
        ("estate/model.py", "import reports.terminal", "only a command line knows click"),
        ("estate/errors.py", "import estate.model", "estate imports downward"),
        ("reports/files.py", "import reports.terminal", "reports imports downward"),
        ("estate/stowaway.py", "import estate.model", "estate imports downward"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path, module, line, contract):
    for package in ("estate", "fleet", "reports"):
        source_only = shutil.ignore_patterns("__pycache__", "data")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=source_only)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")

    finished = lint_imports(tmp_path)

    assert finished.returncode == 1
    assert [line for line in finished.stdout.splitlines() if contract in line and "BROKEN" in line]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [LINT_IMPORTS, "--no-cache"]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)

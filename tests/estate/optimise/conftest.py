"""What the tests of several solvers share."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def elsewhere() -> Callable[[str], Any]:
    """Return a function that runs a program under another hash seed, and reads its last line."""

    def run(program: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONHASHSEED": "12345"},
        )
        return json.loads(done.stdout)

    return run

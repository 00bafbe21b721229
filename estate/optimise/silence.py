"""A solver that prints on its own account must not spoil the output of a command."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STDOUT = 1


@contextmanager
def silent_stdout() -> Iterator[None]:
    """Send what is written to the process's standard output to nowhere.

    HiGHS writes lines of its branch and bound past Python and past its own switch
    (`transformNewIntegerFeasibleSolution`), so the descriptor itself has to point elsewhere.
    Where there is no standard output there is nothing to do.
    """
    try:
        kept = os.dup(_STDOUT)
    except OSError:
        yield
        return
    if sys.stdout is not None:
        sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDOUT)
        yield
    finally:
        os.dup2(kept, _STDOUT)
        os.close(nowhere)
        os.close(kept)

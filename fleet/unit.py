"""The units that systemd runs us by: of what ships, with this installation's places in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

# Whose homes a unit hides, also from itself.
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))


def unit_text(shipped: Path, *, program: Path, folder: Path, user: str, **more: Any) -> str:
    """Return a unit that runs a program in a folder as a user.

    Where Python or the program lives in somebody's home, that part of it is shown to the service.
    """
    places = {Path(sys.prefix), Path(sys.base_prefix), program.parent}
    hidden = sorted(str(p) for p in places if any(home in p.parents for home in _HOMES))
    return shipped.read_text(encoding="utf-8").format(
        program=program, folder=folder, user=user, programs=" ".join(hidden), **more
    )

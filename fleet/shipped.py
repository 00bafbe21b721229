"""Where the playbooks and the device's program are, in a checkout and in a wheel alike."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fleet.errors import FleetError

_PACKAGE = Path(__file__).resolve().parent


def shipped(kind: Literal["playbooks", "inventory"]) -> Path:
    """Return the folder of shipped playbooks, or of the inventory.

    Raises
    ------
    FleetError
        When the package was installed without it.
    """
    root = _PACKAGE / "_shipped"
    if not root.is_dir() and (_PACKAGE.parent / "pyproject.toml").is_file():
        root = _PACKAGE.parent  # An editable install: read the checkout itself.
    folder = root / kind
    if not folder.is_dir():
        raise FleetError(f"there is no {kind} folder at {folder}", hint="install Wingspan again")
    return folder

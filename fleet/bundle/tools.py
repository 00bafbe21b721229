"""The programs of Debian that build and read what bundles are made of."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from fleet.errors import FleetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PACKAGES = {
    "apt-ftparchive": "apt-utils",
    "dpkg-deb": "dpkg",
    "gpg": "gnupg",
    "gpgconf": "gnupg",
    "rauc": "rauc squashfs-tools",
}
_PATIENCE_S = 3600


def run(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return what it writes.

    Raises
    ------
    FleetError
        When it is not there, or ends with another status than 0; then with its last words.
    """
    program = shutil.which(command[0])
    if program is None:
        package = _PACKAGES.get(command[0], command[0])
        raise FleetError(f"{command[0]} is not on the path", hint=f"apt install {package}")
    done = subprocess.run(  # noqa: S603 - our own words, and no shell
        [program, *command[1:]],
        input=stdin,
        capture_output=True,
        check=False,
        cwd=folder,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
        timeout=_PATIENCE_S,
    )
    if done.returncode:
        last = "\n".join(done.stderr.decode(errors="replace").strip().splitlines()[-3:])
        raise FleetError(f"{command[0]} ended with {done.returncode}: {last}")
    return done.stdout.decode()

"""A Debian archive of pinned packages, indexed by apt-ftparchive and signed by GnuPG."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleet.bundle.tools import run
from fleet.identity.keys import write_private

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleet.bundle.source import Package

KEYRING: Final = "archive.gpg"
_WHO: Final = "Wingspan bundles"
_LOOPBACK: Final = ("--batch", "--pinentry-mode", "loopback", "--passphrase", "")


def write_archive(
    packages: Sequence[Package], folder: Path, *, key: Path, version: str, valid_s: int
) -> None:
    """Write an archive that apt can install from without a network.

    The folder is a flat repository: Packages, Release, InRelease, the packages, and in
    `archive.gpg` the public key that InRelease is signed with. After `valid_s` seconds apt
    refuses it.

    Raises
    ------
    FleetError
        When one of the programs is missing or fails.
    """
    folder.mkdir(parents=True)
    for package in packages:
        shutil.copyfile(package.path, folder / package.path.name)
    index = run(["apt-ftparchive", "packages", "."], folder=folder)
    (folder / "Packages").write_text(index, encoding="utf-8")
    stated = {
        "Origin": "Wingspan",
        "Label": "Wingspan",
        "Suite": version,
        "Codename": version,
        "ValidTime": str(valid_s),
    }
    words = [w for name, value in stated.items() for w in ("-o", f"{_RELEASE}{name}={value}")]
    # Written outside, lest it lists itself.
    release = run(["apt-ftparchive", *words, "release", "."], folder=folder)
    (folder / "Release").write_text(release, encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="wingspan-gpg-") as home:
        _sign(folder, Path(home), key)


_RELEASE: Final = "APT::FTPArchive::Release::"


def make_archive_key(path: Path) -> None:
    """Make the OpenPGP key of archives, for its owner alone; one that is there stays."""
    if path.exists():
        return
    with tempfile.TemporaryDirectory(prefix="wingspan-gpg-") as home:
        environment = {"GNUPGHOME": home}
        try:
            made = ["--quick-generate-key", _WHO, "ed25519", "sign", "never"]
            run(["gpg", *_LOOPBACK, *made], environment=environment)
            exported = [*_LOOPBACK, "--armor", "--export-secret-keys", _WHO]
            write_private(path, run(["gpg", *exported], environment=environment))
        finally:
            _end_agent(home)


def _sign(folder: Path, home: Path, key: Path) -> None:
    environment = {"GNUPGHOME": str(home)}
    try:
        run(["gpg", *_LOOPBACK, "--import"], stdin=key.read_bytes(), environment=environment)
        out = ["--output", str(folder / "InRelease")]
        clear = [*_LOOPBACK, *out, "--clearsign", str(folder / "Release")]
        run(["gpg", *clear], environment=environment)
        out = ["--output", str(folder / KEYRING)]
        run(["gpg", "--batch", *out, "--export", _WHO], environment=environment)
    finally:
        _end_agent(str(home))


def _end_agent(home: str) -> None:
    """End the daemon that gpg leaves behind for each home."""
    run(["gpgconf", "--homedir", home, "--kill", "all"])

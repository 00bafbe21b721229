"""The folder that a bundle is made from, with every fault in it found before anything is made.

files/…                       a generic bundle's files, as from the device's root
remove.txt                    paths that it takes away, one a line
*.deb                         a Debian bundle's packages
*.img                         a RAUC bundle's image
checks/pre/…, checks/post/…   programs that a device runs before and after; 0 is well
"""

from __future__ import annotations

import os
import posixpath
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleet.bundle.manifest import Entry, Kind
from fleet.bundle.tools import run
from fleet.errors import FleetError, InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What only lives while a device runs, and what Wingspan itself is there: that changes by enrolment.
FORBIDDEN: Final = (
    "/dev",
    "/proc",
    "/run",
    "/sys",
    "/etc/ssh",
    "/etc/sudoers.d",
    "/etc/wingspan",
    "/usr/local/lib/wingspan",
    "/var/lib/wingspan",
)
_CURE_KIND: Final = {
    Kind.GENERIC: "put what is to be written under files/, as from the device's root",
    Kind.DEBIAN: "put the .deb files in it",
    Kind.RAUC: "put one image of the root file system in it, as NAME.img",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A Debian package in a source folder; `installed_bytes` is what its control file says."""

    path: Path
    package: str
    version: str
    installed_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a source folder holds, checked."""

    folder: Path
    kind: Kind
    entries: tuple[Entry, ...] = ()
    remove: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()
    images: tuple[Path, ...] = ()
    checks: tuple[Path, ...] = ()


def read_source(folder: Path, kind: Kind) -> Source:
    """Return what a folder holds for a bundle of some kind.

    Raises
    ------
    InputError
        With every fault of the folder.
    """
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", hint="name it by --from DIR")
    problems: list[Problem] = []
    entries: tuple[Entry, ...] = ()
    remove: tuple[str, ...] = ()
    packages: tuple[Package, ...] = ()
    images: tuple[Path, ...] = ()
    if kind is Kind.GENERIC:
        entries = tuple(_entries(folder / "files", problems))
        remove = tuple(_removed(folder / "remove.txt", problems))
    elif kind is Kind.DEBIAN:
        packages = tuple(_packages(sorted(folder.glob("*.deb")), problems))
    else:
        images = tuple(sorted(folder.glob("*.img")))
    if not (entries or remove or packages or len(images) == 1) and not problems:
        what = f"it holds {len(images) or 'nothing'} of what a {kind} bundle is made of"
        problems.append(Problem(folder.name, "", what, _CURE_KIND[kind]))
    checks = tuple(_checks(folder / "checks", problems))
    if problems:
        raise InputError(f"{len(problems)} problems in {folder}", problems=problems)
    return Source(
        folder=folder,
        kind=kind,
        entries=entries,
        remove=remove,
        packages=packages,
        images=images,
        checks=checks,
    )


def forbidden(path: str) -> str:
    """Return why a bundle may not touch a path on a device, "" where it may."""
    if not path.startswith("/") or posixpath.normpath(path) != path or path == "/":
        return "it is no full path of a file"
    for place in FORBIDDEN:
        if path == place or path.startswith(f"{place}/"):
            return f"a bundle changes nothing in {place}"
    return ""


def _entries(root: Path, problems: list[Problem]) -> Iterator[Entry]:
    if not root.is_dir():
        return
    for path in sorted(root.rglob("*")):
        name = f"/{path.relative_to(root).as_posix()}"
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if why := forbidden(name):
            problems.append(Problem(f"files{name}", "", why, "leave it out"))
        elif stat.S_ISLNK(mode):
            yield Entry(path=name, link=os.readlink(path))  # noqa: PTH115 - as it is written
        elif stat.S_ISREG(mode):
            content = path.read_bytes()
            digest = sha256(content).hexdigest()
            yield Entry(path=name, mode=stat.S_IMODE(mode), bytes=len(content), sha256=digest)
        else:
            problems.append(Problem(f"files{name}", "", "it is neither file nor link", "remove it"))


def _removed(listing: Path, problems: list[Problem]) -> Iterator[str]:
    if not listing.is_file():
        return
    for row, line in enumerate(listing.read_text(encoding="utf-8").splitlines(), start=1):
        name = line.strip()
        if name and (why := forbidden(name)):
            problems.append(Problem("remove.txt", f"line {row}", f"{name}: {why}", "leave it out"))
        elif name:
            yield name


def _packages(paths: Sequence[Path], problems: list[Problem]) -> Iterator[Package]:
    seen: dict[str, str] = {}
    for path in paths:
        fields = ("Package", "Version", "Installed-Size")
        try:
            shown = run(["dpkg-deb", "--show", "--showformat", _shown(fields), str(path)])
        except FleetError:
            problems.append(Problem(path.name, "", "it is no Debian package", "download it again"))
            continue
        package, version, kib = shown.split("\n")[:3]
        if package in seen:
            what = f"{package} is in {seen[package]} already"
            problems.append(Problem(path.name, "", what, "keep one version of each package"))
        seen[package] = path.name
        for name in filter(forbidden, _contents(path)):
            what = f"{name}: {forbidden(name)}"
            problems.append(Problem(path.name, "", what, "build it without"))
        yield Package(
            path=path, package=package, version=version, installed_bytes=1024 * int(kib or 0)
        )


def _contents(package: Path) -> list[str]:
    """Return the files in a package: the last word of each line of `ls -l`, before any arrow."""
    lines = run(["dpkg-deb", "--contents", str(package)]).splitlines()
    names = [line.split(maxsplit=5)[5].split(" -> ")[0] for line in lines if line[0] != "d"]
    return [name.removeprefix(".").split(" link to ")[0] for name in names]


def _shown(fields: Sequence[str]) -> str:
    return "".join(f"${{{name}}}\\n" for name in fields)


def _checks(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            continue
        if posixpath.dirname(name) not in {"pre", "post"}:
            cure = "put it in checks/pre or checks/post"
            problems.append(Problem(f"checks/{name}", "", "no device would run it", cure))
        elif not os.access(path, os.X_OK):
            what = "it is not executable"
            problems.append(Problem(f"checks/{name}", "", what, f"chmod +x checks/{name}"))
        else:
            yield path

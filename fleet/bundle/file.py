"""A bundle as one file: made from a folder, and opened again only if all of it is as it was signed.

An uncompressed tar, read from the front: `metadata/…` of the listing, then `bundle.json` and
`payload.tar`. A device is told the SHA-256 of the whole file by a signed order.
"""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleet.bundle.archive import make_archive_key, write_archive
from fleet.bundle.image import BUNDLE, make_image_key, verify_image, write_image
from fleet.bundle.listing import Listing
from fleet.bundle.manifest import NAME, Kind, Manifest, read_manifest
from fleet.bundle.source import Source, read_source
from fleet.errors import InputError, Problem, RefusedError
from reports.files import written_aside

if TYPE_CHECKING:
    from datetime import datetime

    from fleet.workspace import Workspace

_ARCHIVE_KEY, _IMAGE_KEY = "bundle_archive", "bundle_image"
_METADATA, _MANIFEST, _PAYLOAD = "metadata/", "bundle.json", "payload.tar"
_PART_BYTES_MAX: Final = 8_000_000
_DAY_S: Final = 24 * 3600
DAYS: Final = 90
_CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a bundle is to be: `days` is for how long it may be used, from when it is made."""

    name: str
    kind: Kind
    version: str
    from_versions: tuple[str, ...] = ()
    compatible: str = ""
    days: int = DAYS
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that was found to be whole and ours.

    Attributes
    ----------
    sha256, bytes
        Of the whole file: what a request names, and what has to reach each device.
    """

    path: Path
    manifest: Manifest
    sha256: str
    bytes: int

    @property
    def name(self) -> str:
        """Return the line of versions that it belongs to."""
        return self.manifest.name

    @property
    def kind(self) -> Kind:
        """Return how devices apply it."""
        return self.manifest.kind

    @property
    def version(self) -> str:
        """Return what devices run after it."""
        return self.manifest.version

    @property
    def number(self) -> int:
        """Return its place among the workspace's bundles."""
        return self.manifest.number

    @property
    def from_versions(self) -> tuple[str, ...]:
        """Return what a device has to run before it; nothing for anything."""
        return self.manifest.from_versions

    @property
    def bytes_needed(self) -> int:
        """Return what a device needs free while it applies it."""
        return self.manifest.bytes_needed

    def accepts(self, version: str) -> bool:
        """Return whether it is meant for devices that run a version."""
        return not self.from_versions or version in self.from_versions


def make_bundle(
    workspace: Workspace, folder: Path, wanted: Wanted, target: Path, *, now: datetime
) -> Bundle:
    """Make a bundle from a folder, sign it, and list it among those that may be used.

    Raises
    ------
    InputError
        With every fault of the folder and of what is wanted; then nothing is written.
    FleetError
        When a program that builds it is missing or fails.
    """
    _refuse_names(wanted)
    source = read_source(folder, wanted.kind)
    listing = Listing(workspace.keys)
    with (
        listing.alone(),
        tempfile.TemporaryDirectory(prefix="wingspan-bundle-") as name,
        written_aside(target) as aside,
    ):
        content, payload = Path(name, "content"), Path(name, _PAYLOAD)
        _fill(content, source, wanted, workspace, now)
        _pack(content, payload, at_s=int(now.timestamp()))
        manifest = _manifest(source, wanted, payload, listing.next_number(), now)
        listing.refuse_again(manifest.targets[0])
        with payload.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        of_manifest, of_payload = manifest.targets
        text = manifest.encoded()
        metadata = listing.add(
            {
                of_manifest: (len(text), sha256(text).hexdigest()),
                of_payload: (payload.stat().st_size, digest),
            },
            withdrawn=wanted.withdrawn,
            number=manifest.number,
            now=now,
            days=wanted.days,
        )
        _write(aside, {f"{_METADATA}{n}": m for n, m in metadata.items()}, text, payload)
        whole, size = _hash_of(aside), aside.stat().st_size
    return Bundle(path=target, manifest=manifest, sha256=whole, bytes=size)


def open_bundle(path: Path, workspace: Workspace) -> Bundle:
    """Return a bundle once its metadata, manifest and payload are found to be as they were signed.

    Raises
    ------
    InputError
        When there is no such file, it is no bundle, or this workspace trusts nobody's bundles.
    RefusedError
        When it was tampered with, has expired, was withdrawn, or is mixed from parts of others.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            metadata, text, found = _members(tar)
            manifest = read_manifest(text)
            of_manifest, of_payload = manifest.targets
            listing = Listing(workspace.keys)
            with listing.alone():
                own = {of_manifest: (len(text), sha256(text).hexdigest()), of_payload: found}
                listing.check(metadata, own)
            if manifest.kind is Kind.RAUC:
                _verify_image(tar, workspace)
    except (OSError, tarfile.TarError) as error:
        hint = "wingspan fleet bundle make writes one"
        raise InputError(f"{path} cannot be read as a bundle", hint=hint) from error
    return Bundle(path=path, manifest=manifest, sha256=_hash_of(path), bytes=path.stat().st_size)


def skip_numbers(workspace: Workspace, count: int, *, now: datetime) -> None:
    """Give the next bundle a number so much higher: some may be lost in a restore."""
    listing = Listing(workspace.keys)
    with listing.alone():
        listing.skip(count, now=now, days=DAYS)


def _refuse_names(wanted: Wanted) -> None:
    named = {"--name": wanted.name, "--bundle-version": wanted.version}
    named |= {f"--from-version {each}": each for each in wanted.from_versions}
    cure = "use up to 64 of A-Z, a-z, 0-9, '.', '_' and '-', a letter or digit first"
    problems = [
        Problem(option, "", f"{text!r} is no name", cure)
        for option, text in named.items()
        if not NAME.match(text)
    ]
    if wanted.kind is Kind.RAUC and not NAME.match(wanted.compatible):
        what = "an image is for one kind of device"
        problems.append(Problem("--compatible", "", what, "name it as its system.conf does"))
    if wanted.days < 1:
        problems.append(Problem("--valid-days", "", f"{wanted.days} days", "give 1 or more"))
    if problems:
        raise InputError(f"{len(problems)} problems in what is wanted", problems=problems)


def _fill(
    content: Path, source: Source, wanted: Wanted, workspace: Workspace, now: datetime
) -> None:
    """Lay out what a device unpacks."""
    content.mkdir()
    if source.kind is Kind.GENERIC:
        for entry in source.entries:
            target = content / f"files{entry.path}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source.folder / f"files{entry.path}", target, follow_symlinks=False)
    elif source.kind is Kind.DEBIAN:
        key = workspace.keys / _ARCHIVE_KEY
        make_archive_key(key)
        valid_s = wanted.days * _DAY_S
        place = content / "archive"
        write_archive(source.packages, place, key=key, version=wanted.version, valid_s=valid_s)
    else:
        key = workspace.keys / _IMAGE_KEY
        make_image_key(key, now=now)
        (image,) = source.images
        place, compatible = content / "image", wanted.compatible
        write_image(image, place, key=key, compatible=compatible, version=wanted.version)
    for check in source.checks:
        target = content / check.relative_to(source.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(check, target)


def _pack(content: Path, payload: Path, *, at_s: int) -> None:
    """Write a folder as a tar that is the same for the same content."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = at_s
        return member

    with tarfile.open(payload, "w:", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(content.rglob("*")):
            tar.add(path, path.relative_to(content).as_posix(), recursive=False, filter=plain)


def _manifest(
    source: Source, wanted: Wanted, payload: Path, number: int, now: datetime
) -> Manifest:
    unpacked = payload.stat().st_size
    written = sum(e.bytes for e in source.entries)
    written += sum(package.installed_bytes for package in source.packages)
    return Manifest(
        name=wanted.name,
        kind=wanted.kind,
        version=wanted.version,
        number=number,
        made_s=int(now.timestamp()),
        # The payload unpacked, what it writes, and as much again for what it replaces.
        bytes_needed=unpacked + 2 * written,
        from_versions=wanted.from_versions,
        packages={package.package: package.version for package in source.packages},
        files=source.entries,
        remove=source.remove,
        compatible=wanted.compatible,
    )


def _write(target: Path, metadata: dict[str, bytes], manifest: bytes, payload: Path) -> None:
    with tarfile.open(target, "w:", format=tarfile.PAX_FORMAT) as tar:
        for name, content in {**metadata, _MANIFEST: manifest}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        with payload.open("rb") as file:
            member = tarfile.TarInfo(_PAYLOAD)
            member.size = payload.stat().st_size
            tar.addfile(member, file)


def _members(tar: tarfile.TarFile) -> tuple[dict[str, bytes], bytes, tuple[int, str]]:
    """Return metadata by name, the manifest, and length and hash of the payload."""
    metadata, manifest, payload = dict[str, bytes](), b"", (0, "")
    for member in tar:
        file = tar.extractfile(member)
        if file is None:
            raise RefusedError(f"the bundle holds {member.name!r}, which is no file")
        if member.name == _PAYLOAD:
            payload = (member.size, file_digest(file, "sha256").hexdigest())  # type: ignore[arg-type]
        elif member.size > _PART_BYTES_MAX:
            raise RefusedError(f"{member.name!r} in the bundle is too large to be what it says")
        elif member.name == _MANIFEST:
            manifest = file.read()
        else:
            metadata[member.name.removeprefix(_METADATA)] = file.read()
    return metadata, manifest, payload


def _verify_image(tar: tarfile.TarFile, workspace: Workspace) -> None:
    """Let RAUC itself look at the image, as a device would."""
    inner = tar.extractfile(_PAYLOAD)
    with (
        tarfile.open(fileobj=inner, mode="r:") as payload,
        tempfile.TemporaryDirectory(prefix="wingspan-rauc-") as name,
    ):
        image, found = Path(name, BUNDLE), payload.extractfile(f"image/{BUNDLE}")
        if found is not None:
            with image.open("wb") as file:
                shutil.copyfileobj(found, file)
        verify_image(image, key=workspace.keys / _IMAGE_KEY)


def _hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()

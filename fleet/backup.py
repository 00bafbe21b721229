"""A fleet's registry, keys, log and settings in one file that only its recipient can open (age).

Inside is a tar: a manifest first, then each file. The registry is copied at one moment, from SQLite
or PostgreSQL alike, into a SQLite file of its own; the log is read after it, so that it knows of
everything that the registry does.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from fleet.errors import InputError, RefusedError
from fleet.intent import ENDED, IntentEvent, IntentState, follows
from fleet.registry import Registry
from fleet.registry.copying import copy_registry
from fleet.registry.requests import intents_of, requests_kept, set_intents
from fleet.sealing import identity_of, recipient_of
from fleet.workspace import SETTINGS_FILE
from reports.files import written_aside

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleet.workspace import Workspace

SCHEMA = 1
_MANIFEST, _REGISTRY, _AUDIT = "manifest.json", "registry.db", "audit.jsonl"
# What may come out of a backup, and nothing else: no path out of the workspace.
_NAMES = re.compile(
    r"manifest\.json|registry\.db|audit\.jsonl|wingspan\.toml|inputs/devices\.csv"
    r"|out/topology\.json|keys/[A-Za-z0-9][A-Za-z0-9._-]*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in a backup: SHA-256 of each file, rows of each table, and when it was made."""

    schema: int
    made_at: str
    files: dict[str, str]
    tables: dict[str, int]


def back_up(workspace: Workspace, target: Path, recipient: str) -> Manifest:
    """Write a backup that the recipient alone can open; return what is in it.

    Raises
    ------
    InputError
        When the recipient is neither an age nor an SSH public key, or there is no fleet yet.
    """
    to = recipient_of(recipient)
    with tempfile.TemporaryDirectory(prefix=".backing-up-", dir=workspace.root) as name:
        copied = Path(name, _REGISTRY)
        with (
            Registry.open(workspace.settings().database) as source,
            Registry.create(f"sqlite:///{copied}") as copy,
        ):
            tables = copy_registry(source, copy)
        files = {_REGISTRY: copied, **_files(workspace)}
        # Read once: the log may grow meanwhile, and the manifest has to say what is in the tar.
        small = {part: path.read_bytes() for part, path in files.items() if path != copied}
        manifest = Manifest(
            schema=SCHEMA,
            made_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            files={_REGISTRY: _file_hash(copied)}
            | {part: hashlib.sha256(content).hexdigest() for part, content in small.items()},
            tables=tables,
        )

        def pack(stream: IO[bytes]) -> None:
            with tarfile.open(fileobj=stream, mode="w|gz") as tar:
                _add(tar, _MANIFEST, msgspec.json.encode(asdict(manifest)))
                for part, content in small.items():
                    _add(tar, part, content)
                tar.add(copied, arcname=_REGISTRY)

        with written_aside(target) as aside:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as sealed:
                _encrypt(pack, sealed, to)
    return manifest


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, and for how many devices a change was under way: they are asked first."""

    manifest: Manifest
    suspended: int


def restore(workspace: Workspace, source: Path, identity: Path, *, replace: bool) -> Restored:
    """Put a backup in the place of a workspace's fleet; return what was in it.

    What was there is kept, in a folder beside it. Everything is read and checked first.

    Raises
    ------
    RefusedError
        When there is a fleet already and `replace` does not say that it may go.
    InputError
        When the file cannot be opened with that identity, or is not whole.
    """
    living = _living(workspace)
    if living and not replace:
        hint = "restore into an empty folder, or --replace: what is here is kept beside it"
        raise RefusedError(f"there is a fleet in {workspace.root}: {', '.join(living)}", hint=hint)
    workspace.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restoring-", dir=workspace.root) as name:
        folder = Path(name)
        manifest = _unpack(source, identity, folder)
        _check(folder, manifest)
        _set_aside(workspace, living)
        suspended = _move_in(folder, workspace, manifest)
    return Restored(manifest, suspended)


def _files(workspace: Workspace) -> dict[str, Path]:
    """Return the files to keep, by their names in the backup."""
    single = {
        SETTINGS_FILE: workspace.root / SETTINGS_FILE,
        "inputs/devices.csv": workspace.devices_csv,
        "out/topology.json": workspace.topology,
        _AUDIT: workspace.audit,
    }
    keys = {f"keys/{path.name}": path for path in sorted(workspace.keys.iterdir())}
    return {
        part: path
        for part, path in (keys | single).items()
        if path.is_file() and _NAMES.fullmatch(part)
    }


def _encrypt(pack: Callable[[IO[bytes]], None], sealed: IO[bytes], recipient: Any) -> None:
    """Encrypt what is packed while it is packed: no plain copy meets the disk."""
    import pyrage  # noqa: PLC0415 - only backups need it

    reading, writing = os.pipe()
    failed: list[BaseException] = []

    def write() -> None:
        try:
            with os.fdopen(writing, "wb") as stream:
                pack(stream)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    packer = threading.Thread(target=write)
    packer.start()
    try:
        with os.fdopen(reading, "rb") as stream:
            pyrage.encrypt_io(stream, sealed, [recipient])
    finally:
        packer.join()
    if failed:
        raise failed[0]


def _unpack(source: Path, identity: Path, folder: Path) -> Manifest:
    """Decrypt into a folder; no more than the files that a backup may hold."""
    import pyrage  # noqa: PLC0415

    plain = folder / ".tar"
    descriptor = os.open(plain, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as tar_file:
        plain.unlink()  # It has no name from here on, and is gone with us whatever happens.
        try:
            with source.open("rb") as sealed:
                pyrage.decrypt_io(sealed, tar_file, [identity_of(identity)])
        except FileNotFoundError as error:
            raise InputError(f"there is no {source}") from error
        except pyrage.DecryptError as error:
            hint = "give the identity of the recipient that the backup was made for"
            raise InputError(f"{identity} does not open {source}", hint=hint) from error
        except OSError as error:
            if error.errno is not None:
                raise  # The disk's fault, not the file's.
            raise InputError(f"{source} is damaged or cut short") from error
        tar_file.seek(0)
        try:
            _extract(tar_file, folder)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise InputError(f"{source} is not a whole backup") from error
    try:
        return msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise InputError(f"{source} is not a backup of a fleet") from error


def _extract(tar_file: IO[bytes], folder: Path) -> None:
    with tarfile.open(fileobj=tar_file, mode="r:gz") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or not _NAMES.fullmatch(member.name):
                raise InputError(f"the backup has a {member.name!r}, which has no place in one")
            target = folder / member.name
            target.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                while part := content.read(io.DEFAULT_BUFFER_SIZE * 64):
                    file.write(part)


def _check(folder: Path, manifest: Manifest) -> None:
    """Refuse a backup whose files are not those of its manifest."""
    found = {
        str(path.relative_to(folder)): _file_hash(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name != _MANIFEST
    }
    wrong = sorted(part for part, digest in manifest.files.items() if found.get(part) != digest)
    wrong += sorted(set(found) - set(manifest.files))
    if wrong:
        raise InputError(f"the backup is not whole: {', '.join(wrong)}")


def _living(workspace: Workspace) -> list[str]:
    """Return what a workspace has of a fleet: keys, a log, devices in its registry."""
    found = [path.name for path in (workspace.keys, workspace.audit) if path.exists()]
    with suppress(InputError), Registry.open(workspace.settings().database) as registry:
        found.append(f"{registry.count():,} devices")
    return found


def _set_aside(workspace: Workspace, living: list[str]) -> None:
    """Keep what is there in a folder beside it; a database of a server is not ours to move."""
    if not living:
        return
    url = workspace.settings().database
    if not url.startswith("sqlite"):
        with suppress(InputError), Registry.open(url) as registry:
            if registry.count():
                hint = "name an empty database in wingspan.toml or WINGSPAN_DATABASE"
                raise RefusedError("the database has devices already", hint=hint)
    kept = workspace.root / f"before-restore-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    kept.mkdir(mode=0o700)
    registry_file = _sqlite_file(url)
    beside = [registry_file.with_name(registry_file.name + end) for end in ("", "-wal", "-shm")]
    for path in (workspace.keys, workspace.audit, *beside):
        if path.exists():
            path.rename(kept / path.name)


def _move_in(folder: Path, workspace: Workspace, manifest: Manifest) -> int:
    url = workspace.settings().database
    with (
        Registry.open(f"sqlite:///{folder / _REGISTRY}") as copy,
        Registry.create(url) as registry,
    ):
        copy_registry(copy, registry)
        suspended = suspend_intents(registry)
    for part in manifest.files:
        target = workspace.root / part
        if part == _REGISTRY or (target.exists() and not part.startswith("keys/")):
            continue  # Settings and inputs that are here are newer; they stay.
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / part).replace(target)
    workspace.keys.chmod(0o700)
    return suspended


def suspend_intents(registry: Registry) -> int:
    """Suspend what was not over when a backup was made, and return how many devices it was for.

    Since then a device may have acted: it is asked before anything more is asked of it.
    """
    suspended = 0
    with registry.writing() as connection:
        names = [one.request for one in requests_kept(connection)]
        for name, intents in intents_of(connection, names).items():
            changes = [
                {
                    "device": one.device,
                    "before": one.state,
                    "state": follows(IntentState(one.state), IntentEvent.RESTORE).value,
                    "why": "brought back by a backup, and not asked since",
                }
                for one in intents
                if one.state not in ENDED
            ]
            set_intents(connection, name, changes, datetime.now(UTC))
            suspended += len(changes)
    return suspended


def _sqlite_file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = len(content), 0o600, int(time.time())
    tar.addfile(member, io.BytesIO(content))


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

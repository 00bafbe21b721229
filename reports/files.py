"""Writing a file so that a reader sees the old one or the new one, never half of either."""

from __future__ import annotations

import ctypes
import fcntl
import glob
import os
import shutil
import stat
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Names in the folder beside a target, which is hidden and called ".TARGET.xxxxxxxx.writing".
_WRITING = ".writing"
_NEW, _OLD, _ALIVE = "new", "old", ".alive"

# From Linux's fcntl.h and fs.h; Python does not offer the call.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextmanager
def written_aside(target: Path) -> Iterator[Path]:
    """Yield a temporary path in the target's folder; rename it onto the target on success.

    On any failure the temporary file goes and the target stays as it was. The content is
    flushed to the disk before the rename, so that a power cut leaves old or new as well.

    Raises
    ------
    OSError
        When the folder cannot be written or the disk is full.
    """
    with _workshop(target) as workshop:
        aside = workshop / target.name  # The same suffix: writers choose their format by it.
        yield aside
        _flush(aside, of=target.parent)
        aside.replace(target)
        _flush(target.parent)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text aside, then rename."""
    with written_aside(target) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def folder_written_aside(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the target folder's place on success.

    The two trade places in one step. Where the system cannot do that, the old folder is renamed
    away first; a process killed in between leaves neither, and the next to write here begins by
    bringing the old one back.

    Raises
    ------
    OSError
        When the parent folder cannot be written or the disk is full.
    """
    with _workshop(target) as workshop:
        new, old = workshop / _NEW, workshop / _OLD
        new.mkdir()
        yield new
        for path in (new, *sorted(new.rglob("*"))):
            _flush(path, of=target.parent)
        if not (target.exists() and _exchanged(new, target)):
            _move_in(new, target, old=old)
        _flush(target.parent)


@contextmanager
def _workshop(target: Path) -> Iterator[Path]:
    """Yield a new folder beside the target; it goes in the end, as do those of killed writers.

    A lock in the folder says that its writer lives: the system drops it with the process.
    """
    try:
        make_folder(target.parent)
        with ExitStack() as held:
            # One writer at a time begins, lest another take a folder not yet locked for left.
            with _lock(target.parent, wait=True) as alone:
                if alone:
                    _clear_left(target)
                prefix = f".{target.name}."
                folder = Path(tempfile.mkdtemp(_WRITING, prefix, dir=target.parent))
                held.enter_context(_lock(folder / _ALIVE))
                held.callback(shutil.rmtree, folder, ignore_errors=True)
            yield folder
    except OSError as error:
        if error.errno is not None and _is_hidden(error.filename, target):
            # A person knows the target, not the folder beside it.
            error.filename, error.filename2 = str(target), None
        raise


def _is_hidden(name: str | None, target: Path) -> bool:
    return name is None or f"{os.sep}.{target.name}." in str(name)


def _clear_left(target: Path) -> None:
    """Remove the folders of writers that were killed, bringing back what one had renamed away."""
    for folder in sorted(target.parent.glob(f".{glob.escape(target.name)}.*{_WRITING}")):
        with _lock(folder / _ALIVE) as left:
            if not left:
                continue  # Its writer is at work.
            if (folder / _OLD).exists() and not target.exists():
                (folder / _OLD).rename(target)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _lock(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold the lock of a folder or file for the block; yield whether it could be had.

    It cannot where another holds it, and on a network's file system without locks.
    """
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT
    with ExitStack() as opened:
        had = False
        with suppress(OSError):
            descriptor = os.open(path, flags, 0o600)
            opened.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            had = True
        yield had


def _exchanged(one: Path, other: Path) -> bool:
    """Let two names trade places in one step, and return whether the system could."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    names = (os.fsencode(one), os.fsencode(other))
    return bool(rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def _move_in(new: Path, target: Path, *, old: Path) -> None:
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def make_folder(folder: Path, *, mode: int = 0o777) -> None:
    """Make a folder and those above it that are missing, each for whom the one above is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=mode, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        hand_over(descriptor, folder.parent)
    finally:
        os.close(descriptor)


def hand_over(descriptor: int, folder: Path) -> None:
    """Give what root has just made in another's folder to them, as if they had made it.

    Their service could not read it otherwise. A file that has a second name is left: it may be
    one of root's own.
    """
    made, owner = os.fstat(descriptor), folder.stat()
    has_one_name = stat.S_ISDIR(made.st_mode) or made.st_nlink == 1
    if os.geteuid() == made.st_uid == 0 != owner.st_uid and has_one_name:
        with suppress(OSError):  # A network's file system may not know whose a file is.
            os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _flush(path: Path, *, of: Path | None = None) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if of is not None:
            hand_over(descriptor, of)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

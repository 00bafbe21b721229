"""Writing a file so that a reader sees the old one or the new one, never half of either."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    aside = folder / target.name  # The same suffix: writers choose their format by it.
    try:
        yield aside
        _flush(aside)
        aside.replace(target)
        _flush(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text aside, then rename."""
    with written_aside(target) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def folder_written_aside(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes the target folder's place on success.

    A folder cannot be replaced in one step: the old one is renamed away first, and comes back
    if the new one cannot take its place.

    Raises
    ------
    OSError
        When the parent folder cannot be written or the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    aside, old = workshop / "new", workshop / "old"
    aside.mkdir()
    try:
        yield aside
        for path in sorted(aside.rglob("*")):
            _flush(path)
        if target.exists():
            target.rename(old)
        try:
            aside.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        _flush(target.parent)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

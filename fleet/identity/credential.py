"""What a client shows a device to be let in: a private key and, after enrolment, a certificate."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEMORY = Path("/dev/shm")  # noqa: S108 - a private folder is made in it, so no key meets a disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A private key, kept out of every printed form, and its certificate.

    Attributes
    ----------
    private_key
        OpenSSH PEM text, not encrypted: it lives in memory and as long as its certificate.
    certificate
        One line as in an OpenSSH `-cert.pub` file; empty for the bootstrap key, which has none.
    """

    private_key: str = field(repr=False)
    certificate: str = ""

    @contextmanager
    def files(self) -> Iterator[Path]:
        """Yield a private folder with `key` and `key-cert.pub` for OpenSSH; it goes at the end.

        The folder is in memory where the system has such a place.
        """
        place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        folder = Path(tempfile.mkdtemp(prefix="wingspan-", dir=place))
        try:
            descriptor = os.open(folder / "key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as key:
                key.write(self.private_key)
            if self.certificate:
                (folder / "key-cert.pub").write_text(self.certificate + "\n", encoding="ascii")
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

"""What a bundle says of itself: what it is, whom it is for, and each file or package in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

import msgspec

from fleet.errors import InputError

SCHEMA: Final = 1
# As the registry takes a version of a device.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


class Kind(StrEnum):
    """What a bundle is made of, and so how a device applies it."""

    DEBIAN = "debian"
    GENERIC = "generic"
    RAUC = "rauc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of a generic bundle: its full path on the device, or where a link there leads.

    `mode` are its permissions as a number; of a link it is 0, as are its bytes.
    """

    path: str
    mode: int = 0
    bytes: int = 0
    sha256: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The file `bundle.json` of a bundle.

    Attributes
    ----------
    number
        Rises with each bundle that a workspace makes; a device never goes back within a name.
    from_versions
        What a device has to run for this bundle to be meant for it; empty for anything.
    bytes_needed
        What a device needs free while it applies it.
    packages
        Each Debian package with its pinned version.
    files, remove
        What a generic bundle writes, and which paths it takes away.
    compatible
        The kind of device that an image is for, as RAUC compares it.
    """

    schema: int = SCHEMA
    name: str
    kind: Kind
    version: str
    number: int
    made_s: int
    bytes_needed: int
    from_versions: tuple[str, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Entry, ...] = ()
    remove: tuple[str, ...] = ()
    compatible: str = ""

    def encoded(self) -> bytes:
        """Return it as it stands in a bundle."""
        return json.dumps(asdict(self), sort_keys=True, indent=1).encode() + b"\n"

    @property
    def targets(self) -> tuple[str, str]:
        """Return the names that its manifest and its payload are listed under."""
        folder = f"{self.name}/{self.version}"
        return f"{folder}/bundle.json", f"{folder}/payload.tar"


def read_manifest(encoded: bytes) -> Manifest:
    """Return the manifest of some bytes.

    Raises
    ------
    InputError
        When they are none, or one of a schema that we do not know.
    """
    try:
        manifest = msgspec.json.decode(encoded, type=Manifest)
    except msgspec.MsgspecError as error:
        raise InputError("bundle.json is no manifest", hint="make the bundle again") from error
    if manifest.schema != SCHEMA:
        what = f"bundle.json has schema {manifest.schema}, not {SCHEMA}"
        raise InputError(what, hint="verify it with the version of Wingspan that made it")
    return manifest

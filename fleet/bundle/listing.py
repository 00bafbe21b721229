"""Which bundles are ours: metadata of The Update Framework, written and checked by python-tuf.

Four roles, a key each, and two for the root, which both have to sign. The metadata that was seen
last is kept, so that nobody can bring an older listing back (rollback), keep a newer one from us
for ever (freeze: all of it expires), or mix parts of two (mix-and-match: each names the next by
number and hash).
"""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from fcntl import LOCK_EX, flock
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater

from fleet.errors import InputError, RefusedError
from fleet.identity.keys import make_key, read_private, write_private

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_STATE: Final = "bundles.json"
_ROOT_KEYS: Final = ("bundle_root", "bundle_root_2")
_ROLES: Final = {
    Targets.type: "bundle_targets",
    Snapshot.type: "bundle_snapshot",
    Timestamp.type: "bundle_timestamp",
}
_ROOT_DAYS: Final = 3 * 365
_ANYWHERE: Final = "file:///metadata/"
_Role = TypeVar("_Role", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class Listing:
    """The listing of bundles that a workspace makes or trusts, in its folder of keys."""

    keys: Path

    def add(
        self,
        targets: Mapping[str, tuple[int, str]],
        *,
        withdrawn: Collection[str] = (),
        number: int,
        now: datetime,
        days: int,
    ) -> dict[str, bytes]:
        """List more targets (name → bytes and SHA-256), and return all metadata files by name.

        Those whose folder is `withdrawn` (NAME/VERSION) are no longer listed. What the workspace
        trusts is then this listing; call it inside `alone`.
        """
        state = self._state() or {}
        ends = now + timedelta(days=days)
        roots = self._roots(state, now, ends)
        listed = Targets(version=number, expires=ends)
        if "targets" in state:
            listed.targets |= _read(state["targets"], Targets).targets
        for name in [n for n in listed.targets if n.rpartition("/")[0] in withdrawn]:
            del listed.targets[name]
        for name, (length, digest) in targets.items():
            listed.targets[name] = TargetFile(length, {"sha256": digest}, name)
        encoded = self._signed(listed)
        snapshot = Snapshot(
            version=number, expires=ends, meta={"targets.json": _named(encoded, number)}
        )
        snapped = self._signed(snapshot)
        timestamp = Timestamp(version=number, expires=ends, snapshot_meta=_named(snapped, number))
        stamped = self._signed(timestamp)
        parts = {"targets": encoded, "snapshot": snapped, "timestamp": stamped}
        self._keep(roots | {name: part.decode() for name, part in parts.items()})
        return {f"{name}.json": root.encode() for name, root in roots.items()} | {
            "timestamp.json": stamped,
            f"{number}.snapshot.json": snapped,
            f"{number}.targets.json": encoded,
        }

    def next_number(self) -> int:
        """Return the number of the next listing."""
        state = self._state() or {}
        return _read(state["targets"], Targets).version + 1 if "targets" in state else 1

    def skip(self, count: int, *, now: datetime, days: int) -> None:
        """Sign the same listing under a number so much later; where none is made, do nothing.

        Call it inside `alone`.
        """
        if "targets" in (self._state() or {}) and (self.keys / _ROLES[Targets.type]).exists():
            self.add({}, number=self.next_number() + count, now=now, days=days)

    def refuse_again(self, target: str) -> None:
        """Refuse a name that is listed already: two bundles of one name would be one too many.

        Raises
        ------
        InputError
            When it is.
        """
        state = self._state() or {}
        if "targets" in state and target in _read(state["targets"], Targets).targets:
            made = target.rpartition("/")[0]
            raise InputError(f"{made} was made before", hint="give it another --bundle-version")

    def check(self, metadata: Mapping[str, bytes], targets: Mapping[str, tuple[int, str]]) -> None:
        """Refuse what this metadata, or a later one seen before, does not list; remember it.

        Raises
        ------
        InputError
            When this workspace trusts nobody's bundles.
        RefusedError
            Naming what is wrong: a signature, an end that is over, a rollback, a mixture.
        """
        state = self._state()
        if state is None:
            hint = "make one here, or bring keys/bundles.json from where bundles are made"
            raise InputError("this workspace trusts nobody's bundles yet", hint=hint)
        seen = _read(state["timestamp"], Timestamp).version if "timestamp" in state else 0
        newer = _version(metadata.get("timestamp.json", b"")) > seen
        with tempfile.TemporaryDirectory(prefix="wingspan-tuf-") as name:
            folder = Path(name)
            if newer and seen:
                for role in _ROLES:
                    (folder / f"{role}.json").write_text(state[role], encoding="utf-8")
            updater = Updater(
                metadata_dir=str(folder),
                metadata_base_url=_ANYWHERE,
                fetcher=_Members(metadata),
                bootstrap=state["1.root"].encode(),
            )
            with _refusals():
                updater.refresh()
            for target, found in targets.items():
                _refuse_unlisted(target, updater.get_targetinfo(target), found)
            if newer:
                self._keep(_kept(folder))
                return
        # Whole by itself, and listed still by what was seen last.
        trusted = _read(state["targets"], Targets).targets
        for target, found in targets.items():
            _refuse_unlisted(target, trusted.get(target), found, since=seen)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one at a time change the listing."""
        self.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.keys / f".{_STATE}.lock").open("w") as lock:
            flock(lock, LOCK_EX)
            yield

    def _roots(self, state: Mapping[str, str], now: datetime, ends: datetime) -> dict[str, str]:
        """Return every root by name, the first and a later one where those before end too soon."""
        roots = {name: text for name, text in state.items() if name.endswith(".root")}
        for name in (*_ROOT_KEYS, *_ROLES.values()):
            make_key(self.keys / name)
        if roots:
            last = _read(roots[f"{len(roots)}.root"], Root)
            if last.expires > ends:
                return roots
        root = Root(
            version=len(roots) + 1,
            expires=max(ends, now + timedelta(days=_ROOT_DAYS)),
            consistent_snapshot=True,
        )
        for key in _ROOT_KEYS:
            root.add_key(self._signer(key).public_key, Root.type)
        root.roles[Root.type].threshold = len(_ROOT_KEYS)
        for role, key in _ROLES.items():
            root.add_key(self._signer(key).public_key, role)
        signed = Metadata(root)
        for key in _ROOT_KEYS:
            signed.sign(self._signer(key), append=True)
        return roots | {f"{root.version}.root": signed.to_bytes().decode()}

    def _signed(self, role: _Role) -> bytes:
        signed: Metadata[_Role] = Metadata(role)
        signed.sign(self._signer(_ROLES[role.type]))
        return signed.to_bytes()

    def _signer(self, key: str) -> CryptoSigner:
        return CryptoSigner(read_private(self.keys / key))

    def _state(self) -> dict[str, str] | None:
        try:
            state: dict[str, str] = json.loads((self.keys / _STATE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return state

    def _keep(self, state: Mapping[str, str]) -> None:
        write_private(self.keys / _STATE, json.dumps(dict(state), sort_keys=True) + "\n")


class _Members(FetcherInterface):
    """Metadata that came with a bundle, as if fetched from a server."""

    def __init__(self, metadata: Mapping[str, bytes]) -> None:
        self._metadata = metadata

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix(_ANYWHERE)
        if name not in self._metadata:
            raise DownloadHTTPError(f"there is no {name}", 404)
        return iter([self._metadata[name]])


@contextmanager
def _refusals() -> Iterator[None]:
    """Say in our words what python-tuf refuses."""
    hint = "get the bundle again from where it was made"
    try:
        yield
    except ExpiredMetadataError as error:
        anew = "make the bundle again; what has expired may be all that somebody lets us see"
        raise RefusedError("the bundle's metadata has expired (freeze)", hint=anew) from error
    except BadVersionNumberError as error:
        what = "the bundle's metadata is older than what was seen before (rollback)"
        raise RefusedError(what, hint=hint) from error
    except LengthOrHashMismatchError as error:
        what = "the bundle's metadata does not belong together (mix-and-match)"
        raise RefusedError(what, hint=hint) from error
    except UnsignedMetadataError as error:
        what = "the bundle's metadata is not signed by the keys that this workspace trusts"
        raise RefusedError(what, hint=hint) from error
    except DownloadError as error:
        what = "a part of the bundle's metadata is missing (mix-and-match)"
        raise RefusedError(what, hint=hint) from error
    except RepositoryError as error:
        raise RefusedError("the bundle's metadata cannot be read", hint=hint) from error


def _refuse_unlisted(
    name: str, listed: TargetFile | None, found: tuple[int, str], *, since: int = 0
) -> None:
    what = name.rpartition("/")[2]
    if listed is None:
        if since:
            why = f"{name} is no longer listed since number {since} (rollback)"
            raise RefusedError(why, hint="it was withdrawn: use a later bundle")
        raise RefusedError(f"the bundle's metadata does not list {name} (mix-and-match)")
    if (listed.length, listed.hashes.get("sha256")) != found:
        hint = "get the bundle again from where it was made"
        raise RefusedError(f"{what} in the bundle is not the one that was signed", hint=hint)


def _read(text: str, _kind: type[_Role]) -> _Role:
    read: Metadata[_Role] = Metadata.from_bytes(text.encode())
    return read.signed


def _named(encoded: bytes, number: int) -> MetaFile:
    return MetaFile(number, len(encoded), {"sha256": sha256(encoded).hexdigest()})


def _version(timestamp: bytes) -> int:
    """Return the number that a timestamp claims, before anything of it is checked."""
    try:
        version = json.loads(timestamp)["signed"]["version"]
    except (ValueError, KeyError, TypeError):
        return 0
    return version if isinstance(version, int) else 0


def _kept(folder: Path) -> dict[str, str]:
    """Return what python-tuf leaves of metadata that it has accepted."""
    roots = (folder / "root_history").glob("*.root.json")
    kept = {path.name.removesuffix(".json"): path.read_text(encoding="utf-8") for path in roots}
    return kept | {role: (folder / f"{role}.json").read_text(encoding="utf-8") for role in _ROLES}

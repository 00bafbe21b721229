#!/usr/bin/python3 -ISE
"""Bundles on this device: brought here in parts, and complete only once their hash is right.

A bundle is named by the SHA-256 of its whole file, which a signed order states. `NAME.part` is what
has come so far; it takes its name when it is whole.
"""

import hashlib
import json
import os
import tarfile
import time
import urllib.request

FOLDER = "/var/lib/wingspan/bundles"
CHUNK = 1 << 18
PATIENCE_S = 60
MANIFEST, PAYLOAD = "bundle.json", "payload.tar"
# As fleet/bundle/source.py has it; a test compares the two.
FORBIDDEN = (
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


class SpoiltError(Exception):
    """A bundle is not what its order names."""


def place(name):
    return os.path.join(FOLDER, name)


def standing(name):
    """Return how many bytes of a bundle are here, and whether that is all."""
    for path, complete in ((place(name), True), (f"{place(name)}.part", False)):
        try:
            return {"bundle_sha256": name, "have": os.stat(path).st_size, "complete": complete}
        except FileNotFoundError:
            continue
    return {"bundle_sha256": name, "have": 0, "complete": False}


def take_over(name, path):
    """Take a file that somebody put on this device as a bundle."""
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    os.replace(path, f"{place(name)}.part")
    finish(name)


def pull(name, source, size):
    """Fetch a bundle over HTTP from where the last try ended, as fast as `rate_bytes_s` allows."""
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    part = f"{place(name)}.part"
    have = standing(name)["have"]
    if have < size:
        request = urllib.request.Request(  # noqa: S310 - what comes is compared with a signed hash
            source["url"], headers={"Range": f"bytes={have}-"} if have else {}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - likewise
            # Who does not know ranges sends it from the front.
            mode = "ab" if answer.status == 206 else "wb"  # noqa: PLR2004 - Partial Content
            with open(part, mode) as file:
                poured(answer, file, int(source.get("rate_bytes_s") or 0), size)
    finish(name)


def poured(answer, file, rate_bytes_s, size):
    began_s, done = time.monotonic(), 0
    while chunk := answer.read(min(CHUNK, rate_bytes_s or CHUNK)):
        file.write(chunk)
        done += len(chunk)
        if file.tell() > size:
            raise SpoiltError(f"more came than the {size} bytes that were signed")
        if rate_bytes_s:
            time.sleep(max(0.0, began_s + done / rate_bytes_s - time.monotonic()))
    file.flush()
    os.fsync(file.fileno())


def finish(name):
    """Give a part the name of the bundle if it is the whole of it; drop what is another."""
    part = f"{place(name)}.part"
    if digest_of(part) != name:
        os.unlink(part)
        raise SpoiltError("what came is not the bundle that was signed; it was thrown away")
    os.replace(part, place(name))
    folder = os.open(FOLDER, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
        os.fsync(file.fileno())
    return digest.hexdigest()


def opened(name):
    """Return what a bundle says of itself, once it is found to be the one that was signed."""
    if digest_of(place(name)) != name:
        os.unlink(place(name))
        raise SpoiltError("the bundle here is not as it was signed; it was thrown away")
    with tarfile.open(place(name), "r:") as tar:
        return json.load(tar.extractfile(MANIFEST))


def unpack(name, folder):
    """Lay out the payload of a bundle in a folder."""
    with (
        tarfile.open(place(name), "r:") as tar,
        tarfile.open(fileobj=tar.extractfile(PAYLOAD), mode="r:") as payload,
    ):
        for member in payload:
            if not stays_within(member.name):
                raise SpoiltError(f"{member.name!r} would leave the bundle")
            if not member.issym():  # The manifest says where links lead.
                payload.extract(member, folder, numeric_owner=True)


def stays_within(name):
    return not name.startswith("/") and ".." not in name.split("/")


def forbidden(path):
    """Return whether no bundle may touch a path."""
    if not path.startswith("/") or os.path.normpath(path) != path or path == "/":
        return True
    return any(path == each or path.startswith(f"{each}/") for each in FORBIDDEN)


def forget_older(name):
    """Drop the bundles that came before one."""
    since = os.stat(place(name)).st_mtime
    for other in os.listdir(FOLDER):
        path = place(other)
        if other != name and os.stat(path).st_mtime < since:
            os.unlink(path)

#!/usr/bin/python3 -ISE
"""A generic bundle: files that it writes, paths that it takes away."""

import hashlib
import os
import shutil

import wingspan_snapshot as snapshot


def paths(manifest, folder):
    """Return what applying the bundle may change."""
    del folder  # The manifest names every file.
    return [*(entry["path"] for entry in manifest["files"]), *manifest["remove"]]


def apply(manifest, folder, given):
    """Write each file aside, flush it, and rename it; again where that was broken off."""
    del given
    for entry in manifest["files"]:
        path = entry["path"]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if entry["link"]:
            snapshot.linked(entry["link"], path)
            continue
        aside = f"{path}.wingspan-new"
        shutil.copyfile(os.path.join(folder, f"files{path}"), aside)
        os.chmod(aside, entry["mode"])
        with open(aside, "rb") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
    for path in manifest["remove"]:
        snapshot.removed(path)
    snapshot.flush("/")


def faults(manifest):
    """Return what is not as the bundle has it."""
    found = []
    for entry in manifest["files"]:
        path = entry["path"]
        if entry["link"]:
            right = os.path.islink(path) and os.readlink(path) == entry["link"]
        else:
            right = os.path.isfile(path) and digest_of(path) == entry["sha256"]
        if not right:
            found.append(f"{path} is not as the bundle has it")
    return found + [
        f"{path} is still there" for path in manifest["remove"] if os.path.lexists(path)
    ]


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def restore(manifest, kept):
    """Take away what was written aside and never renamed."""
    del kept
    for entry in manifest["files"]:
        snapshot.removed(f"{entry['path']}.wingspan-new")

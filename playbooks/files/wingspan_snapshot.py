#!/usr/bin/python3 -ISE
"""Files as they were, kept beside until an update has ended one way or the other.

A copy is put back by renaming it, which needs no room on a full disk, and may be broken off and
begun again: what has no copy any more is back already.
"""

import json
import os
import shutil
import stat
import subprocess

SYNC = "/usr/bin/sync"


def take(folder, paths):
    """Keep some paths as they are now; the folder must not hold another snapshot."""
    saved = os.path.join(folder, "saved")
    shutil.rmtree(saved, ignore_errors=True)
    os.makedirs(saved, mode=0o700)
    entries = []
    for path in sorted({*paths, *missing_folders(paths)}):
        entries.append(kept(path, os.path.join(saved, str(len(entries)))))
    with open(os.path.join(folder, "snapshot.json"), "w", encoding="utf-8") as file:
        json.dump(entries, file)
    flush(folder)


def missing_folders(paths):
    """Return the folders above some paths that are not there yet."""
    missing = set()
    for path in paths:
        above = os.path.dirname(path)
        while above not in missing and not os.path.lexists(above):
            missing.add(above)
            above = os.path.dirname(above)
    return missing


def kept(path, copy):
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"path": path, "was": "absent"}
    if stat.S_ISDIR(status.st_mode):
        return {"path": path, "was": "folder"}
    if stat.S_ISLNK(status.st_mode):
        return {"path": path, "was": "link", "to": os.readlink(path)}
    shutil.copyfile(path, copy)
    os.chown(copy, status.st_uid, status.st_gid)  # Takes capabilities away: before they are copied.
    shutil.copystat(path, copy)
    return {"path": path, "was": "file"}


def paths(folder):
    """Return what a snapshot has kept, or kept in mind as absent."""
    return {entry["path"] for entry in entries_of(folder)}


def entries_of(folder):
    with open(os.path.join(folder, "snapshot.json"), encoding="utf-8") as file:
        return json.load(file)


def put_back(folder):
    """Make every path of a snapshot as it was."""
    entries = entries_of(folder)
    # The deepest first: a folder goes once it is empty.
    for number, entry in reversed(list(enumerate(entries))):
        copy = os.path.join(folder, "saved", str(number))
        if entry["was"] == "file" and os.path.lexists(copy):
            moved(copy, entry["path"])
        elif entry["was"] == "link":
            linked(entry["to"], entry["path"])
        elif entry["was"] == "absent":
            removed(entry["path"])
    flush("/")
    flush(folder)


def moved(copy, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    try:
        os.replace(copy, path)
    except OSError:  # On another file system.
        shutil.copy2(copy, path)
        status = os.stat(copy)
        os.chown(path, status.st_uid, status.st_gid)


def linked(to, path):
    if os.path.islink(path) and os.readlink(path) == to:
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    aside = f"{path}.wingspan-new"
    removed(aside)
    os.symlink(to, aside)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    os.replace(aside, path)


def removed(path):
    """Take a path away; a folder only when it is empty, as it may hold what is not ours."""
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)
        else:
            os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        if not os.path.isdir(path):
            raise


def flush(path):
    """Write everything of the file system that a path is on to the disk."""
    subprocess.run((SYNC, "-f", path), check=True, timeout=600)  # noqa: S603 - by its full path

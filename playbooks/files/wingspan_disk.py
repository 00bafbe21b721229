"""Files of a device, each replaced in one step and flushed, and what is done about them later.

A part of `wingspan_trust.py`; standard library alone, Python 3.9 or later.
"""

import contextlib
import json
import os
import subprocess
import time


class RefusalError(Exception):
    """What this device will not do, and why."""


def flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path, text, mode=0o644):
    """Write a file aside, flush it, and rename it into its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".writing")
    content = text if isinstance(text, bytes) else text.encode()
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise
    flush(path.parent)


def link(path, target):
    """Let a name point to a target by one rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".writing")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    aside.replace(path)
    flush(path.parent)


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def run(*words, data=None):
    words = [str(word) for word in words]
    return subprocess.run(  # noqa: S603 - no shell, and no word from outside but as data
        words, input=data, capture_output=True, check=False, timeout=60
    )


def later(after_s, act):
    """Leave a process behind that does something after a while, whoever has gone by then."""
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(3, 256)
    time.sleep(after_s)
    with contextlib.suppress(Exception):
        act()
    os._exit(0)

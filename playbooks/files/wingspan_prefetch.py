#!/usr/bin/python3 -ISE
"""The bytes of a bundle as they arrive, over one connection, none of them twice.

Runs as root. The first line of its input is the order that the bundle is for, as one JSON object;
it answers with a line that says how many bytes are here, takes those that follow, and says in a
last line what came of it. What has arrived is handed on only when it is the bundle that was signed.
"""

import fcntl
import json
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wingspan_bundle as bundles
import wingspan_order as order
import wingspan_update as update

INCOMING = "/var/lib/wingspan/incoming"
# So much stays free beside the bundle.
FREE_BYTES = 16 * 1024 * 1024
# Who sends nothing for so long has gone, and what came is for the next to go on from.
SILENCE_S = 120
_CHUNK = 1024 * 1024


def receive(stream):
    """Take what is missing of a bundle, and return what is here then."""
    given = json.loads(stream.readline())
    standing = update.prefetch({**given, "source": {}})
    if standing["complete"]:
        return say(standing)
    parameters = json.loads(given["request"])["parameters"]
    name, size = parameters["bundle_sha256"], int(parameters["bytes"])
    path = os.path.join(INCOMING, name)
    forget_others(name)
    make_sure_of_room(size - arrived(path))
    os.makedirs(INCOMING, mode=0o700, exist_ok=True)
    with open(path, "ab") as arriving:
        hold(arriving)
        have = arriving.tell()
        if have > size:
            arriving.truncate(0)
            have = 0
        say({**standing, "have": have})
        left = pour(stream, arriving, size - have)
        if left:
            raise order.NotYetError(f"{left} bytes of the bundle did not come")
        try:
            bundles.take_over(name, path)
        except bundles.SpoiltError as error:
            raise order.RefusalError(str(error)) from error
    return bundles.standing(name)


def forget_others(name):
    """Remove what is left of other bundles: one at a time arrives."""
    for other in os.listdir(INCOMING) if os.path.isdir(INCOMING) else ():
        if other != name:
            os.unlink(os.path.join(INCOMING, other))


def arrived(path):
    """Return how many bytes of a bundle are here."""
    return os.path.getsize(path) if os.path.exists(path) else 0


def hold(arriving):
    """Have a bundle arrive from one sender at a time."""
    try:
        fcntl.flock(arriving, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise order.NotYetError("another is bringing this bundle") from error


def make_sure_of_room(needed):
    free = shutil.disk_usage(os.path.dirname(INCOMING)).free
    if free < needed + FREE_BYTES:
        words = f"{free // _CHUNK} MB are free, and {(needed + FREE_BYTES) // _CHUNK} MB are needed"
        raise order.NotYetError(words)


def pour(stream, arriving, left):
    """Take so many bytes, or those that come; return how many did not."""
    try:
        while left:
            signal.alarm(SILENCE_S)  # Which ends this program.
            chunk = stream.read1(min(left, _CHUNK))
            if not chunk:
                break
            arriving.write(chunk)
            left -= len(chunk)
    finally:
        signal.alarm(0)
        arriving.flush()
        os.fsync(arriving.fileno())
    return left


def say(answer):
    """Write a line to the sender, who waits for it."""
    print(json.dumps(answer), flush=True)
    return answer


def main():
    """Take a bundle."""
    os.umask(0o077)
    return order.answered(lambda: receive(sys.stdin.buffer))


if __name__ == "__main__":
    sys.exit(main())

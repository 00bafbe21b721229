#!/usr/bin/python3 -ISE
"""The bytes of a bundle as they arrive: in parts, each of which need not come twice.

Runs as root and reads the order that the bundle is for, with the size of the parts, as one JSON
object from its input. What has arrived is handed on only when it is the bundle that was signed.

    missing   say which parts are not there, and make room for them
    gather    join the parts, and hand the bundle to what applies it
"""

import json
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wingspan_order as order
import wingspan_update as update

INCOMING = "/var/lib/wingspan/incoming"
# So much stays free beside the parts and the bundle that they are joined to.
FREE_BYTES = 16 * 1024 * 1024
_CHUNK = 1024 * 1024


def missing(given):
    """Return the numbers of the parts that are not there in full; none when the bundle is."""
    if update.prefetch({**given, "source": {}})["complete"]:
        return {"complete": True, "missing": []}
    folder = folder_of(given)
    make_folder(folder)
    sizes = sizes_of(given)
    absent = [number for number, size in enumerate(sizes) if have(folder, number) != size]
    # The parts and then the bundle; what was joined already lies where its parts lay.
    needed = sum(sizes[number] for number in absent) + sum(sizes) + FREE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        words = f"{free // _CHUNK} MB are free, and {needed // _CHUNK} MB are needed"
        raise order.NotYetError(words)
    return {"complete": False, "missing": absent}


def gather(given):
    """Join the parts and hand the bundle on; when it is another, all of it has to come again."""
    if update.prefetch({**given, "source": {}})["complete"]:
        return {"complete": True}
    folder = folder_of(given)
    joined = os.path.join(folder, "bundle")
    sizes = sizes_of(given)
    with open(joined, "wb") as whole:
        for number, size in enumerate(sizes):
            if have(folder, number) != size:
                raise order.NotYetError(f"part {number} is not there in full")
            with open(part(folder, number), "rb") as piece:
                shutil.copyfileobj(piece, whole, _CHUNK)
        whole.flush()
        os.fsync(whole.fileno())
    try:
        complete = update.prefetch({**given, "source": {"path": joined}})["complete"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"complete": complete}


def folder_of(given):
    """Return where the parts of an order's bundle are."""
    digest = json.loads(given["request"])["parameters"]["bundle_sha256"]
    if not (isinstance(digest, str) and digest.isalnum()):
        raise order.RefusalError("the order names no bundle")
    return os.path.join(INCOMING, digest)


def make_folder(folder):
    """Make a folder for parts, and remove those of other bundles: one at a time is under way."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for name in os.listdir(INCOMING):
        if name != os.path.basename(folder):
            shutil.rmtree(os.path.join(INCOMING, name), ignore_errors=True)


def sizes_of(given):
    """Return how many bytes each part has."""
    total, each = int(given["bytes"]), int(given["part_bytes"])
    return [min(each, total - start) for start in range(0, total, each)]


def part(folder, number):
    return os.path.join(folder, f"{number:06d}")


def have(folder, number):
    try:
        return os.path.getsize(part(folder, number))
    except OSError:
        return None


COMMANDS = {"missing": missing, "gather": gather}


def main(words):
    """Do one command."""
    if len(words) != 1 or words[0] not in COMMANDS:
        print(f"usage: wingspan_prefetch.py {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    os.umask(0o077)
    return order.answered(lambda: COMMANDS[words[0]](json.loads(sys.stdin.buffer.read())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

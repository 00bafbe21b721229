"""Getting rid of what a resident left on this device, and showing that it is gone.

Where the data lies on an encrypted volume, its key goes: every keyslot of the LUKS2 header is
erased, after which no passphrase and no key file opens it (cryptsetup-erase(8)). Without one, the
places where data may lie are emptied. What a boot needs, and what says that this was done, stays:
the device can be enrolled anew, or be given a new image.
"""

import json
import os
import shutil
import subprocess

import wingspan_firewall as firewall

# One line: the volume that holds the data. Whoever makes the image writes it.
VOLUME = "/etc/wingspan/data_volume"
PLACES = (
    "/home/kiosk",
    "/var/lib/kiosk",
    "/var/tmp",  # noqa: S108 - emptied, and never written to
    "/tmp",  # noqa: S108 - likewise
)
CRYPTSETUP = "/usr/sbin/cryptsetup"
MAPPINGS = "/sys/block"


def erase():
    """Destroy the data key where there is one, and empty the places where data may lie."""
    if volume():
        cryptsetup("luksErase", "--batch-mode", volume())
        for name in open_mappings():
            # In use, it goes with the next boot, and is shown as open until then.
            run(CRYPTSETUP, "close", "--deferred", name)
    for place in PLACES:
        empty(place)
    os.sync()


def shown():
    """Return what is left: usable keyslots, mappings still open, places that are not empty."""
    return {
        "volume": volume(),
        "keyslots": keyslots(),
        "still_open": open_mappings(),
        "left": [place for place in PLACES if os.path.isdir(place) and os.listdir(place)],
    }


def volume():
    """Return the encrypted volume, "" where this device has none."""
    try:
        with open(VOLUME, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def keyslots():
    """Return how many keyslots the volume has, None where there is no volume."""
    return len(header()["keyslots"]) if volume() else None


def header():
    return json.loads(cryptsetup("luksDump", "--dump-json-metadata", volume()))


def open_mappings():
    """Return the names under which the kernel has the volume open."""
    if not volume() or not os.path.isdir(MAPPINGS):
        return []
    uuid = cryptsetup("luksUUID", volume()).strip().replace("-", "")
    names = []
    for block in sorted(os.listdir(MAPPINGS)):
        mapper = os.path.join(MAPPINGS, block, "dm")
        if block.startswith("dm-") and f"-{uuid}-" in text(os.path.join(mapper, "uuid")):
            names.append(text(os.path.join(mapper, "name")))
    return names


def empty(place):
    """Remove all that is in a folder, and not the folder."""
    try:
        entries = list(os.scandir(place))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def cryptsetup(*words):
    done = run(CRYPTSETUP, *words)
    if done.returncode != 0:
        raise firewall.RefusalError(f"cryptsetup {words[0]}: {done.stderr.strip()}")
    return done.stdout


def run(*words):
    return subprocess.run(  # noqa: S603 - a program by its full path, without a shell
        words, capture_output=True, check=False, text=True, timeout=120
    )


def text(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""

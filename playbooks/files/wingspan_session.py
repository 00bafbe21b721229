#!/usr/bin/python3 -ISE
"""The gate that every session of a user passes: open while this device runs one version whole.

A file under /run is the gate, so a boot begins with it shut, and whoever finishes what a power cut
broke off opens it. A session holds a shared lock on it for as long as it lives; an update takes the
file away, has sessions ended, and waits for their locks before it touches anything.
"""

import fcntl
import os
import subprocess
import sys
import time

READY = "/run/wingspan/ready"
SYSTEMCTL = "/usr/bin/systemctl"
KIOSK = "wingspan-kiosk.service"
PATIENCE_S = 60
# From sysexits.h: try again later.
EX_TEMPFAIL = 75


def open_gate():
    """Let sessions begin."""
    os.makedirs(os.path.dirname(READY), mode=0o755, exist_ok=True)
    descriptor = os.open(READY, os.O_RDONLY | os.O_CREAT, 0o644)
    os.close(descriptor)


def is_open():
    """Return whether sessions may begin."""
    return os.path.exists(READY)


def shut_gate():
    """Let no session begin, end the one there is, and wait until none is left.

    Where one does not end, the gate is open again and OSError raised.
    """
    try:
        descriptor = os.open(READY, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.unlink(READY)
        if os.path.isdir("/run/systemd/system"):
            subprocess.run(  # noqa: S603 - a program by its full path, without a shell
                (SYSTEMCTL, "stop", KIOSK), capture_output=True, check=False, timeout=PATIENCE_S
            )
        ends_s = time.monotonic() + PATIENCE_S
        while not locked(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > ends_s:
                open_gate()
                raise OSError("a session of the user does not end")
            time.sleep(0.1)
    finally:
        os.close(descriptor)


def locked(descriptor, kind):
    """Return whether a lock could be had at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(words):
    """Become a session, or end with 75 where none may begin now."""
    try:
        descriptor = os.open(READY, os.O_RDONLY)
    except FileNotFoundError:
        descriptor = -1
    # Who opened it before it was taken away holds a file that is no longer there.
    if descriptor < 0 or not locked(descriptor, fcntl.LOCK_SH) or not os.fstat(descriptor).st_nlink:
        print("this device is between two versions; a session begins when it has one", flush=True)
        return EX_TEMPFAIL
    if not words:
        return 0
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - the session's for life
    return os.execv(words[0], words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

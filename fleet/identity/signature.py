"""Signatures that OpenSSH makes and checks (`ssh-keygen -Y`); FIDO2 keys work too."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from fleet.errors import FleetError, RefusedError

TRUST = "wingspan-trust"
TIME = "wingspan-time"
CENTRE = "wingspan"  # how the centre is called in a list of signers


def sign(data: bytes, *, key: Path, namespace: str) -> str:
    """Return an armoured signature over the data.

    Raises
    ------
    FleetError
        When ssh-keygen could not sign.
    """
    done = run_keygen(["-Y", "sign", "-q", "-f", str(key), "-n", namespace], data)
    if done.returncode:
        raise FleetError(f"cannot sign with {key}: {done.stderr.decode().strip()}")
    return done.stdout.decode("ascii")


def verify(data: bytes, signature: str, *, public: str, namespace: str) -> None:
    """Check a signature over the data by one public key.

    Raises
    ------
    RefusedError
        When it is another's signature, over other data or for another purpose.
    """
    with tempfile.TemporaryDirectory(prefix="wingspan-") as folder:
        signers, armoured = Path(folder, "signers"), Path(folder, "signature")
        signers.write_text(f'{CENTRE} namespaces="{namespace}" {public}\n', encoding="ascii")
        armoured.write_text(signature, encoding="ascii")
        who = ["-f", str(signers), "-I", CENTRE, "-n", namespace, "-s", str(armoured)]
        done = run_keygen(["-Y", "verify", *who], data)
    if done.returncode:
        raise RefusedError(f"the signature does not hold: {done.stderr.decode().strip()}")


def run_keygen(options: list[str], data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen; the data are its standard input.

    Raises
    ------
    FleetError
        When it is not there.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        raise FleetError("ssh-keygen is not on the path", hint="apt install openssh-client")
    return subprocess.run(  # noqa: S603 - our own words, and no shell
        [program, *options], input=data, capture_output=True, check=False, timeout=60
    )

"""A RAUC bundle of one root file system, for devices with two slots to start from.

The plain format: its signature is over the whole file, so a changed byte is found when it is
verified. The verity format signs the manifest alone and is checked block by block by the kernel's
device-mapper.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fleet.bundle.tools import run
from fleet.errors import FleetError, RefusedError
from fleet.identity.keys import write_private

if TYPE_CHECKING:
    from datetime import datetime

CERTIFICATE: Final = "image.crt"
BUNDLE: Final = "image.raucb"
_YEARS_MAX: Final = 20


def write_image(image: Path, folder: Path, *, key: Path, compatible: str, version: str) -> None:
    """Write a RAUC bundle of an image in a folder, and beside it the certificate that signed it.

    Raises
    ------
    FleetError
        When rauc or mksquashfs is missing or fails.
    """
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="wingspan-rauc-") as name:
        content = Path(name, "content")
        content.mkdir()
        shutil.copyfile(image, content / image.name)
        (content / "manifest.raucm").write_text(
            f"[update]\ncompatible={compatible}\nversion={version}\n\n"
            f"[bundle]\nformat=plain\n\n"
            f"[image.rootfs]\nfilename={image.name}\n",
            encoding="utf-8",
        )
        certificate = Path(name, CERTIFICATE)
        certificate.write_text(_certificate_in(key), encoding="ascii")
        signer = [f"--cert={certificate}", f"--key={key}"]
        run(["rauc", *signer, "bundle", str(content), str(folder / BUNDLE)])
        shutil.copyfile(certificate, folder / CERTIFICATE)


def verify_image(bundle: Path, *, key: Path) -> str:
    """Return what RAUC says of a bundle that our key signed.

    Raises
    ------
    RefusedError
        When it was changed since, or another signed it.
    """
    with tempfile.TemporaryDirectory(prefix="wingspan-rauc-") as name:
        keyring = Path(name, CERTIFICATE)
        keyring.write_text(_certificate_in(key), encoding="ascii")
        try:
            return run(["rauc", f"--keyring={keyring}", "info", str(bundle)])
        except FleetError as error:
            if "ended with" not in str(error):
                raise
            raise RefusedError("RAUC refuses the image: it is not as it was signed") from error


def make_image_key(path: Path, *, now: datetime) -> None:
    """Make the key of images with its certificate in one file; one that is there stays."""
    if path.exists():
        return
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Wingspan images")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=366 * _YEARS_MAX))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(path, (pem + certificate.public_bytes(Encoding.PEM)).decode())


def _certificate_in(key: Path) -> str:
    begin = "-----BEGIN CERTIFICATE-----"
    return begin + key.read_text(encoding="ascii").partition(begin)[2]

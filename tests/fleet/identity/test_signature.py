"""Signatures of OpenSSH, made and checked by OpenSSH itself and by us."""

import subprocess

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from fleet.errors import RefusedError
from fleet.identity import signature
from tests.fleet.authenticator import Authenticator
from tests.fleet.conftest import new_key

DATA = b"lock XAA/A"


@pytest.fixture
def key(tmp_path):
    new_key(tmp_path / "key")
    return tmp_path / "key"


def public(key):
    return key.with_suffix(".pub").read_text(encoding="ascii").strip()


def in_memory(key):
    return load_ssh_private_key(key.read_bytes(), password=None)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_what_openssh_signed_holds(tmp_path, kind):
    line = new_key(tmp_path / "signer", kind)

    made = signature.sign(DATA, key=tmp_path / "signer", namespace="wingspan-request")

    signature.verify(DATA, made, public=line, namespace="wingspan-request")


def test_openssh_takes_what_we_signed_in_memory(key, tmp_path):
    made = signature.sign_with(DATA, in_memory(key), namespace="wingspan-proof")

    (tmp_path / "signers").write_text(f"wingspan {public(key)}\n", encoding="ascii")
    (tmp_path / "made").write_text(made, encoding="ascii")
    words = ["-f", tmp_path / "signers", "-I", "wingspan", "-n", "wingspan-proof"]
    command = ["ssh-keygen", "-Y", "verify", *words, "-s", tmp_path / "made"]
    checked = subprocess.run(command, input=DATA, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"data": b"lock XAA/B"}, "it is over other data"),
        ({"namespace": "wingspan-approval"}, "it was made for another purpose"),
        ({"other": True}, "another key made it"),
        ({"cut": True}, "it is cut short"),
        ({"text": "no signature"}, "it is not armoured"),
    ],
)
def test_any_other_signature_is_refused(key, tmp_path, change, why):
    made = signature.sign(DATA, key=key, namespace="wingspan-request")
    if change.get("cut"):
        lines = made.splitlines()
        made = "\n".join((lines[0], lines[1][:68], lines[-1]))
    holder = new_key(tmp_path / "other") if change.get("other") else public(key)

    with pytest.raises(RefusedError, match=f"the signature does not hold: {why}"):
        signature.verify(
            change.get("data", DATA),
            change.get("text", made),
            public=holder,
            namespace=change.get("namespace", "wingspan-request"),
        )


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_another_kind_of_key_is_judged_alike(tmp_path, kind):
    line = new_key(tmp_path / "signer", kind)
    made = signature.sign(DATA, key=tmp_path / "signer", namespace="wingspan-request")

    with pytest.raises(RefusedError, match="the signature does not hold"):
        signature.verify(b"other", made, public=line, namespace="wingspan-request")


def test_what_a_security_key_signed_holds_and_nothing_else_of_it():
    key = Authenticator()
    made = key.sign(DATA, namespace="wingspan-approval")

    signature.verify(DATA, made, public=key.public, namespace="wingspan-approval")
    for data, namespace in ((DATA + b"!", "wingspan-approval"), (DATA, "wingspan-request")):
        with pytest.raises(RefusedError):
            signature.verify(data, made, public=key.public, namespace=namespace)


def test_a_security_key_that_nobody_touched_has_signed_nothing():
    key = Authenticator()
    made = key.sign(DATA, namespace="wingspan-approval", touched=b"\x00")

    with pytest.raises(RefusedError):
        signature.verify(DATA, made, public=key.public, namespace="wingspan-approval")

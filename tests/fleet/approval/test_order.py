"""What a device shows, read by whoever cannot trust it to make sense."""

import json
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fleet.approval.order import PROOF, read_proof
from fleet.device import Device
from fleet.errors import NotProvenError, RefusedError
from fleet.identity import signature

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
HOST_KEY = KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
SHOWN = {
    "device": "WS-000001",
    "provisioning": "0a1b",
    "request": "R-1",
    "challenge": "c",
    "outcome": "done",
    "why": "",
    "level": "notice",
    "quarantined": False,
    "ruleset_sha256": "0a",
    "locks": ["R-1"],
    "allowlist_sha256": "",
    "target": "wingspan-notice.target",
    "probes": {"forbidden": "shut"},
    "session": {},
    "dead_man": {},
    "wiped": None,
    "screen": "notice",
}


@pytest.fixture
def device():
    return Device(
        device="WS-000001",
        serial="S1",
        model="tab",
        cell="",
        host_key=HOST_KEY,
        nonce="0a1b",
        address="198.18.0.1",
    )


def answer_of(text):
    """Return the answer of a device that signs a text."""
    made = signature.sign_with(text.encode(), KEY, namespace=PROOF)
    return json.dumps({"proof": text, "signature": made}).encode()


def test_a_proof_is_what_the_device_signed(device):
    proof = read_proof(answer_of(json.dumps(SHOWN)), device, request="R-1", challenge="c")

    assert (proof.outcome, proof.level, proof.shown) == ("done", "notice", SHOWN)


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": None},
        {"why": ["no"]},
        {"level": 7},
        {"quarantined": "no"},
        {"locks": {"R-1": 1}},
        {"locks": [[]]},
        {"probes": []},
        {"session": {"wingspan-kiosk.service": []}},
        {"target": None},
        {"update": []},
        {"dead_man": [1]},
        {"wiped": {"keyslots": 0}},
        {"version": 2},
    ],
)
def test_a_device_that_signs_what_makes_no_sense_has_proven_nothing(device, changes):
    with pytest.raises(NotProvenError, match="WS-000001 showed nothing that can be read"):
        read_proof(answer_of(json.dumps(SHOWN | changes)), device, request="R-1", challenge="c")


@pytest.mark.parametrize("text", ["[]", "7", "null", "{}", "", "[" * 100_000])
def test_a_device_that_signs_no_object_has_proven_nothing(device, text):
    with pytest.raises(NotProvenError):
        read_proof(answer_of(text), device, request="R-1", challenge="c")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'{"later": true}',
        b'{"proof": 7, "signature": 7}',
        b'{"proof": "{}", "signature": null}',
        b'{"proof": "\\ud800", "signature": "x"}',
    ],
)
def test_what_is_no_answer_proves_nothing(device, answer):
    with pytest.raises((NotProvenError, RefusedError)):
        read_proof(answer, device, request="R-1", challenge="c")


def test_what_another_signed_is_refused(device):
    text = json.dumps(SHOWN)
    other = Ed25519PrivateKey.from_private_bytes(secrets.token_bytes(32))
    made = signature.sign_with(text.encode(), other, namespace=PROOF)
    answer = json.dumps({"proof": text, "signature": made}).encode()

    with pytest.raises(RefusedError):
        read_proof(answer, device, request="R-1", challenge="c")

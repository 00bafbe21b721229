"""A FIDO2 authenticator in software: what a security key signs, by OpenSSH's PROTOCOL.u2f."""

import base64
from hashlib import sha256, sha512

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KIND, APPLICATION = b"sk-ssh-ed25519@openssh.com", b"ssh:"
TOUCHED = b"\x01"


class Authenticator:
    """One key that never leaves it, and how often it signed."""

    def __init__(self, seed=b"k" * 32):
        self.key, self.count = Ed25519PrivateKey.from_private_bytes(seed), 0

    @property
    def blob(self):
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return strings(KIND, raw, APPLICATION)

    @property
    def public(self):
        """Return the public key as ssh-keygen -t ed25519-sk writes it."""
        return f"{KIND.decode()} {base64.b64encode(self.blob).decode()}"

    def sign(self, data, *, namespace, touched=TOUCHED):
        """Return an armoured signature, as `ssh-keygen -Y sign` makes it with a key in hand."""
        self.count += 1
        counter = self.count.to_bytes(4, "big")
        words = (namespace.encode(), b"", b"sha512")
        message = b"SSHSIG" + strings(*words, sha512(data).digest())
        hashed = sha256(APPLICATION).digest() + touched + counter + sha256(message).digest()
        made = strings(KIND, self.key.sign(hashed)) + touched + counter
        signed = b"SSHSIG" + (1).to_bytes(4, "big") + strings(self.blob, *words, made)
        text = base64.b64encode(signed).decode()
        lines = [text[at : at + 70] for at in range(0, len(text), 70)]
        head, foot = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
        return "\n".join((head, *lines, foot, ""))


def strings(*parts):
    """Return strings as SSH writes them: each after its length."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)

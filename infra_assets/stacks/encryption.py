"""Pulumi's passphrase encryption: secrets into a stack's settings file, and out of its state, without a call of the CLI.

Form and numbers: `sdk/go/common/resource/config/crypt.go` and `pkg/secrets/passphrase` of Pulumi. A salt line is `v1:SALT:CHECK`, its
check the word `pulumi`, encrypted; a ciphertext is `v1:NONCE:CONTENT`, AES-256-GCM with a key from PBKDF2.
"""

import base64
import hashlib
import os
from functools import lru_cache

from infra_assets.errors import InfraError

ITERATIONS = 1_000_000
KEY_BYTES = 32
SALT_BYTES = 8
NONCE_BYTES = 12
CHECK = "pulumi"


class PassphraseCrypter:
    """Encrypts and decrypts for one stack. Making one costs a quarter of a second of CPU, on purpose."""

    def __init__(self, passphrase: str, salt_line: str) -> None:
        """Take the stack's `encryptionsalt`.

        Raises:
            InfraError: the passphrase is not the stack's.
        """
        version, salt, check = salt_line.split(":", 2)
        if version != "v1":
            raise InfraError(f"the stack's encryptionsalt is of version {version}, which is not known here")
        self._key = _key(passphrase, base64.b64decode(salt))
        if self._open(check) != CHECK:
            raise InfraError(
                "the passphrase is not the one that this stack's secrets were encrypted with", remedy="Check INFRA_PASSPHRASE."
            )

    def encrypt(self, plaintext: str) -> str:
        """Return a ciphertext, another one each time."""
        return _seal(self._key, plaintext)

    def decrypt(self, ciphertext: str) -> str:
        """Return the plaintext.

        Raises:
            InfraError: it was not encrypted with this key.
        """
        opened = self._open(ciphertext)
        if opened is None:
            raise InfraError("a secret of this stack cannot be decrypted", remedy="Check INFRA_PASSPHRASE.")
        return opened

    def _open(self, ciphertext: str) -> str | None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            _, nonce, content = ciphertext.split(":")
            return AESGCM(self._key).decrypt(base64.b64decode(nonce), base64.b64decode(content), None).decode()
        except (InvalidTag, ValueError):
            return None


def new_salt_line(passphrase: str) -> str:
    """Return an `encryptionsalt` for a stack that has none yet."""
    salt = os.urandom(SALT_BYTES)
    return f"v1:{base64.b64encode(salt).decode()}:{_seal(_key(passphrase, salt), CHECK)}"


@lru_cache(maxsize=64)
def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, ITERATIONS, KEY_BYTES)


def _seal(key: bytes, plaintext: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    content = AESGCM(key).encrypt(nonce, plaintext.encode(), None)
    return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(content).decode()}"

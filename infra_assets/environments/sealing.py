"""Secrets at rest: sealed with a key from a file, from the environment, or with data keys that KMS makes.

A sealed secret names its key, so that several can be known: the first one seals, all of them open. Big-endian, before the envelope:

```
1  key id (8)                                                    nonce (12)  AES-256-GCM ciphertext and tag
2  length (2)  the KMS key's ARN  length (2)  encrypted data key  nonce (12)  AES-256-GCM ciphertext and tag
```

What stands before the nonce is authenticated with the ciphertext.
"""

import base64
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pydantic import SecretStr

from infra_assets.environments.language.model import DecryptionError
from infra_assets.environments.providers.aws import Clients
from infra_assets.environments.seal_keys import KMS_ARN, KMS_KEY, PLAIN_KEY, Keys, KmsKeys, PlainKeys, name_of
from infra_assets.errors import InfraError, UsageError
from infra_assets.sandbox.cloud import Aws

KEY = 32
NONCE = 12
TAG = 16
WAYS = "INFRA_SEAL_KEY_FILE, INFRA_SEAL_KEY or INFRA_SEAL_KMS_KEY"
MAKE_A_KEY = "infra env key makes one."


class SealSettings(Protocol):
    """Where the keys are; of several places all open, and the first of KMS, environment, file seals."""

    @property
    def seal_key_file(self) -> Path | None:
        """A file with a key per line, in base64; `#` begins a comment."""
        ...

    @property
    def seal_key(self) -> SecretStr | None:
        """Keys in base64, with spaces or commas between them."""
        ...

    @property
    def seal_kms_key(self) -> str | None:
        """ARNs of KMS keys, with spaces or commas between them."""
        ...


class Sealer:
    """Seals and opens secrets; made by `sealer`. Its threads may be several."""

    def __init__(self, plain: PlainKeys, kms: KmsKeys) -> None:
        self._keys: Mapping[int, Keys] = {PLAIN_KEY: plain, KMS_KEY: kms}
        self._seals: Sequence[Keys] = (kms, plain)

    def encrypt(self, plaintext: bytes) -> bytes:
        """Return the secret, sealed.

        Raises:
            InfraError: there is no key, or KMS refuses.
        """
        found = next(filter(None, (keys.seals_with() for keys in self._seals)), None)
        if found is None:
            raise InfraError("no key to seal secrets with", remedy=f"Set {WAYS}. {MAKE_A_KEY}")
        header, key = found
        nonce = os.urandom(NONCE)
        return header + nonce + _cipher(key).encrypt(nonce, plaintext, header)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Return a sealed secret's plaintext.

        Raises:
            DecryptionError: it is no sealed secret, it was changed, or its key is not known.
        """
        from cryptography.exceptions import InvalidTag

        keys = self._keys.get(ciphertext[0]) if ciphertext else None
        if keys is None:
            raise DecryptionError("the ciphertext was not sealed here: infra env seal seals a secret")
        header, key = keys.opens_with(ciphertext)
        nonce, sealed = ciphertext[len(header) : len(header) + NONCE], ciphertext[len(header) + NONCE :]
        if len(sealed) < TAG:
            raise DecryptionError("the ciphertext is cut off: seal the secret again")
        try:
            return _cipher(key).decrypt(nonce, sealed, header)
        except InvalidTag:
            raise DecryptionError(f"the ciphertext was changed, {name_of(header)} does not open it: seal the secret again") from None


def sealer(settings: SealSettings, aws: Aws | Callable[[], Aws] | None = None) -> Sealer:
    """Return what seals and opens secrets, with the keys of the settings; KMS is asked when it is first needed, by the operations account.

    Raises:
        UsageError: a setting holds no key, or the file may be written by others.
    """
    plain = [*_from_environment(settings.seal_key), *_from_file(settings.seal_key_file)]
    arns = _words(settings.seal_kms_key or "")
    for arn in arns:
        if not KMS_ARN.fullmatch(arn):
            raise UsageError(
                f"INFRA_SEAL_KMS_KEY: {arn} is not the ARN of a KMS key",
                remedy="It looks like arn:aws:kms:eu-central-1:123456789012:key/1234abcd-…; an alias will not do.",
            )
    return Sealer(PlainKeys(plain), KmsKeys(arns, Clients(aws)))


def new_key() -> str:
    """Return a new key, in base64."""
    return base64.b64encode(secrets.token_bytes(KEY)).decode()


def _from_environment(given: SecretStr | None) -> Iterator[bytes]:
    for number, word in enumerate(_words(given.get_secret_value() if given else ""), start=1):
        yield _key(word, f"INFRA_SEAL_KEY: key {number}")


def _from_file(path: Path | None) -> Iterator[bytes]:
    if path is None:
        return
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"INFRA_SEAL_KEY_FILE: {path}: {reason}", remedy="It holds a key per line, in base64.") from None
    if mode & stat.S_IWOTH:
        raise UsageError(f"INFRA_SEAL_KEY_FILE: everybody may write to {path}", remedy=f"chmod o-w {path}")
    for number, line in enumerate(lines, start=1):
        if word := line.partition("#")[0].strip():
            yield _key(word, f"INFRA_SEAL_KEY_FILE: {path}:{number}")


def _key(word: str, place: str) -> bytes:
    try:
        key = base64.b64decode(word, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY:
        raise UsageError(f"{place}: not a key", remedy=f"A key is {KEY} bytes in base64. {MAKE_A_KEY}")
    return key


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # an import that most commands do not need

    return AESGCM(key)

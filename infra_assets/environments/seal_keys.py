"""The keys that seal secrets: such as are at hand, and data keys that KMS makes."""

import hashlib
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from infra_assets.environments.language.model import DecryptionError, ProviderError
from infra_assets.environments.providers.aws import Clients
from infra_assets.environments.providers.refusals import reason
from infra_assets.errors import InfraError

KEY_ID = 8
PLAIN_KEY = 1
KMS_KEY = 2
KMS_ARN = re.compile(r"arn:aws[\w-]*:kms:([a-z0-9-]+):\d{12}:key/[\w-]+")
KMS_CONTEXT = {"infra": "environments"}
"""KMS authenticates it with each data key, and shows it in its audit log."""


class Keys(Protocol):
    """Keys of one kind: a header says which of them it was."""

    def seals_with(self) -> tuple[bytes, bytes] | None:
        """Return header and key for a new secret; None where there is no key."""
        ...

    def opens_with(self, sealed: bytes) -> tuple[bytes, bytes]:
        """Return the header that `sealed` begins with, and its key.

        Raises:
            DecryptionError: the key is not known, or the header is not whole.
        """
        ...


class PlainKeys:
    """Keys that are at hand. They are known by a part of their hash."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {key_id(key): key for key in keys}

    def __repr__(self) -> str:
        return f"PlainKeys({', '.join(self._names())})"

    def seals_with(self) -> tuple[bytes, bytes] | None:
        """Return header and key of the first."""
        for identity, key in self._keys.items():
            return bytes([PLAIN_KEY]) + bytes.fromhex(identity), key
        return None

    def opens_with(self, sealed: bytes) -> tuple[bytes, bytes]:
        """Return header and key of a sealed secret.

        Raises:
            DecryptionError: the key is not known.
        """
        header = sealed[: 1 + KEY_ID]
        if len(header) < 1 + KEY_ID:
            raise DecryptionError("the ciphertext is cut off: seal the secret again")
        key = self._keys.get(header[1:].hex())
        if key is None:
            known = ", ".join(self._names()) or "none"
            raise DecryptionError(f"{name_of(header)} is needed (known: {known}): add it to INFRA_SEAL_KEY_FILE or INFRA_SEAL_KEY")
        return header, key

    def _names(self) -> list[str]:
        return list(self._keys)


class KmsKeys:
    """Data keys of KMS keys; each is asked for once in a process. Only the KMS keys of the settings are used, whatever a secret names."""

    def __init__(self, arns: Sequence[str], clients: Clients) -> None:
        self._arns = arns
        self._clients = clients
        self._data_keys: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"KmsKeys({', '.join(self._arns)})"

    def seals_with(self) -> tuple[bytes, bytes] | None:
        """Return header and data key for a new secret: one that this process has opened already, else a new one.

        Raises:
            InfraError: KMS refuses.
        """
        if not self._arns:
            return None
        arn = self._arns[0]
        begin = _field(bytes([KMS_KEY]), arn.encode())
        with self._lock:
            for header, key in self._data_keys.items():
                if header.startswith(begin):
                    return header, key
            made = self._ask(arn, "generate_data_key", KeySpec="AES_256")
            if isinstance(made, str):
                raise InfraError(f"KMS key {arn} makes no data key: {made}", remedy="See INFRA_SEAL_KMS_KEY, and the key's policy.")
            header = _field(begin, made["CiphertextBlob"])
            self._data_keys[header] = made["Plaintext"]
            return header, made["Plaintext"]

    def opens_with(self, sealed: bytes) -> tuple[bytes, bytes]:
        """Return header and data key of a sealed secret.

        Raises:
            DecryptionError: the KMS key is none of the settings', or KMS refuses.
        """
        arn_at, arn = _read_field(sealed, 1)
        at, blob = _read_field(sealed, arn_at)
        header, name = sealed[:at], arn.decode("ascii", "replace")
        with self._lock:
            if header in self._data_keys:
                return header, self._data_keys[header]
            if name not in self._arns:
                shown = name if KMS_ARN.fullmatch(name) else "an unknown one"
                raise DecryptionError(f"KMS key {shown} is needed: add it to INFRA_SEAL_KMS_KEY")
            opened = self._ask(name, "decrypt", CiphertextBlob=blob)
            if isinstance(opened, str):
                raise DecryptionError(f"KMS key {name} does not open the ciphertext: {opened}")
            self._data_keys[header] = opened["Plaintext"]
            return header, opened["Plaintext"]

    def _ask(self, arn: str, action: str, **parameters: Any) -> Mapping[str, Any] | str:
        """Return KMS' answer, or why there is none."""
        from botocore.exceptions import BotoCoreError, ClientError

        used: Sequence[str] = ()
        try:
            used = self._clients.operations().secrets()
            client = self._clients.client("kms", arn.split(":")[3])
            return getattr(client, action)(KeyId=arn, EncryptionContext=KMS_CONTEXT, **parameters)
        except (BotoCoreError, ClientError, ProviderError) as error:
            return reason(error, used)


def key_id(key: bytes) -> str:
    """Return what a key is known by: 16 hexadecimal digits that tell nothing about it."""
    return hashlib.sha256(b"infra seal key\0" + key).digest()[:KEY_ID].hex()


def name_of(header: bytes) -> str:
    """Return what a person knows the key by that a header names."""
    if header[0] == PLAIN_KEY:
        return f"key {header[1:].hex()}"
    return f"KMS key {_read_field(header, 1)[1].decode('ascii', 'replace')}"


def _field(before: bytes, content: bytes) -> bytes:
    return before + len(content).to_bytes(2, "big") + content


def _read_field(sealed: bytes, at: int) -> tuple[int, bytes]:
    begin = at + 2
    end = begin + int.from_bytes(sealed[at:begin], "big")
    if end > len(sealed) or begin > len(sealed):
        raise DecryptionError("the ciphertext is cut off: seal the secret again")
    return end, sealed[begin:end]

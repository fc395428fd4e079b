"""What a stack's program declared: its resources with their inputs, read from its state without a call of the CLI.

Inputs as the program gave them: what the provider filled in by itself is left out. Secrets stay encrypted; `Secrets` tells only whether
two are equal. Layout: `sdk/go/common/apitype/core.go` of Pulumi, its special values `sdk/go/common/resource/sig`.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, cast

from pydantic_core import from_json

from infra_assets.errors import InfraError
from infra_assets.stacks.encryption import PassphraseCrypter
from infra_assets.stacks.masking import SECRET
from infra_assets.stacks.outcome import ENGINES_OWN, SECRET_MARK
from infra_assets.stacks.state import Store, checkpoint_path

OPTIONS = ("protect", "retainOnDelete", "customTimeouts")
"""Options of a resource that its state has, and that say how it is kept."""
_CIPHERTEXT = "1b47061264138c4ac30d75fd1eb44270"
_ASSETS = {"c44067f5952c0a294b673a41bacd8c17": "asset", "0def7320c3a5731c473e5ecbe6d01bc7": "archive"}
_REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"
_GIVEN = re.compile(r"-[0-9a-f]{7}")
"""How a name ends that the engine has given."""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A secret, encrypted."""

    ciphertext: str = field(repr=False)

    def __str__(self) -> str:
        return SECRET


@dataclass(frozen=True, slots=True)
class Declared:
    """One resource, as its program declared it."""

    type: str
    name: str
    parents: str
    """The types of its parents, outermost first: `infra:network:Network`; "" for one without."""
    inputs: Mapping[str, Any]
    """Plain values, `Hidden` for secrets."""
    id: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Those of `OPTIONS` that are set."""
    given: Sequence[str] = ()
    """Names that the engine gave it, `logs-1a2b3c4`: the program did not."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """All that one stack's program declared."""

    resources: Sequence[Declared]
    salt: str = field(default="", repr=False)
    """What its secrets can be decrypted with, besides the passphrase; "" where they cannot."""


def read_declared(store: Store, project: str, stack: str) -> Declaration | None:
    """Return what a stack's program declared, None if the stack does not exist.

    Raises:
        InfraError: its state is damaged.
    """
    content = store.read(checkpoint_path(project, stack))
    return None if content is None else parse_declared(content, project, stack)


def parse_declared(content: bytes, project: str, stack: str) -> Declaration:
    """Return what the program declared of the stack whose checkpoint this is.

    Raises:
        InfraError: it is damaged.
    """
    try:
        latest: dict[str, Any] = from_json(content, cache_strings="keys")["checkpoint"]["latest"] or {}
        provider: dict[str, Any] = latest.get("secrets_providers") or {}
        resources: list[dict[str, Any]] = latest.get("resources") or []
        salt = str(provider["state"]["salt"]) if provider.get("type") == "passphrase" else ""
        return Declaration([_declared(item) for item in resources if _is_own(item)], salt)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise InfraError(
            f"state of {project}/{stack} is damaged ({checkpoint_path(project, stack)})",
            remedy=f"Restore it from .pulumi/backups/{project}/{stack} of the state backend; nothing was changed.",
        ) from None


class Secrets:
    """Tells whether secrets of several stacks are equal, and nothing else of them. The first of a stack costs a quarter of a second."""

    def __init__(self, passphrase: Callable[[], str], key: bytes) -> None:
        self._passphrase = passphrase
        self._key = key[:64]

    def digests(self, salt: str, hidden: Sequence[tuple[Hidden, Callable[[Any], Any]]]) -> list[str]:
        """Return a keyed hash of each of one stack's secrets, after what its function makes of the plain value.

        Raises:
            InfraError: they cannot be decrypted.
        """
        if not salt:
            raise InfraError("its secrets are not encrypted with a passphrase")
        try:
            crypter = PassphraseCrypter(self._passphrase(), salt)
            return [self.digest(made(json.loads(crypter.decrypt(item.ciphertext)))) for item, made in hidden]
        except ValueError:
            raise InfraError("its secrets cannot be read") from None

    def digest(self, plain: Any) -> str:
        """Return a keyed hash of a plain value."""
        content = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        return blake2b(content.encode(), key=self._key, digest_size=32).hexdigest()


def _is_own(item: Mapping[str, Any]) -> bool:
    # What is to be deleted after its replacement is not declared any more.
    return not item["type"].startswith(ENGINES_OWN) and not item.get("delete")


def _declared(item: Mapping[str, Any]) -> Declared:
    urn: str = item["urn"]
    types, name = urn.split("::", 3)[2:]
    parents, _, own = types.rpartition("$")
    inputs: dict[str, Any] = item.get("inputs") or {}
    return Declared(
        own,
        name,
        parents,
        _mapping(inputs),
        item.get("id") or "",
        {option: item[option] for option in OPTIONS if item.get(option)},
        tuple(text for key in inputs.get("__defaults", ()) if isinstance(text := inputs.get(key), str) and _GIVEN.match(text[-8:])),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    return _mapping(cast("dict[str, Any]", value)) if isinstance(value, dict) else value


def _mapping(items: Mapping[str, Any]) -> Any:
    if SECRET_MARK in items:
        return _special(items)
    filled = items.get("__defaults", ())
    return {
        key: _plain(item) if isinstance(item, dict | list) else item
        for key, item in items.items()
        if not key.startswith("__") and key not in filled
    }


def _special(items: Mapping[str, Any]) -> Any:
    mark: str = items[SECRET_MARK]
    if mark == _CIPHERTEXT:
        return Hidden(items["ciphertext"])
    if kind := _ASSETS.get(mark):
        # Its content, and where it lay on the host that deployed it, say nothing that its hash does not.
        return f"{kind} {items.get('hash', '')}"
    if mark == _REFERENCE:
        return "::".join(str(items["urn"]).split("::")[2:])
    return _plain(items.get("value"))

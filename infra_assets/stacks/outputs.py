"""Outputs of our own stacks, read from their state: what `pulumi-stacks` gives to environments."""

import json
from collections.abc import Callable
from typing import Any, cast

from infra_assets.environments.language.model import ProviderError, Value, value_of
from infra_assets.errors import InfraError
from infra_assets.stacks.differences import SECRET_MARK
from infra_assets.stacks.encryption import PassphraseCrypter
from infra_assets.stacks.outcome import STACK_TYPE
from infra_assets.stacks.state import Store, checkpoint_path


class StateOutputs:
    """Reads the outputs of any stack of a state backend."""

    def __init__(self, store: Callable[[], Store], passphrase: Callable[[], str]) -> None:
        self._store = store
        self._passphrase = passphrase

    def outputs(self, project: str, stack: str) -> Value:
        """Return a stack's outputs, secret ones marked as such.

        Raises:
            ProviderError: there is no such stack, or its state cannot be read.
        """
        content = self._store().read(checkpoint_path(project, stack))
        if content is None:
            raise ProviderError(f"stack {project}/{stack} has not been deployed")
        try:
            latest: dict[str, Any] = json.loads(content)["checkpoint"]["latest"] or {}
            resources: list[dict[str, Any]] = latest.get("resources") or []
            found: dict[str, Any] = next(item.get("outputs", {}) for item in resources if item["type"] == STACK_TYPE)
            salt = str(latest.get("secrets_providers", {}).get("state", {}).get("salt", ""))
            return Value({name: self._value(item, salt) for name, item in found.items()})
        except StopIteration:
            raise ProviderError(f"stack {project}/{stack} has no outputs") from None
        except (ValueError, KeyError, TypeError, InfraError):
            raise ProviderError(f"the state of stack {project}/{stack} cannot be read") from None

    def _value(self, item: Any, salt: str) -> Value:
        if isinstance(item, list):
            return Value([self._value(inner, salt) for inner in cast("list[Any]", item)])
        if not isinstance(item, dict):
            return value_of(item)
        entries = cast("dict[str, Any]", item)
        if SECRET_MARK not in entries:
            return Value({key: self._value(inner, salt) for key, inner in entries.items()})
        plaintext = PassphraseCrypter(self._passphrase(), salt).decrypt(entries["ciphertext"])
        return value_of(json.loads(plaintext), secret=True)

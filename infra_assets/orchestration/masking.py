"""Keeps the settings' secrets out of what the services here log."""

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from pydantic import SecretStr

from infra_assets.settings import Settings
from infra_assets.stacks.masking import Masker

TOKEN_LENGTH = 12
"""From which length on a part of a secret address' path may be the secret; `services` is none."""


def masker(settings: Settings) -> Masker:
    """Return what masks every secret that the settings hold, also those that are a part of an address."""
    return Masker(_secrets(settings))


def _secrets(settings: Settings) -> Iterator[str]:
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
            yield from _parts(value.get_secret_value())
        elif isinstance(value, str):
            yield _password(value)


def _parts(address: str) -> Iterator[str]:
    """Yield what of a secret address may stand somewhere by itself."""
    yield _password(address)
    with suppress(ValueError):
        parts = urlsplit(address)
        yield parts.query
        yield from (part for part in parts.path.split("/") if "://" in address and len(part) >= TOKEN_LENGTH)


def _password(address: str) -> str:
    with suppress(ValueError):
        return urlsplit(address).password or ""
    return ""

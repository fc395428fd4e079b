"""Which secrets in stacks' states are equal. Only that is told of them."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from infra_assets.errors import InfraError
from infra_assets.fleet.models import Tep
from infra_assets.previews.parity.comparing import Digests
from infra_assets.previews.parity.sides import Item, Sides
from infra_assets.reports.neutral import neutral
from infra_assets.sandbox.passphrase import read_passphrase
from infra_assets.settings import Settings
from infra_assets.stacks.configurations import fingerprint_key
from infra_assets.stacks.declared import Secrets
from infra_assets.stacks.ledger import Key
from infra_assets.texts import counted

SECRET_STACKS = 64
"""Stacks whose secrets are compared: each costs some tenths of a second of CPU, on purpose."""


def open_secrets(settings: Settings) -> Secrets | InfraError:
    """Return what compares secrets, or why there is nothing."""
    try:
        return Secrets(lambda: read_passphrase(settings), fingerprint_key(settings))
    except InfraError as error:
        return error


def secret_digests(secrets: Secrets | InfraError, found: Sides, teps: Mapping[str, Tep]) -> tuple[Digests, list[str]]:
    """Return the keyed hashes of the states' secrets, and which were not compared and why."""
    if not found.secrets:
        return {}, []
    if isinstance(secrets, InfraError):
        return {}, [f"secrets in states: {secrets.message}"]
    if len(found.secrets) > SECRET_STACKS:
        what = f"secrets in the states of {counted(len(found.secrets), 'stack')} were not compared with one another"
        return {}, [f"{what}: more than {SECRET_STACKS} at once take too long; choose fewer with --tenant or --project"]

    def of(place: Key) -> dict[tuple[str, Item, str], str] | InfraError:
        salt, mine = found.secrets[place]
        made: Callable[[Any], Any] = partial(neutral, tep=teps[place[0]])
        try:
            texts = secrets.digests(salt, [(each.hidden, made) for each in mine])
        except InfraError as error:
            return error
        return {(place[0], each.item, each.path): text for each, text in zip(mine, texts, strict=True)}

    digests: dict[tuple[str, Item, str], str] = {}
    said: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # deriving a key lets other threads run
        for place, result in zip(found.secrets, pool.map(of, found.secrets), strict=True):
            if isinstance(result, InfraError):
                said.append(f"secrets of {place[1]}/{place[0]}: {result.message}")
            else:
                digests.update(result)
    return digests, said

"""moto's hot spots, mended: what it works out anew for each call is remembered. Answers stay the same."""

import gc
import inspect
from functools import cache
from typing import Any

import moto.core.responses
import moto.iam.models
from moto.core.utils import utcnow
from moto.iam.models import AccessKeyLastUsed, iam_backends

from infra_assets.sandbox.emulator.accounts import PARTITION, account_of


def install() -> None:
    """Put the quicker forms in place of moto's own. Once, before the first call."""
    responses: Any = moto.core.responses
    responses.method_names_from_class = _method_names
    iam: Any = moto.iam.models
    iam.get_account_id_from = account_of
    iam.mark_account_as_visited = _mark_visited


def freeze() -> None:
    """Take what is loaded by now out of the garbage collector's sight: it is there for good, and large."""
    gc.collect()
    gc.freeze()
    # The models' objects made per call are few and seldom cyclic.
    gc.set_threshold(50_000, 50, 100)


@cache
def _method_names(clazz: object) -> frozenset[str]:
    """EC2's responses have some 700 methods, and moto lists them at every call."""
    return frozenset(name for name, _ in inspect.getmembers(clazz, predicate=inspect.isfunction))


def _mark_visited(account_id: str, access_key: str, service: str, region: str) -> None:
    """Note when a user's key was last used. moto walks all the account's roles besides, for a date that nothing here reads."""
    backend: Any = iam_backends[account_id][PARTITION]
    key = backend.access_keys.get(access_key)
    if key is not None:
        key.last_used = AccessKeyLastUsed(timestamp=utcnow(), service=service, region=region)

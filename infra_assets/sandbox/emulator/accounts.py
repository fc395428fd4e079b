"""Whose an access key is."""

from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends

PARTITION = "aws"
_known: dict[str, str] = {}


def account_of(access_key_id: str) -> str:
    """Return the account that a key belongs to; the operations account for one that nobody made.

    Does what moto's own lookup does, which asks each account in each partition, and makes a backend for each that has none.
    """
    account = _known.get(access_key_id)
    if account is not None and access_key_id in _keys(account):
        return account
    for candidate in list(iam_backends):
        if access_key_id in _keys(candidate):
            _known[access_key_id] = candidate
            return candidate
    return DEFAULT_ACCOUNT_ID


def _keys(account: str) -> dict[str, Any]:
    return iam_backends[account][PARTITION].access_keys

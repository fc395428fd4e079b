"""What is each TEP's own, taken out of texts and values: two TEPs in which the same was done then read the same."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from infra_assets.fleet.models import Tep

ACCOUNT, EXTERNAL_ID, TEP, TENANT, ENVIRONMENT, REGION, ID = (
    "{account}", "{external_id}", "{tep}", "{tenant}", "{environment}", "{region}", "{id}",
)  # fmt: skip
PLACEHOLDERS = (ACCOUNT, EXTERNAL_ID, TEP, TENANT, ENVIRONMENT, REGION, ID)

_BEGIN, _END = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_ZONE = r"(?=[a-z]?(?![A-Za-z0-9]))"
_UUID = r"(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_KINDS = (
    "(?:acl|cgw|dopt|eipalloc|eipassoc|eni|fl|fs|fsap|i|igw|lt|nat|pcx|pl|r|rtb|rtbassoc|sg|sgr|snap|subnet|tgw|tgw-attach|tgw-rtb|vgw|vol|"
    "vpc|vpce|vpn)-"
)
# Eight digits alone may be a commit's, in an image's tag; seventeen are always AWS's.
_AWS_ID = rf"(?:{_BEGIN}(?P<kind>{_KINDS})[0-9a-f]{{8}}(?:[0-9a-f]{{9}})?|(?<=[a-z0-9}}]-)(?P<rest>[0-9a-f]{{17}}))"
_KEPT = (
    r"\{region\}[a-z](?![A-Za-z0-9])",
    *map(re.escape, PLACEHOLDERS),
    rf"{_BEGIN}{_KINDS}\{{id\}}",
    # An image is no TEP's own: which one it runs is what somebody wants to see.
    rf"{_BEGIN}a[kmr]i-[0-9a-f]{{8,17}}{_END}",
    # A device, /dev/xvda, is none of an environment that is called dev.
    r"/dev/(?=sd|xvd|nvme|hd|null|zero|shm|random|urandom|std|fuse|kvm|tty)",
)
# The same for all TEPs, and made once: a pattern of all of it for each costs milliseconds.
_FIXED = re.compile(rf"{'|'.join(_KEPT)}|{_BEGIN}(?P<id>{_UUID}){_END}|{_AWS_ID}{_END}")


def neutral(value: Any, tep: Tep) -> Any:
    """Return a text, or a plain value of any depth, with placeholders for what is a TEP's own: `{account}`, `{tep}`, `{tenant}`,
    `{environment}`, `{region}`, `{external_id}`, and `vpc-{id}` for what AWS numbers.
    """
    return _neutral(value, _words(tep))


@dataclass(frozen=True, slots=True)
class _Words:
    """How one TEP's own is recognized."""

    pattern: re.Pattern[str]
    placeholders: Mapping[str, str]
    account: str

    def text(self, text: str) -> str:
        parts: list[str] = []
        at = 0
        for found in _FIXED.finditer(text):
            parts += self._between(text[at : found.start()]), self._fixed(found)
            at = found.end()
        return "".join([*parts, self._between(text[at:])]) if parts else self._between(text)

    def _between(self, text: str) -> str:
        return self.pattern.sub(lambda found: self.placeholders[found.group()], text)

    def _fixed(self, found: re.Match[str]) -> str:
        text = found.group()
        if found["id"]:
            return self.placeholders.get(text, ID)  # an external id is one too
        if found["rest"]:
            return ID
        return found["kind"] + ID if found["kind"] else text


def _neutral(value: Any, words: _Words) -> Any:
    match value:
        case str():
            return words.text(value)
        case bool():
            return value
        case int() if words.account and str(value) == words.account:
            return ACCOUNT
        case list() | tuple():
            return [_neutral(item, words) for item in cast("list[Any]", value)]
        case dict():
            return _mapping(cast("dict[str, Any]", value), words)
        case _:
            return value


def _mapping(items: Mapping[str, Any], words: _Words) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in items.items():
        name = words.text(key)
        # Nothing is lost where two keys would read the same.
        found[key if name != key and (name in items or name in found) else name] = _neutral(item, words)
    return found


@lru_cache(maxsize=4096)
def _words(tep: Tep) -> _Words:
    own = {
        tep.environment: ENVIRONMENT, tep.tenant: TENANT, tep.name: TEP, tep.region: REGION,
        tep.external_id: EXTERNAL_ID, tep.account_id: ACCOUNT,
    }  # fmt: skip
    own.pop("", None)
    # The longest first: a tenant's name begins that of its TEPs.
    words = [re.escape(word) + (_ZONE if own[word] == REGION else _END) for word in sorted(own, key=len, reverse=True)]
    return _Words(re.compile(f"{_BEGIN}(?:{'|'.join(words)})"), own, tep.account_id)

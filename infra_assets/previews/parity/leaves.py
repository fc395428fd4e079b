"""Values as leaves by path, with what is each TEP's own made neutral: what a comparison of environments compares."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from infra_assets.environments.explanation import key_below, shown
from infra_assets.environments.language.model import SECRET, Value
from infra_assets.fleet.models import Tep
from infra_assets.reports.neutral import ID, neutral
from infra_assets.stacks.declared import Declared, Hidden

Leaves = dict[str, Any]
"""By path: a scalar, an empty list or object, or a secret's `Digest`."""
Digest = tuple[str, str]
"""`[secret]` and its keyed hash, "" where that is not known."""
UNKNOWN_SECRET: Digest = (SECRET, "")
NOT_OPENED = "[not opened: "

_GIVEN = re.compile(r"[\w.-]+-[0-9a-f]{7}(?![A-Za-z0-9])")
_NUMBERED = re.compile(r"-[0-9a-f]{7}(?:[0-9a-f](?:[0-9a-f]{9})?)?$")
_below = lru_cache(maxsize=100_000)(key_below)


class Neutral:
    """Makes the texts of one TEP neutral: the names that the engine has given are its own too."""

    def __init__(self, tep: Tep, given: Iterable[str]) -> None:
        self._tep = tep
        self._given = frozenset(given)
        self._known: dict[str, str] = {}
        self._words = (tep.tenant, tep.environment, tep.region)

    def text(self, text: str) -> str:
        """Return a text with placeholders."""
        found = self._known.get(text)
        if found is None:
            bare = _GIVEN.sub(self._bare, text) if self._given and "-" in text else text
            found = self._known[text] = neutral(bare, self._tep)
        return found

    def key(self, key: str) -> str:
        """Return a property's name with placeholders; one that is a mere word stays, whatever tenants are called."""
        return key if key.isalpha() or key in self._words else self.text(key)

    def plain(self, value: Any) -> Any:
        """Return a plain value of any depth with placeholders."""
        return neutral(value, self._tep)

    def number(self, number: int) -> Any:
        """Return a number; an account's may stand as one."""
        return neutral(number, self._tep)

    def own(self, resources: Sequence[Declared]) -> dict[str, str]:
        """Return what stands for the ids of one stack's resources: `{Subnet private-1}` says more than `subnet-{id}`."""
        return {
            item.id: f"{{{item.type.rsplit(':', 1)[-1]} {self.text(item.name)}}}"
            for item in resources
            if item.id and _NUMBERED.search(item.id)
        }

    def _bare(self, found: re.Match[str]) -> str:
        name = found.group()
        return name[:-7] + ID if name in self._given else name


class Reader:
    """Reads the inputs of one stack's resources."""

    def __init__(self, own: Mapping[str, str], made: Neutral) -> None:
        self._own = own
        self._made = made

    def read(self, item: Declared) -> tuple[Leaves, list[tuple[str, Hidden]]]:
        """Return a resource's inputs and options, and its secrets by path."""
        found: Leaves = {}
        hidden: list[tuple[str, Hidden]] = []
        for option, value in item.options.items():
            found[f"({option})"] = json.dumps(value) if isinstance(value, dict) else value
        for key, value in item.inputs.items():
            self._add(_below("", self._made.key(key)), value, found, hidden)
        return found, hidden

    def _add(self, path: str, value: Any, found: Leaves, hidden: list[tuple[str, Hidden]]) -> None:
        match value:
            case str():
                self._add_text(path, value, found, hidden)
            case dict() if value:
                for key, item in cast("dict[str, Any]", value).items():
                    self._add(_below(path, self._made.key(key)), item, found, hidden)
            case list() if value:
                self._add_list(path, cast("list[Any]", value), found, hidden)
            case Hidden():
                found[path] = UNKNOWN_SECRET
                hidden.append((path, value))
            case int() if not isinstance(value, bool):
                found[path] = self._made.number(value)
            case _:
                found[path] = value

    def _add_text(self, path: str, text: str, found: Leaves, hidden: list[tuple[str, Hidden]]) -> None:
        if text in self._own:
            found[path] = self._own[text]
        elif text[:1] in ("{", "[") and (document := _document(text)):
            self._add(path, document, found, hidden)  # a policy, say: of it too only what differs is to be shown
        else:
            found[path] = self._made.text(text)

    def _add_list(self, path: str, items: list[Any], found: Leaves, hidden: list[tuple[str, Hidden]]) -> None:
        if all(isinstance(item, str) for item in items):
            texts = [self._own.get(item) or self._made.text(item) for item in cast("list[str]", items)]
            if all(text.startswith("{") or ID in text for text in texts):
                texts.sort()  # what AWS numbers has no order that would mean something
                found.update({f"{path}[{index}]": text for index, text in enumerate(texts)})
                return
        for index, item in enumerate(items):
            self._add(f"{path}[{index}]", item, found, hidden)


def read_setting(value: Value, made: Neutral, digest: Callable[[Any], str]) -> tuple[Leaves, dict[str, str]]:
    """Return a setting's leaves, and by path which environment set each."""
    found: Leaves = {}
    layers: dict[str, str] = {}
    _SettingReader(made, digest, found, layers).add("", value, secret=False)
    return found, layers


@dataclass(frozen=True, slots=True)
class _SettingReader:
    made: Neutral
    digest: Callable[[Any], str]
    found: Leaves
    layers: dict[str, str]

    def add(self, path: str, value: Value, *, secret: bool) -> None:
        secret = secret or value.secret
        inner = None if value.unknown or secret else value.value
        if isinstance(inner, dict) and inner:
            for key, item in inner.items():
                self.add(_below(path, self.made.key(key)), item, secret=secret)
        elif isinstance(inner, list) and inner:
            for index, item in enumerate(inner):
                self.add(f"{path}[{index}]", item, secret=secret)
        else:
            self._add_leaf(path, value, secret=secret)

    def _add_leaf(self, path: str, value: Value, *, secret: bool) -> None:
        if value.definition is not None:
            self.layers[path] = self.made.text(value.definition.environment)
        if secret and not value.unknown:
            self.found[path] = (SECRET, self.digest(self.made.plain(value.plain(reveal=True))))
        else:
            self.found[path] = self.made.plain(shown(value))


@lru_cache(maxsize=4096)
def _document(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None

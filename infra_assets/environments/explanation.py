"""Who set a value: the chain of layers that it went through, and every value of an environment by its path."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra_assets.environments.language.model import Number, Plain, Range, Value
from infra_assets.environments.layers import CONFIGURATION
from infra_assets.errors import UsageError

ACCESSOR = re.compile(r'\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.\[\]]+)')
NOT_OPENED = "[not opened: {}]"


@dataclass(frozen=True, slots=True)
class Layer:
    """One environment's say in a value."""

    environment: str
    place: str
    """`environments/ring/beta.yaml:4:5`."""
    revision: str
    value: Plain
    """Secrets as `[secret]`, unless they were to be revealed."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value of an environment."""

    path: str
    value: Plain
    secret: bool
    definition: Range | None


def find(properties: Mapping[str, Value], path: str) -> Value:
    """Return the value at a path: `aws.login`, `pulumiConfig["network:cidr"]`, or a configuration key, `network:cidr`.

    Raises:
        UsageError: there is nothing there; the message says how far the path leads.
    """
    direct = properties.get(CONFIGURATION)
    if direct is not None and isinstance(direct.value, dict) and path in direct.value:
        return direct.value[path]
    found = Value(dict(properties))
    walked = ""
    for accessor in accessors(path):
        inner = _step(found, accessor)
        if inner is None and found.pending:
            raise UsageError(
                f"{walked} is not opened ({_providers(found)})", remedy=f"--reveal opens it; explain {walked} tells who set it."
            )
        if inner is None:
            keys = ", ".join(sorted(found.value)) if isinstance(found.value, dict) else ""
            raise UsageError(
                f"there is no {path}: {walked or 'the environment'} has no {accessor!r}", remedy=f"It has: {keys}" if keys else ""
            )
        walked = f"{walked}.{accessor}" if walked else str(accessor)
        found = inner
    return found


def accessors(path: str) -> list[str | int]:
    """Return the steps of a path: `a.b[0]["k.ey"]` is a, b, 0, k.ey.

    Raises:
        UsageError: it is none.
    """
    if not path:
        raise UsageError("a path is asked for", remedy="A configuration key, network:cidr, or a path, aws.login.")
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        matched = ACCESSOR.match(path, at)
        if matched is None:
            raise UsageError(f"{path!r} is no path: {path[at:]!r}", remedy='Paths read a.b[0]["key.with.dots"].')
        index, quoted, name = matched.groups()
        steps.append(int(index) if index else re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else name)
        at = matched.end()
    return steps


def chain(value: Value, place: Callable[[str], tuple[str, str]], *, reveal: bool = False) -> list[Layer]:
    """Return who set a value, and below whom that overrode. `place` gives an environment's place and revision."""
    layers: list[Layer] = []
    current: Value | None = value
    while current is not None:
        if current.definition is not None:
            name = current.definition.environment
            where, revision = place(name)
            begin = current.definition.begin
            layers.append(Layer(name, f"{where}:{begin.line}:{begin.column}", revision, shown(current, reveal=reveal)))
        current = current.base
    return layers


def leaves(properties: Mapping[str, Value], *, reveal: bool = False) -> list[Leaf]:
    """Return every scalar, and what is secret or unknown as a whole, by path."""
    return [leaf for name in sorted(properties) for leaf in _leaves(_key("", name), properties[name], reveal=reveal)]


def shown(value: Value, *, reveal: bool = False) -> Plain:
    """Return a value as a person sees it: what was not opened says by what it would be."""
    if value.unknown and value.pending:
        return NOT_OPENED.format(_providers(value))
    if value.secret and not reveal:
        return value.plain()
    match value.value:
        case dict():
            return {key: shown(item, reveal=reveal) for key, item in value.value.items()}
        case list():
            return [shown(item, reveal=reveal) for item in value.value]
        case _:
            return value.plain(reveal=reveal)


def _providers(value: Value) -> str:
    return ", ".join(sorted({site.provider for site in value.pending}))


def _leaves(path: str, value: Value, *, reveal: bool) -> Iterator[Leaf]:
    whole = value.unknown or (value.secret and not reveal)
    match value.value:
        case dict() if not whole and value.value:
            for name in sorted(value.value):
                yield from _leaves(_key(path, name), value.value[name], reveal=reveal)
        case list() if not whole and value.value:
            for index, item in enumerate(value.value):
                yield from _leaves(f"{path}[{index}]", item, reveal=reveal)
        case _:
            yield Leaf(path, shown(value, reveal=reveal), value.secret, value.definition)


def _key(path: str, name: str) -> str:
    if not re.fullmatch(r"[^.\[\]\"\s]+", name):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{quoted}"]'
    return f"{path}.{name}" if path else name


def _step(value: Value, accessor: str | int) -> Value | None:
    match value.value:
        case dict():
            return value.value.get(str(accessor))
        case list() if isinstance(accessor, int) and accessor < len(value.value):
            return value.value[accessor]
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not what it was."""

    path: str
    before: Plain
    after: Plain
    kind: str
    """`added`, `removed`, `changed`."""


def compare(before: Mapping[str, Value], after: Mapping[str, Value], *, reveal: bool = False) -> list[Difference]:
    """Return what differs between two evaluations, secrets compared and, unless revealed, not shown."""
    was, now = _content(before), _content(after)
    found: list[Difference] = []
    for path in sorted(was.keys() | now.keys()):
        old, new = was.get(path), now.get(path)
        if old == new:
            continue
        kind = "added" if old is None else "removed" if new is None else "changed"
        found.append(Difference(path, _told(old, reveal=reveal), _told(new, reveal=reveal), kind))
    return found


_Content = tuple[bool, Any]


def _content(properties: Mapping[str, Value]) -> dict[str, _Content]:
    return {leaf.path: (leaf.secret, _hashable(leaf.value)) for leaf in _marked(properties)}


def _marked(properties: Mapping[str, Value]) -> list[Leaf]:
    """The leaves, revealed, each still saying whether it is a secret."""
    return [leaf for name in sorted(properties) for leaf in _deep(_key("", name), properties[name], secret=False)]


def _deep(path: str, value: Value, *, secret: bool) -> Iterator[Leaf]:
    secret = secret or value.secret
    match value.value:
        case dict() if not value.unknown and value.value:
            for name in sorted(value.value):
                yield from _deep(_key(path, name), value.value[name], secret=secret)
        case list() if not value.unknown and value.value:
            for index, item in enumerate(value.value):
                yield from _deep(f"{path}[{index}]", item, secret=secret)
        case _:
            yield Leaf(path, shown(value, reveal=True), secret, value.definition)


def _hashable(plain: Plain) -> Any:
    return plain.text if isinstance(plain, Number) else plain


def _told(content: _Content | None, *, reveal: bool) -> Plain:
    if content is None:
        return None
    secret, plain = content
    return "[secret]" if secret and not reveal else plain

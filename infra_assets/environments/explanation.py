"""Who set a value: the chain of layers that it went through, and every value of an environment by its path."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from infra_assets.environments.language.model import Plain, Range, Value
from infra_assets.environments.language.paths import join_key, parse_path
from infra_assets.environments.layers import CONFIGURATION
from infra_assets.errors import UsageError

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
    for accessor in _steps(path):
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
    return [leaf for name in sorted(properties) for leaf in _leaves(key_below("", name), properties[name], reveal=reveal)]


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
                yield from _leaves(key_below(path, name), value.value[name], reveal=reveal)
        case list() if not whole and value.value:
            for index, item in enumerate(value.value):
                yield from _leaves(f"{path}[{index}]", item, reveal=reveal)
        case _:
            yield Leaf(path, shown(value, reveal=reveal), value.secret, value.definition)


def key_below(path: str, name: str) -> str:
    """Return the path of a key below another path, as people write it."""
    # A configuration key, network:cidr, reads better without quotes, and is understood without them.
    if not re.fullmatch(r"[^.\[\]\"\s]+", name):
        return join_key(path, name)
    return f"{path}.{name}" if path else name


def _steps(path: str) -> tuple[str | int, ...]:
    try:
        steps = parse_path(path)
    except ValueError as error:
        raise UsageError(f"{path!r} is no path: {error}", remedy='Paths read a.b[0]["key.with.dots"].') from None
    if not steps:
        raise UsageError("a path is asked for", remedy="A configuration key, network:cidr, or a path, aws.login.")
    return steps


def _step(value: Value, accessor: str | int) -> Value | None:
    match value.value:
        case dict():
            return value.value.get(str(accessor))
        case list() if isinstance(accessor, int) and accessor < len(value.value):
            return value.value[accessor]
        case _:
            return None

"""A TEP's environment as it was (at a git ref, at a revision, or as it was deployed), and what differs from that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra_assets.environments import layers
from infra_assets.environments.explanation import key_below, shown
from infra_assets.environments.language.model import SECRET, Plain, Value
from infra_assets.environments.opening import folders, open_source
from infra_assets.environments.sources.protocol import Source, SourceError
from infra_assets.errors import UsageError
from infra_assets.fleet.models import Tep
from infra_assets.settings import Settings


def history_source(settings: Settings, tep: Tep, at: str) -> dict[str, Any]:
    """Return what to open a resolver with, to see a TEP's environment at a git ref or at a revision.

    Raises:
        UsageError: it is neither.
    """
    from infra_assets.environments.sources.git import GitSource

    instead: dict[str, Source] = {}
    refused: list[str] = []
    for word, folder in folders(settings).items():
        found = _repository(folder)
        if found is None:
            continue
        try:
            instead[word] = GitSource(found, at, folder.relative_to(found).as_posix().removeprefix("."))
        except SourceError as error:
            refused.append(str(error))
    if instead:
        return {"source": open_source(settings, instead=instead)}
    name = layers.root(tep)
    try:
        open_source(settings).read(name, at)
    except SourceError as error:
        why = "; ".join(refused) or str(error)
        raise UsageError(f"--at {at}: neither a git ref nor a revision of {name}: {why}") from None
    return {"pins": {name: at}}


def pins(closure: Mapping[str, str]) -> dict[str, str]:
    """Return the revisions of a closure to go back to; what the register writes has no history and is as it is now."""
    return {name: revision for name, revision in closure.items() if not name.startswith(f"{layers.FLEET}/")}


def _repository(folder: Path) -> Path | None:
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)


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


_Content = tuple[bool, Plain]


def _content(properties: Mapping[str, Value]) -> dict[str, _Content]:
    """Return every leaf by path, in clear, with whether it is a secret."""
    return {
        path: (secret, plain) for name in properties for path, secret, plain in _deep(key_below("", name), properties[name], secret=False)
    }


def _deep(path: str, value: Value, *, secret: bool) -> Iterator[tuple[str, bool, Plain]]:
    secret = secret or value.secret
    match value.value:
        case dict() if not value.unknown and value.value:
            for name, item in value.value.items():
                yield from _deep(key_below(path, name), item, secret=secret)
        case list() if not value.unknown and value.value:
            for index, item in enumerate(value.value):
                yield from _deep(f"{path}[{index}]", item, secret=secret)
        case _:
            yield path, secret, shown(value, reveal=True)


def _told(content: _Content | None, *, reveal: bool) -> Plain:
    if content is None:
        return None
    secret, plain = content
    return SECRET if secret and not reveal else plain

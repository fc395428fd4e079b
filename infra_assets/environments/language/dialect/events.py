"""A text's events.

libyaml reads what almost all documents are made of exactly as yaml.v3 does, and fifty times as fast as our own parser. Where the two may
differ (tabs, tags, aliases, directives, further documents, `?` in flow style, ...), and in any error, our own parser has the say.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from yaml import YAMLError
from yaml._yaml import CParser  # pyright: ignore[reportMissingModuleSource]
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from infra_assets.environments.language.dialect.characters import characters
from infra_assets.environments.language.dialect.parser import Parser
from infra_assets.environments.language.dialect.tokens import END_EVENT, FLOW, MAPPING_EVENT, SCALAR_EVENT, SEQUENCE_EVENT, Event

_DIFFER = (b"\t", b"\r", b"\0", b"\n%", b"\n---", b"\n...", b"\\/", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xef\xbb\xbf")
_MAX_DEPTH = 1_000
"""What is nested deeper takes libyaml a time that grows with its square; ours has it refused as soon as it is seen."""
_DIFFER_FIRST = (b"%", b"\xff", b"\xfe")
_new = cast("Callable[[type[Event], tuple[object, ...]], Event]", tuple.__new__)  # pyright: ignore[reportUnknownMemberType]
"""Half of what making events costs."""


def events(source: bytes) -> Iterable[Event]:
    """Return the events of a text's first document.

    Raises:
        YamlError: it is no YAML; also while they are being read.
    """
    if not (source.startswith(_DIFFER_FIRST) or any(mark in source for mark in _DIFFER)):
        found = _by_libyaml(source)
        if found is not None:
            return found
    return Parser(characters(source)).events()


def _by_libyaml(source: bytes) -> list[Event] | None:
    try:
        return _events(CParser(source), asks=b"?" in source, lists=b"[" in source)
    except YAMLError:
        return None


def _events(parser: Any, *, asks: bool, lists: bool) -> list[Event] | None:
    found: list[Event] = []
    add = found.append
    get = parser.get_event
    depth = 0
    while (event := get()) is not None:
        kind = event.__class__
        if kind is ScalarEvent:
            # Where in `[a: ]` the empty value stands is another matter.
            if event.tag is not None or (lists and not event.value and not event.style):
                return None
            mark = event.start_mark
            add(_new(Event, (SCALAR_EVENT, mark.line + 1, mark.column + 1, event.value, event.style or "", "", 0, 0)))
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            add(_END)
            depth -= 1
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            depth += 1
            if event.tag is not None or (asks and event.flow_style) or depth > _MAX_DEPTH:
                return None
            mark = event.start_mark
            name = MAPPING_EVENT if kind is MappingStartEvent else SEQUENCE_EVENT
            add(_new(Event, (name, mark.line + 1, mark.column + 1, "", FLOW if event.flow_style else "", "", 0, 0)))
        elif kind is AliasEvent or (kind is DocumentEndEvent and get().__class__ is not StreamEndEvent):
            return None
    return found


_END = Event(END_EVENT)

"""A document as nodes: null, bool, number, string, array and object, each with its place."""

from collections.abc import Iterator
from functools import cached_property

from infra_assets.environments.language.dialect.events import events
from infra_assets.environments.language.dialect.tokens import (
    ALIAS_EVENT,
    END_EVENT,
    LITERAL,
    MAPPING_EVENT,
    SCALAR_EVENT,
    SEQUENCE_EVENT,
    Event,
    YamlError,
)
from infra_assets.environments.language.golang import width
from infra_assets.environments.language.model import Diagnostic, Number, Position, Range
from infra_assets.environments.language.paths import join_key
from infra_assets.environments.language.scalars import NotOfItsTag, decode

NULL, BOOL, NUMBER, STRING, ARRAY, OBJECT, BROKEN = range(7)
"""Kinds of nodes; a broken one is an alias, or a scalar that its tag does not fit."""

MAX_DEPTH = 64
"""No person nests deeper, and all that follows may be recursive."""

Scalar = None | bool | Number | str


class Source:
    """A document's text, and under which name it was read."""

    def __init__(self, name: str, text: bytes) -> None:
        self.name = name
        self.text = text

    @cached_property
    def lines(self) -> list[tuple[int, bytes]]:
        """Each line with where it begins, in bytes."""
        found: list[tuple[int, bytes]] = []
        begin = 0
        for line in self.text.split(b"\n"):
            found.append((begin, line))
            begin += len(line) + 1
        return found

    def position(self, line: int, column: int) -> Position:
        """Return a place by line and column, which count from 1; its byte is 0 in the last line and behind it, as upstream has it."""
        if not 0 < line < len(self.lines):
            return Position(line, column, 0)
        begin, text = self.lines[line - 1]
        if text.isascii():
            return Position(line, column, begin + column - 1)
        at = 1
        for character in text.decode(errors="replace"):
            if at >= column:
                break
            begin += len(character.encode())
            at += width(character)
        return Position(line, column, begin)


class Node:
    """One node; `value` is a scalar's, `items` an array's nodes, `entries` an object's keys and values."""

    __slots__ = ("_range", "column", "end", "entries", "items", "key", "kind", "line", "parent", "source", "style", "tag", "text", "value")

    def __init__(self, source: Source, parent: "Node | None", key: str | int | None, kind: int, event: Event) -> None:
        self.source = source
        self.parent = parent
        self.key = key
        self.kind = kind
        _, self.line, self.column, self.text, self.style, self.tag, _, _ = event
        self.value: Scalar = None
        self.items: list[Node] = _NO_ITEMS
        self.entries: list[tuple[Node, Node]] = _NO_ENTRIES
        self.end: tuple[int, int] | None = None
        """Line and column of a collection's end: that of its last item."""
        self._range: Range | None = None

    def close(self) -> None:
        """Take note that a collection is complete."""
        if self.items or self.entries:
            self.end = (self.items[-1] if self.items else self.entries[-1][1]).end_place()
        else:
            self.end = self.line, self.column

    def release(self) -> None:
        """Let go of what is below, once that has been read: nodes know what they are in, and would never be freed otherwise."""
        self.items, self.entries = _NO_ITEMS, _NO_ENTRIES

    @property
    def path(self) -> str:
        """Where it stands."""
        if self.parent is None or self.key is None:
            return ""
        if isinstance(self.key, int):
            return f"{self.parent.path}[{self.key}]"
        return join_key(self.parent.path, self.key)

    @property
    def range(self) -> Range:
        """Its place in the text."""
        if self._range is None:
            source = self.source
            self._range = Range(source.name, source.position(self.line, self.column), source.position(*self.end_place()))
        return self._range

    def end_place(self) -> tuple[int, int]:
        """Return line and column of the end."""
        if self.end is not None:
            return self.end
        line, column, text = self.line, self.column, self.text
        if self.style == LITERAL and not self.tag:
            line, text = line + text.count("\n"), text.rsplit("\n", 1)[-1]
        elif self.tag and not self.style:
            column += len(self.tag) + 1
        return line, column + (len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape")))

    def part(self, begin: int, end: int) -> Range | None:
        """Return the place of a part of a string, by octets; None where the text's style does not let it be told."""
        if self.style or self.tag:
            return None
        start, octets = self.range.begin, self.text.encode()
        shift = width(octets[:begin].decode(errors="replace"))
        until = width(octets[:end].decode(errors="replace"))
        return Range(
            self.source.name,
            Position(start.line, start.column + shift, start.byte + begin),
            Position(start.line, start.column + until, start.byte + end),
        )


_NO_ITEMS: list[Node] = []
_NO_ENTRIES: list[tuple[Node, Node]] = []


def error(node: Node | None, summary: str, severity: str = "error") -> Diagnostic:
    """Return a diagnostic about a node; about nothing in the document where there is none."""
    return Diagnostic(severity, summary, node.path, node.range) if node else Diagnostic(severity, summary)


def read(name: str, text: bytes) -> tuple[Node | None, list[Diagnostic]]:
    """Return a document's root; None where it has none, or where it cannot be read, with the errors."""
    if not text:
        return Node(Source(name, text), None, None, OBJECT, Event(MAPPING_EVENT)), []
    builder = Builder(Source(name, text))
    try:
        root = builder.build(iter(events(text)))
    except YamlError as problem:
        return None, [Diagnostic("error", str(problem))]
    return root, builder.diagnostics


class Builder:
    """Makes nodes of events."""

    def __init__(self, source: Source) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._source = source

    def build(self, found: Iterator[Event]) -> Node | None:
        """Return the root.

        Raises:
            YamlError: it is no YAML, or nested too deep.
        """
        for event in found:
            root = self.node(event, None, None)
            if root.kind in (ARRAY, OBJECT):
                self._fill(root, found)
            for _ in found:  # a syntax error behind it is one all the same
                pass
            return None if root.kind == NULL else root
        return None

    def ended(self, node: Node, event: Event) -> None:
        """Take note that a collection has ended."""

    def _fill(self, root: Node, found: Iterator[Event]) -> None:
        stack = [root]
        key: Node | None = None
        keys: list[Node | None] = []
        for event in found:
            if event[0] == END_EVENT:
                closed = stack.pop()
                closed.close()
                self.ended(closed, event)
                if not stack:
                    return
                key = keys.pop()
                if key is _PENDING:  # what has ended was itself a key
                    key = self._checked(stack[-1])
                continue
            parent = stack[-1]
            if parent.kind == ARRAY:
                node = self.node(event, parent, len(parent.items))
                parent.items.append(node)
                after: Node | None = None
            elif key is None:
                node = self.node(event, parent, event[3] if event[0] != ALIAS_EVENT else "")
                parent.entries.append((node, node))
                after = _PENDING
            else:
                node = self.node(event, parent, key.key)
                parent.entries[-1] = (key, node)
                after = None
            if node.kind in (ARRAY, OBJECT):
                if len(stack) == MAX_DEPTH:
                    raise YamlError.at(node.line, f"nested deeper than {MAX_DEPTH} levels")
                stack.append(node)
                keys.append(after)
                key = None
            else:
                key = self._checked(parent) if after is _PENDING else None

    def _checked(self, parent: Node) -> Node:
        key = parent.entries[-1][0]
        if key.kind not in (STRING, BROKEN):
            self.diagnostics.append(error(key, "mapping keys must be strings"))
        return key

    def node(self, event: Event, parent: Node | None, key: str | int | None) -> Node:
        """Return one."""
        kind = event[0]
        if kind == SCALAR_EVENT:
            node = Node(self._source, parent, key, STRING, event)
            self._decode(node)
        elif kind == SEQUENCE_EVENT:
            node = Node(self._source, parent, key, ARRAY, event)
            node.items = []
        elif kind == MAPPING_EVENT:
            node = Node(self._source, parent, key, OBJECT, event)
            node.entries = []
        else:
            node = Node(self._source, parent, key, BROKEN, event)
            self.diagnostics.append(error(node, "alias nodes are not supported"))
        return node

    def _decode(self, node: Node) -> None:
        try:
            value = decode(node.text, node.style, node.tag)
        except NotOfItsTag as problem:
            node.kind = BROKEN
            self.diagnostics.append(error(node, f"yaml: {problem}"))
            return
        node.value = value
        if value is None:
            node.kind = NULL
        elif value.__class__ is not str:
            node.kind = BOOL if value.__class__ is bool else NUMBER


_PENDING = Node(Source("", b""), None, None, BROKEN, Event(ALIAS_EVENT))

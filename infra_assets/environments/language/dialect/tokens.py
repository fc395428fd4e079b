"""What the scanner hands to the parser, and both to who reads events."""

from enum import IntEnum, auto
from typing import NamedTuple


class Mark(NamedTuple):
    """A place in the text, in characters, from 0."""

    index: int  # pyright: ignore[reportIncompatibleMethodOverride]
    line: int
    column: int


START = Mark(0, 0, 0)


class Kind(IntEnum):
    """Kinds of tokens."""

    STREAM_START = auto()
    STREAM_END = auto()
    VERSION_DIRECTIVE = auto()
    TAG_DIRECTIVE = auto()
    DOCUMENT_START = auto()
    DOCUMENT_END = auto()
    BLOCK_SEQUENCE_START = auto()
    BLOCK_MAPPING_START = auto()
    BLOCK_END = auto()
    FLOW_SEQUENCE_START = auto()
    FLOW_SEQUENCE_END = auto()
    FLOW_MAPPING_START = auto()
    FLOW_MAPPING_END = auto()
    BLOCK_ENTRY = auto()
    FLOW_ENTRY = auto()
    KEY = auto()
    VALUE = auto()
    ALIAS = auto()
    ANCHOR = auto()
    TAG = auto()
    SCALAR = auto()


PLAIN, SINGLE, DOUBLE, LITERAL, FOLDED = "", "'", '"', "|", ">"
"""Styles of scalars."""


class Token(NamedTuple):
    """A token; `value` is a scalar's text, an anchor's name, a tag's handle, a directive's value."""

    kind: Kind
    start: Mark
    end: Mark
    value: str = ""
    suffix: str = ""
    style: str = PLAIN


class Event(NamedTuple):
    """A scalar, an alias, the start of a collection or its end; line and column count from 1."""

    kind: str
    line: int = 0
    column: int = 0
    value: str = ""
    style: str = PLAIN
    """A scalar's style; `f` for a collection in flow style."""
    tag: str = ""
    begin: int = 0
    """Where it begins and ends, in characters; only our own parser says so, and of a block not where it ends."""
    end: int = 0


SCALAR_EVENT, ALIAS_EVENT, SEQUENCE_EVENT, MAPPING_EVENT, END_EVENT = "scalar", "alias", "sequence", "mapping", "end"
FLOW = "f"


class YamlError(Exception):
    """The text is no YAML; the message is yaml.v3's."""

    @classmethod
    def at(cls, line: int, problem: str) -> "YamlError":
        """Return it with a line, which is not said where it is 0."""
        return cls(f"yaml: line {line}: {problem}" if line else f"yaml: {problem}")

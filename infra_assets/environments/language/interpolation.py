"""Strings with `${…}` in them: text and property accesses."""

import re
from typing import NamedTuple

from infra_assets.environments.language.model import Diagnostic
from infra_assets.environments.language.nodes import Node

_SPACES = frozenset("\t\n\v\f\r \x85\xa0")
_INTEGER = re.compile(r"[+-]?0*[0-9]{1,19}\Z")
_NAME_END = re.compile("[.\\[}\t-\r \x85\xa0]")
_INDEX_END = re.compile("[.\\[}\\]\t-\r \x85\xa0]")


class Accessor(NamedTuple):
    """One step of an access: a key or an index, and the octets of the string where it stands."""

    key: str | int
    begin: int
    end: int


Accessors = tuple[Accessor, ...]


class Part(NamedTuple):
    """A text, and the access behind it."""

    text: str
    accessors: Accessors | None


def interpolation(node: Node, text: str) -> tuple[list[Part], list[Diagnostic]]:
    """Return a string's parts; none for an empty string."""
    if text.isascii():
        return _Interpolation(node, text).parts()
    # Upstream reads octets: one that would be a space as a character ends a name.
    parts, diagnostics = _Interpolation(node, text.encode("utf-8", "surrogateescape").decode("latin-1")).parts()
    return [Part(_characters(part.text), _all_characters(part.accessors)) for part in parts], diagnostics


def _characters(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def _all_characters(accessors: Accessors | None) -> Accessors | None:
    if accessors is None:
        return None
    return tuple(Accessor(_characters(step.key), step.begin, step.end) if isinstance(step.key, str) else step for step in accessors)


class _Interpolation:
    def __init__(self, node: Node, text: str) -> None:
        self._node = node
        self._text = text
        self._at = 0
        self._diagnostics: list[Diagnostic] = []

    def parts(self) -> tuple[list[Part], list[Diagnostic]]:
        parts: list[Part] = []
        taken = ""
        while self._at < len(self._text):
            dollar = self._text.find("$", self._at)
            if dollar < 0:
                taken += self._text[self._at :]
                break
            taken += self._text[self._at : dollar]
            following = self._text[dollar + 1 : dollar + 2]
            self._at = dollar + (2 if following in ("$", "{") and following else 1)
            if following == "{":
                parts.append(Part(taken, self._access()))
                taken = ""
            else:
                taken += "$"
        if taken:
            parts.append(Part(taken, None))
        return parts, self._diagnostics

    def _error(self, begin: int, summary: str) -> None:
        where = self._node.part(begin, self._at)
        self._diagnostics.append(Diagnostic("error", summary, self._node.path, where or self._node.range))

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _access(self) -> Accessors:
        steps: list[Accessor] = []
        while True:
            character, begin = self._peek(), self._at
            if not character or character in _SPACES:
                self._error(begin, "missing closing brace '}' in interpolation")
                break
            if character == "}":
                self._at += 1
                break
            if character == "[":
                self._at += 1
                steps.append(self._subscript(begin, first=not steps))
            else:
                self._at += character == "."
                steps.append(self._name(begin))
        return tuple(steps) or (Accessor("", begin, self._at),)

    def _name(self, begin: int) -> Accessor:
        name = self._until(_NAME_END)
        if not name:
            self._error(begin, "property name must not be empty")
        return Accessor(name, begin, self._at)

    def _until(self, ends: re.Pattern[str]) -> str:
        begin, found = self._at, ends.search(self._text, self._at)
        self._at = found.start() if found else len(self._text)
        return self._text[begin : self._at]

    def _subscript(self, begin: int, *, first: bool) -> Accessor:
        if not self._peek():
            self._error(begin, "subscript is missing closing bracket ']'")
            return Accessor("", begin, self._at)
        if self._peek() == '"':
            self._at += 1
            key: str | int = self._quoted(begin)
        else:
            key = self._index(begin, first=first)
        if self._peek() == "]":
            self._at += 1
        else:
            self._error(begin, "subscript is missing closing bracket ']'")
        return Accessor(key, begin, self._at)

    def _quoted(self, begin: int) -> str:
        key = ""
        while character := self._peek():
            self._at += 1
            if character == '"':
                if not key:
                    self._error(begin + 1, "key subscript must not be empty")
                return key
            if character == "\\" and self._peek() == '"':
                self._at += 1
                character = '"'
            key += character
        self._error(begin + 1, "key subscript is missing closing quote '\"'")
        return key

    def _index(self, begin: int, *, first: bool) -> str | int:
        digits = self._until(_INDEX_END)
        if not _INTEGER.match(digits) or not -(1 << 63) <= int(digits) < 1 << 63:
            self._error(begin + 1, "numeric subscript must be a positive base-10 integer")
            return digits
        if first:
            self._error(begin, "the first accessor must be a property name or key subscript, not a numeric subscript")
        return int(digits)

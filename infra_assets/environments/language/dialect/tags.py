"""Directives, anchors and tags."""

import re

from infra_assets.environments.language.dialect.reader import BLANKS, BREAKS_OR_END, ENDS, Reader
from infra_assets.environments.language.dialect.tokens import Kind, Mark, Token

_WORD = re.compile(r"[0-9A-Za-z_-]*")
_AFTER_ANCHOR = ENDS | frozenset("?:,]}%@`")
_URI = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-;/?:@&=+$,.!~*'()[]%")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")


def scan_directive(reader: Reader) -> Token:
    """Return `%YAML` or `%TAG`.

    Raises:
        YamlError: it is another one.
    """
    start = reader.mark
    reader.skip()
    name = _word(reader)
    if not name:
        raise reader.error(start, "could not find expected directive name")
    if reader.character not in ENDS:
        raise reader.error(start, "found unexpected non-alphabetical character")
    if name == "YAML":
        token = Token(Kind.VERSION_DIRECTIVE, start, reader.mark, _version(reader, start))
    elif name == "TAG":
        handle, prefix = _tag_directive(reader, start)
        token = Token(Kind.TAG_DIRECTIVE, start, reader.mark, handle, prefix)
    else:
        raise reader.error(start, "found unknown directive name")
    _skip_blanks(reader)
    if reader.character == "#":
        while reader.character not in BREAKS_OR_END:
            reader.skip()
            reader.need(1)
    if reader.character not in BREAKS_OR_END:
        raise reader.error(start, "did not find expected comment or line break")
    reader.need(2)
    reader.skip_line()
    return token


def _word(reader: Reader) -> str:
    reader.need(1)
    found = _WORD.match(reader.text, reader.index)
    assert found
    for _ in found[0]:
        reader.skip()
        reader.need(1)
    return found[0]


def _skip_blanks(reader: Reader) -> None:
    reader.need(1)
    while reader.character in BLANKS:
        reader.skip()
        reader.need(1)


def _version(reader: Reader, start: Mark) -> str:
    _skip_blanks(reader)
    major = _version_number(reader, start)
    if reader.character != ".":
        raise reader.error(start, "did not find expected digit or '.' character")
    reader.skip()
    return f"{major}.{_version_number(reader, start)}"


def _version_number(reader: Reader, start: Mark) -> int:
    reader.need(1)
    digits = ""
    while reader.character.isascii() and reader.character.isdigit():
        if len(digits) == 2:
            raise reader.error(start, "found extremely long version number")
        digits += reader.read()
        reader.need(1)
    if not digits:
        raise reader.error(start, "did not find expected version number")
    return int(digits)


def _tag_directive(reader: Reader, start: Mark) -> tuple[str, str]:
    _skip_blanks(reader)
    handle = _handle(reader, start, directive=True)
    reader.need(1)
    if reader.character not in BLANKS:
        raise reader.error(start, "did not find expected whitespace")
    _skip_blanks(reader)
    prefix = _uri(reader, "", start)
    reader.need(1)
    if reader.character not in ENDS:
        raise reader.error(start, "did not find expected whitespace or line break")
    return handle, prefix


def scan_anchor(reader: Reader, kind: Kind) -> Token:
    """Return an anchor or an alias.

    Raises:
        YamlError: it has no name.
    """
    start = reader.mark
    reader.skip()
    name = _word(reader)
    if not name or reader.character not in _AFTER_ANCHOR:
        raise reader.error(start, "did not find expected alphabetic or numeric character")
    return Token(kind, start, reader.mark, name)


def scan_tag(reader: Reader) -> Token:
    """Return a tag as handle and suffix.

    Raises:
        YamlError: it is none.
    """
    start = reader.mark
    reader.need(2)
    if reader.text[reader.index + 1] == "<":
        handle = ""
        reader.skip()
        reader.skip()
        suffix = _uri(reader, "", start)
        if reader.character != ">":
            raise reader.error(start, "did not find the expected '>'")
        reader.skip()
    else:
        handle, suffix = _short_tag(reader, start)
    reader.need(1)
    if reader.character not in ENDS:
        raise reader.error(start, "did not find expected whitespace or line break")
    return Token(Kind.TAG, start, reader.mark, handle, suffix)


def _short_tag(reader: Reader, start: Mark) -> tuple[str, str]:
    handle = _handle(reader, start, directive=False)
    if len(handle) > 1 and handle[-1] == "!":
        return handle, _uri(reader, "", start)
    suffix = _uri(reader, handle, start)
    return ("!", suffix) if suffix else ("", "!")


def _handle(reader: Reader, start: Mark, *, directive: bool) -> str:
    reader.need(1)
    if reader.character != "!":
        raise reader.error(start, "did not find expected '!'")
    handle = reader.read() + _word(reader)
    if reader.character == "!":
        return handle + reader.read()
    if directive and handle != "!":
        raise reader.error(start, "did not find expected '!'")
    return handle


def _uri(reader: Reader, head: str, start: Mark) -> str:
    taken = head[1:].encode()
    found = bool(head)
    reader.need(1)
    while reader.character in _URI:
        taken += _octets(reader, start) if reader.character == "%" else reader.read().encode()
        reader.need(1)
        found = True
    if not found:
        raise reader.error(start, "did not find expected tag URI")
    return taken.decode(errors="replace")


def _octets(reader: Reader, start: Mark) -> bytes:
    taken, width = b"", 1
    while len(taken) < width:
        reader.need(3)
        escape = _ESCAPE.match(reader.text, reader.index)
        if not escape:
            raise reader.error(start, "did not find URI escaped octet")
        octet = int(escape[1], 16)
        if not taken:
            width = 1 if octet < 0x80 else 2 if octet & 0xE0 == 0xC0 else 3 if octet & 0xF0 == 0xE0 else 4 if octet & 0xF8 == 0xF0 else 0
            if not width:
                raise reader.error(start, "found an incorrect leading UTF-8 octet")
        elif octet & 0xC0 != 0x80:
            raise reader.error(start, "found an incorrect trailing UTF-8 octet")
        taken += bytes([octet])
        for _ in range(3):
            reader.skip()
    return taken

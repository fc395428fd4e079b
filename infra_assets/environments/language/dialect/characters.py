"""Bytes to characters, as yaml.v3 decodes them: UTF-8 or UTF-16 by the byte order mark, in blocks of 512 bytes.

The blocks show: a character that is not allowed is an error as soon as its block is needed, and not before.
"""

import re
from typing import NamedTuple

_BLOCK = 512
_ALLOWED = re.compile("[\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_WIDTHS = ((0x80, 0x00, 1), (0xE0, 0xC0, 2), (0xF0, 0xE0, 3), (0xF8, 0xF0, 4))


class Characters(NamedTuple):
    """A text's characters up to what cannot be read, if anything."""

    text: str
    wall: int | None = None
    """From here on, nothing can be had: reading any further is the error."""
    problem: str = ""


def characters(source: bytes) -> Characters:
    """Return a text's characters."""
    if source[:2] == b"\xff\xfe":
        return _utf_16(source[2:], "utf-16-le")
    if source[:2] == b"\xfe\xff":
        return _utf_16(source[2:], "utf-16-be")
    marked = 3 if source[:3] == b"\xef\xbb\xbf" else 0
    return _utf_8(source[marked:], marked)


def _utf_16(source: bytes, encoding: str) -> Characters:
    try:
        text = source.decode(encoding)
    except UnicodeDecodeError as error:
        return Characters("", 0, "incomplete UTF-16 character" if error.reason == "truncated data" else "unexpected low surrogate area")
    allowed = _ALLOWED.match(text)
    assert allowed
    return Characters(text) if allowed.end() == len(text) else Characters("", 0, "control characters are not allowed")


def _utf_8(source: bytes, marked: int) -> Characters:
    try:
        text, problem, bad = source.decode(), "", len(source)
    except UnicodeDecodeError as error:
        text, problem, bad = source[: error.start].decode(), _invalid(source, error.start), error.start
    allowed = _ALLOWED.match(text)
    assert allowed
    if allowed.end() < len(text):
        problem, bad = "control characters are not allowed", len(text[: allowed.end()].encode())
    if not problem:
        return Characters(text)
    wall = len(source[: _block_start(source, bad, marked)].decode())
    return Characters(text[:wall], wall, problem)


def _invalid(source: bytes, at: int) -> str:
    first = source[at]
    width = next((width for mask, lead, width in _WIDTHS if first & mask == lead), 0)
    if not width:
        return "invalid leading UTF-8 octet"
    if at + width > len(source):
        return "incomplete UTF-8 octet sequence"
    if any(octet & 0xC0 != 0x80 for octet in source[at + 1 : at + width]):
        return "invalid trailing UTF-8 octet"
    value = first & (0xFF >> (width + 1))
    for octet in source[at + 1 : at + width]:
        value = value << 6 | octet & 0x3F
    return "invalid length of a UTF-8 sequence" if value < (0, 0, 0x80, 0x800, 0x10000)[width] else "invalid Unicode character"


def _block_start(source: bytes, bad: int, marked: int) -> int:
    start, end = 0, _BLOCK - marked
    while end <= bad:
        while end > start and source[end] & 0xC0 == 0x80:  # a character that is cut off waits for the next block
            end -= 1
        start, end = end, end + _BLOCK
    return start

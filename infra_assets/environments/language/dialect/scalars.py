"""Scalars: plain, quoted, and in blocks."""

from dataclasses import dataclass, field

from infra_assets.environments.language.dialect.reader import BLANKS, BREAKS, BREAKS_OR_END, ENDS, Reader
from infra_assets.environments.language.dialect.tokens import DOUBLE, FOLDED, LITERAL, PLAIN, SINGLE, Kind, Mark, Token

_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b", " ": " ", '"': '"',
    "'": "'", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_CODES = {"x": 2, "u": 4, "U": 8}
_FLOW_ENDS = frozenset(",?[]{}")
_HEX = frozenset("0123456789abcdefABCDEF")


@dataclass(slots=True)
class _Whitespace:
    """What stood between two words: blanks, or line breaks."""

    blanks: list[str] = field(default_factory=list[str])
    first: str = ""
    further: list[str] = field(default_factory=list[str])
    broken: bool = False

    def consume(self, reader: Reader) -> None:
        """Take one character of it."""
        if reader.character in BLANKS:
            if self.broken:
                reader.skip()
            else:
                self.blanks.append(reader.read())
            return
        reader.need(2)
        if self.broken:
            self.further.append(reader.read_line())
        else:
            self.blanks.clear()
            self.first, self.broken = reader.read_line(), True

    def folded(self) -> str:
        """Return what it comes to: a single line break becomes a space."""
        if not self.broken:
            return "".join(self.blanks)
        further = "".join(self.further)
        if self.first[:1] == "\n":
            return further or " "
        return self.first + further


def scan_plain_scalar(reader: Reader, indent: int, *, flow: bool) -> tuple[Token, bool]:
    """Return a plain scalar, and whether it ended with a line break.

    Raises:
        YamlError: it is none.
    """
    start = end = reader.mark
    taken: list[str] = []
    space = _Whitespace()
    while True:
        reader.need(4)
        if (reader.column == 0 and reader.at_document_indicator()) or reader.character == "#":
            break
        while not _ends_plain(reader, flow=flow):
            if space.broken or space.blanks:
                taken.append(space.folded())
                space = _Whitespace()
            taken.append(reader.read())
            end = reader.mark
            reader.need(2)
        if reader.character not in BLANKS and reader.character not in BREAKS:
            break
        _plain_space(reader, space, start, indent)
        if not flow and reader.column < indent + 1:
            break
    return Token(Kind.SCALAR, start, end, "".join(taken), style=PLAIN), space.broken


def _ends_plain(reader: Reader, *, flow: bool) -> bool:
    character = reader.character
    if character in ENDS or (character == ":" and reader.text[reader.index + 1] in ENDS):
        return True
    return flow and character in _FLOW_ENDS


def _plain_space(reader: Reader, space: _Whitespace, start: Mark, indent: int) -> None:
    reader.need(1)
    while reader.character in BLANKS or reader.character in BREAKS:
        if space.broken and reader.column < indent + 1 and reader.character == "\t":
            raise reader.error(start, "found a tab character that violates indentation")
        space.consume(reader)
        reader.need(1)


def scan_quoted_scalar(reader: Reader, *, single: bool) -> Token:
    """Return a scalar in quotes.

    Raises:
        YamlError: it is none.
    """
    start, quote = reader.mark, "'" if single else '"'
    reader.skip()
    taken: list[str] = []
    while True:
        reader.need(4)
        if reader.column == 0 and reader.at_document_indicator():
            raise reader.error(start, "found unexpected document indicator")
        if reader.character == "\0":
            raise reader.error(start, "found unexpected end of stream")
        space = _Whitespace()
        while reader.character not in ENDS and not space.broken and not _ends_quoted(reader, quote):
            if single:
                taken.append(_single_quoted(reader))
            else:
                taken.append(_double_quoted(reader, start, space))
            reader.need(2)
        reader.need(1)
        if reader.character == quote:
            break
        while reader.character in BLANKS or reader.character in BREAKS:
            space.consume(reader)
            reader.need(1)
        taken.append(space.folded())
    reader.skip()
    return Token(Kind.SCALAR, start, reader.mark, "".join(taken), style=SINGLE if single else DOUBLE)


def _ends_quoted(reader: Reader, quote: str) -> bool:
    return reader.character == quote and not (quote == "'" and reader.text[reader.index + 1] == "'")


def _single_quoted(reader: Reader) -> str:
    if reader.character == "'":
        reader.skip()
    return reader.read()


def _double_quoted(reader: Reader, start: Mark, space: _Whitespace) -> str:
    if reader.character != "\\":
        return reader.read()
    following = reader.text[reader.index + 1]
    if following in BREAKS:
        reader.need(3)
        reader.skip()
        reader.skip_line()
        space.broken = True
        return ""
    if following not in _ESCAPES and following not in _CODES:
        raise reader.error(start, "found unknown escape character")
    reader.skip()
    reader.skip()
    return _ESCAPES[following] if following in _ESCAPES else _code(reader, start, _CODES[following])


def _code(reader: Reader, start: Mark, length: int) -> str:
    reader.need(length)
    digits = reader.text[reader.index : reader.index + length]
    if not _HEX.issuperset(digits):
        raise reader.error(start, "did not find expected hexdecimal number")
    value = int(digits, 16)
    if 0xD800 <= value <= 0xDFFF or value > 0x10FFFF:
        raise reader.error(start, "found invalid Unicode character escape code")
    for _ in range(length):
        reader.skip()
    return chr(value)


def scan_block_scalar(reader: Reader, parent: int, *, literal: bool) -> Token:
    """Return a scalar in a block, below one indented by `parent`.

    Raises:
        YamlError: it is none.
    """
    start = reader.mark
    reader.skip()
    chomping, increment = _header(reader, start)
    indent = max(parent, 0) + increment if increment else 0
    end = reader.mark
    taken: list[str] = []
    leading, blank = "", False
    indent, breaks, end = _block_breaks(reader, indent, parent, start)
    reader.need(1)
    while reader.column == indent and reader.character != "\0":
        trailing = reader.character in BLANKS
        if not literal and not blank and not trailing and leading[:1] == "\n":
            taken.append("" if breaks else " ")
        else:
            taken.append(leading)
        taken.append(breaks)
        blank = reader.character in BLANKS
        while reader.character not in BREAKS_OR_END:
            taken.append(reader.read())
            reader.need(1)
        reader.need(2)
        leading = reader.read_line()
        indent, breaks, end = _block_breaks(reader, indent, parent, start)
    if chomping != "-":
        taken.append(leading)
    if chomping == "+":
        taken.append(breaks)
    return Token(Kind.SCALAR, start, end, "".join(taken), style=LITERAL if literal else FOLDED)


def _header(reader: Reader, start: Mark) -> tuple[str, int]:
    chomping, increment = "", 0
    reader.need(1)
    if reader.character in "+-":
        chomping = reader.read()
        reader.need(1)
        increment = _increment(reader, start)
    elif reader.character.isascii() and reader.character.isdigit():
        increment = _increment(reader, start)
        reader.need(1)
        chomping = reader.read() if reader.character in "+-" else ""
    reader.need(1)
    while reader.character in BLANKS:
        reader.skip()
        reader.need(1)
    if reader.character == "#":
        reader.line_comment()
        while reader.character not in BREAKS_OR_END:
            reader.skip()
            reader.need(1)
    if reader.character not in BREAKS_OR_END:
        raise reader.error(start, "did not find expected comment or line break")
    reader.need(2)
    reader.skip_line()
    return chomping, increment


def _increment(reader: Reader, start: Mark) -> int:
    character = reader.character
    if not (character.isascii() and character.isdigit()):
        return 0
    if character == "0":
        raise reader.error(start, "found an indentation indicator equal to 0")
    reader.skip()
    return int(character)


def _block_breaks(reader: Reader, indent: int, parent: int, start: Mark) -> tuple[int, str, Mark]:
    end, deepest = reader.mark, 0
    breaks: list[str] = []
    while True:
        reader.need(1)
        while (not indent or reader.column < indent) and reader.character == " ":
            reader.skip()
            reader.need(1)
        deepest = max(deepest, reader.column)
        if (not indent or reader.column < indent) and reader.character == "\t":
            raise reader.error(start, "found a tab character where an indentation space is expected")
        if reader.character not in BREAKS:
            return indent or max(deepest, parent + 1, 1), "".join(breaks), end
        reader.need(2)
        breaks.append(reader.read_line())
        end = reader.mark

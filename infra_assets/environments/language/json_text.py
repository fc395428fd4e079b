"""JSON as Go writes and reads it: escapes, order of keys, and the words of errors."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from infra_assets.environments.language.golang import octets_of, quote, well_formed
from infra_assets.environments.language.model import Number, Plain
from infra_assets.environments.language.nodes import MAX_DEPTH

_VALID_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
_HTML = re.compile("[<>&\u2028\u2029\x7f]")
_SPACES = " \t\r\n"
_SIMPLE_ESCAPES = frozenset('bfnrt\\/"')
_HEX = frozenset("0123456789abcdefABCDEF")


class JsonError(Exception):
    """Something is no JSON, or cannot be written as JSON; the message is Go's."""


def dump(plain: Plain) -> str:
    """Return a value as JSON; numbers are Number, whose text must be one that JSON has.

    Raises:
        JsonError: it holds a number that JSON does not have.
    """
    if isinstance(plain, str):
        return _string(plain)
    if isinstance(plain, Number):
        if not _VALID_NUMBER.match(plain.text):
            raise JsonError(f"json: invalid number literal {quote(plain.text)}")
        return plain.text
    if isinstance(plain, list):
        return f"[{','.join(dump(item) for item in cast('list[Plain]', plain))}]"
    if isinstance(plain, Mapping):
        entries = cast("Mapping[str, Plain]", plain)
        return f"{{{','.join(f'{_string(key)}:{dump(entries[key])}' for key in sorted(entries))}}}"
    return {None: "null", True: "true", False: "false"}[plain]


def _string(text: str) -> str:
    return _HTML.sub(
        lambda found: f"\\u{ord(found[0]):04x}" if found[0] != "\x7f" else "\x7f", json.dumps(well_formed(text), ensure_ascii=False)
    )


def load(text: str) -> Plain:
    """Return the first value of a JSON text, numbers as Number; what follows is not looked at.

    Raises:
        JsonError: there is none.
    """
    decoder = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse)
    stripped = text.lstrip(_SPACES)
    try:
        plain, end = decoder.raw_decode(stripped)
        if isinstance(plain, Number) and stripped[end : end + 1] in (".", "e", "E"):
            raise ValueError("the number goes on")
    except ValueError:
        raise JsonError(_Scan(octets_of(text).decode("latin-1")).problem()) from None
    except RecursionError:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels") from None
    return _cleaned(plain, MAX_DEPTH)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _cleaned(plain: Plain, depth: int) -> Plain:
    if not depth:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(plain, str):
        return well_formed(plain)
    if isinstance(plain, list):
        return [_cleaned(item, depth - 1) for item in cast("list[Plain]", plain)]
    if isinstance(plain, dict):
        return {well_formed(key): _cleaned(item, depth - 1) for key, item in cast("dict[str, Plain]", plain).items()}
    return plain


class _Scan:
    """Finds what Go's scanner would have said of a text that is no JSON; its characters are octets."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def problem(self) -> str:
        """Return it."""
        if not self._text.strip(_SPACES):
            return "EOF"
        try:
            self._value("looking for beginning of value")
        except JsonError as problem:
            return str(problem)
        except RecursionError:
            return f"nested deeper than {MAX_DEPTH} levels"
        return "unexpected EOF"

    def _peek(self) -> str:
        while self._text[self._at : self._at + 1] in tuple(_SPACES):
            self._at += 1
        return self._next()

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise JsonError("unexpected EOF")
        return self._text[self._at]

    def _invalid(self, context: str) -> JsonError:
        character = self._text[self._at]
        shown = {"'": "'\\''", '"': "'\"'"}.get(character) or f"'{quote(character)[1:-1]}'"
        return JsonError(f"invalid character {shown} {context}")

    def _value(self, context: str) -> None:
        character = self._peek()
        parse = _VALUES.get(character)
        if not parse:
            raise self._invalid(context)
        parse(self)

    def array(self) -> None:
        """Go over an array."""
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            self._value("looking for beginning of value")
            if self._after("]", "after array element"):
                return

    def _after(self, end: str, context: str) -> bool:
        character = self._peek()
        if character not in (end, ","):
            raise self._invalid(context)
        self._at += 1
        return character == end

    def object(self) -> None:
        """Go over an object."""
        self._at += 1
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            if self._peek() != '"':
                raise self._invalid("looking for beginning of object key string")
            self.string()
            if self._peek() != ":":
                raise self._invalid("after object key")
            self._at += 1
            self._value("looking for beginning of value")
            if self._after("}", "after object key:value pair"):
                return

    def string(self) -> None:
        """Go over a string."""
        self._at += 1
        while (character := self._next()) != '"':
            if character < " ":
                raise self._invalid("in string literal")
            self._at += 1
            if character == "\\":
                self._escape()
        self._at += 1

    def _escape(self) -> None:
        character = self._next()
        if character == "u":
            self._at += 1
            for _ in range(4):
                if self._next() not in _HEX:
                    raise self._invalid("in \\u hexadecimal character escape")
                self._at += 1
        elif character in _SIMPLE_ESCAPES:
            self._at += 1
        else:
            raise self._invalid("in string escape code")

    def number(self) -> None:
        """Go over a number."""
        if self._next() == "-":
            self._at += 1
            self._digit("in numeric literal")
        if self._next() == "0":
            self._at += 1
        else:
            self._digits()
        if self._has("."):
            self._digit("after decimal point in numeric literal")
            self._digits()
        if self._has("eE"):
            self._has("+-")
            self._digit("in exponent of numeric literal")
            self._digits()

    def _has(self, characters: str) -> bool:
        found = self._at < len(self._text) and self._text[self._at] in characters
        self._at += found
        return found

    def _digit(self, context: str) -> None:
        if self._next() not in "0123456789":
            raise self._invalid(context)

    def _digits(self) -> None:
        while self._at < len(self._text) and self._text[self._at] in "0123456789":
            self._at += 1

    def word(self) -> None:
        """Go over true, false or null."""
        word = {"t": "true", "f": "false", "n": "null"}[self._next()]
        for expected in word:
            if self._next() != expected:
                raise self._invalid(f"in literal {word} (expecting '{expected}')")
            self._at += 1


_VALUES: dict[str, Callable[[_Scan], None]] = {
    "[": _Scan.array, "{": _Scan.object, '"': _Scan.string, **dict.fromkeys("tfn", _Scan.word),
    **dict.fromkeys("-0123456789", _Scan.number),
}  # fmt: skip

"""How Go writes strings and numbers: the official evaluator's texts and messages show it."""

import re
import unicodedata
from decimal import Decimal

_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", '"': '\\"', "\\": "\\\\"}
_NOT_PLAIN = re.compile(r"[^ !#-\[\]-~]")
_NO_CHARACTER = re.compile("[\ud800-\udfff]")
_UNPRINTABLE = ("C", "Z")
_EXPONENT = 6


def quote(text: str) -> str:
    """Return a string as `%q` has it."""
    return f'"{_NOT_PLAIN.sub(_escaped, text)}"' if _NOT_PLAIN.search(text) else f'"{text}"'


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if unicodedata.category(character)[0] not in _UNPRINTABLE:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def well_formed(text: str) -> str:
    """Return a string with what is no character replaced, as in JSON."""
    return text if text.isascii() else _NO_CHARACTER.sub("\ufffd", text)


def text_of(octets: bytes) -> str:
    """Return octets as a string that remembers those that are no UTF-8."""
    return octets.decode("utf-8", "surrogateescape")


def octets_of(text: str) -> bytes:
    """Return a string's octets."""
    return text.encode("utf-8", "surrogateescape")


def format_float(number: float) -> str:
    """Return a number as `%g` has it, with as many digits as it needs."""
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "+Inf" if number > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    assert isinstance(exponent, int)
    shown = "".join(map(str, digits)).rstrip("0") or "0"
    exponent += len(digits) - 1
    shown = shown.lstrip("0") or "0"
    if number == 0:
        return "-0" if sign else "0"
    minus = "-" if sign else ""
    if exponent < -4 or exponent >= _EXPONENT:
        mantissa = shown[0] + (f".{shown[1:]}" if len(shown) > 1 else "")
        return f"{minus}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{minus}0.{'0' * (-exponent - 1)}{shown}"
    whole = shown.ljust(exponent + 1, "0")
    rest = whole[exponent + 1 :]
    return f"{minus}{whole[: exponent + 1]}" + (f".{rest}" if rest else "")


def width(text: str) -> int:
    """Return how many columns a string takes on a screen."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if character == "\u200d" or unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

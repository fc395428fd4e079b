"""YAML as Go's yaml.v3 writes it: indented by four, keys in natural order, numbers (upstream's are strings) in quotes."""

import base64
import re
from collections.abc import Mapping
from functools import cmp_to_key
from typing import cast

from infra_assets.environments.language.golang import octets_of
from infra_assets.environments.language.model import Number, Plain
from infra_assets.environments.language.scalars import resolve

_INDENT = 4
_KEY_LENGTH = 128
_BREAKS = "\r\n\x85\u2028\u2029"
_BLANKS = " \t"
_OLD_BOOLEANS = frozenset(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"])
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z")
_PRINTABLE = re.compile("[\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd]*\\Z")
_AFTER_BREAK = re.compile(r"(?<=[\u2028\u2029])(?![\u2028\u2029]|\Z)")
_MARK = "\ufeff"
_NO_FIRST = frozenset("#,[]{}&*!|>'\"%@`")
_ESCAPES = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r", "\x1b": "\\e", '"': '\\"',
    "\\": "\\\\", "\x85": "\\N", "\xa0": "\\_", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip


def dump(plain: Plain) -> str:
    """Return a value as a YAML document."""
    if isinstance(plain, Mapping) and plain:
        return _mapping(cast("Mapping[str, Plain]", plain), 0)
    if isinstance(plain, list) and plain:
        return _sequence(cast("list[Plain]", plain), 0)
    return _line(_scalar(plain, _INDENT))


def _line(text: str) -> str:
    return text if text[-1] in _BREAKS else f"{text}\n"


def _next(indent: int) -> int:
    return _INDENT * ((indent + _INDENT) // _INDENT)


def _value(plain: Plain, indent: int) -> str:
    """Return what stands behind a key's `:`; `indent` is that of what is below."""
    if isinstance(plain, Mapping) and plain:
        return f"\n{' ' * indent}{_mapping(cast('Mapping[str, Plain]', plain), indent)}"
    if isinstance(plain, list) and plain:
        return f"\n{' ' * indent}{_sequence(cast('list[Plain]', plain), indent)}"
    return _line(f" {_scalar(plain, indent)}")


def _scalar(plain: Plain, indent: int) -> str:
    if isinstance(plain, Mapping):
        return "{}"
    if isinstance(plain, list):
        return "[]"
    if isinstance(plain, Number):
        return _string(plain.text, indent)
    if isinstance(plain, str):
        return _string(plain, indent)
    return {None: "null", True: "true", False: "false"}[plain]


def _mapping(entries: Mapping[str, Plain], indent: int) -> str:
    keys = sorted(entries, key=cmp_to_key(_naturally))
    return (" " * indent).join(_entry(key, entries[key], indent) for key in keys)


def _entry(key: str, plain: Plain, indent: int) -> str:
    deeper = _next(indent)
    if len(octets_of(key)) <= _KEY_LENGTH and not _has_breaks(key):
        return f"{_string(key, indent, key=True)}:{_value(plain, deeper)}"
    nested = isinstance(plain, Mapping | list) and bool(cast("list[Plain]", plain))
    value = _value(plain, deeper).lstrip("\n")
    value = value[indent + 1 :] if nested else value
    return f"{_line('? ' + _string(key, deeper))}{' ' * indent}:{value}"


def _sequence(items: list[Plain], indent: int) -> str:
    return (" " * indent).join(_item(item, indent + 2) for item in items)


def _item(plain: Plain, indent: int) -> str:
    if isinstance(plain, Mapping) and plain:
        return f"- {_mapping(cast('Mapping[str, Plain]', plain), indent)}"
    if isinstance(plain, list) and plain:
        return f"- {_sequence(cast('list[Plain]', plain), indent)}"
    return _line(f"- {_scalar(plain, indent)}")


def _has_breaks(text: str) -> bool:
    return any(character in _BREAKS for character in text)


def _string(text: str, indent: int, *, key: bool = False) -> str:
    if any("\udc80" <= character <= "\udcff" for character in text):
        return _binary(text, indent)
    if "\n" in text:
        return _literal(text, indent) if not key and _block_allowed(text) else double_quoted(text)
    if resolve(text)[0] != "!!str" or _BASE_60.match(text) or text in _OLD_BOOLEANS:
        return double_quoted(text)
    if _plain_allowed(text) and (text or not key):
        return text
    return _single_quoted(text, indent) if _single_allowed(text) else double_quoted(text)


def _single_quoted(text: str, indent: int) -> str:
    return f"'{_AFTER_BREAK.sub(' ' * indent, text).replace(chr(39), chr(39) * 2)}'"


def _binary(text: str, indent: int) -> str:
    encoded = base64.b64encode(octets_of(text)).decode("ascii")
    lines = [encoded[at : at + 70] for at in range(0, len(encoded), 70)]
    if len(encoded) // 70 == 0:
        return f"!!binary {encoded}"
    return f"!!binary {_literal(''.join(f'{line}{chr(10)}' for line in lines), indent)}"


def _plain_allowed(text: str) -> bool:
    if not text:
        return True
    if text[0] in _BLANKS[:1] or text[-1] == " " or text[:3] in ("---", "...") or text[0] in _NO_FIRST:
        return False
    if text[0] in "?:-" and (len(text) == 1 or text[1] in _BLANKS):
        return False
    if any(character in _BREAKS or character == "\t" for character in text) or not _PRINTABLE.match(text):
        return False
    return not re.search(r":(?:[ \t]|\Z)|[ \t\0\r\n\x85\u2028\u2029]#", text)


def _single_allowed(text: str) -> bool:
    return "\t" not in text and bool(_PRINTABLE.match(text)) and not _break_space(text) and not _space_break(text)


def _break_space(text: str) -> bool:
    return bool(re.search(f"[{_BREAKS}] ", text))


def _space_break(text: str) -> bool:
    return bool(re.search(f" [{_BREAKS}]", text))


def _block_allowed(text: str) -> bool:
    return text[-1] != " " and not _space_break(text) and bool(_PRINTABLE.match(text.replace("\t", "")))


def double_quoted(text: str) -> str:
    """Return a string in double quotes."""
    return f'"{"".join(_escaped(character, marked=text[0] == _MARK) for character in text)}"'


def _escaped(character: str, *, marked: bool) -> str:
    # Behind a byte order mark upstream escapes everything.
    if character in _ESCAPES and (marked or character != "\xa0"):
        return _ESCAPES[character]
    if _PRINTABLE.match(character) and not marked:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _literal(text: str, indent: int) -> str:
    hint = str(_INDENT) if text[0] == " " or text[0] in _BREAKS else ""
    keeps = "+" if len(text) == 1 or text[-2] in _BREAKS else ""
    made = f"|{hint}{keeps if text[-1] in _BREAKS else '-'}"
    line_start = True
    for character in text:
        if character in _BREAKS:
            line_start = True
        elif line_start:
            # A line break that the text begins with is all there is: upstream loses one.
            made += " " * indent if made[-1] in _BREAKS else f"\n{' ' * indent}"
            line_start = False
        made += character
    return made


def _naturally(one: str, other: str) -> int:
    digits = False
    for at, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return _differing(one, other, at, digits=digits)
        digits = _digit(a)
    return len(one) - len(other)


def _digit(character: str) -> bool:
    return character.isdecimal()


def _differing(one: str, other: str, at: int, *, digits: bool) -> int:
    a, b = one[at], other[at]
    if a.isalpha() and b.isalpha():
        return ord(a) - ord(b)
    if a.isalpha() or b.isalpha():
        return -1 if (a.isalpha() if digits else b.isalpha()) else 1
    lead = int((a == "0" or b == "0") and _nonzero_before(one, at))
    (an, ai), (bn, bi) = _run(one, at, lead), _run(other, at, lead)
    return (an - bn) or (ai - bi) or (ord(a) - ord(b))


def _nonzero_before(text: str, at: int) -> bool:
    before = at - 1
    while before >= 0 and _digit(text[before]):
        if text[before] != "0":
            return True
        before -= 1
    return False


def _run(text: str, at: int, lead: int) -> tuple[int, int]:
    value = lead
    while at < len(text) and _digit(text[at]):
        value = value * 10 + ord(text[at]) - ord("0")
        at += 1
    return value, at

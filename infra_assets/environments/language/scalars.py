"""What a scalar's text stands for, in yaml.v3's dialect: 1.2's booleans, 1.1's and 1.2's integers, timestamps as strings."""

import base64
import re

from infra_assets.environments.language.golang import format_float
from infra_assets.environments.language.model import Number

Scalar = None | bool | Number | str

_WORDS: dict[str, tuple[str, Scalar]] = {
    **dict.fromkeys(("true", "True", "TRUE"), ("!!bool", True)),
    **dict.fromkeys(("false", "False", "FALSE"), ("!!bool", False)),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), ("!!null", None)),
    **{word: ("!!float", Number("NaN")) for word in (".nan", ".NaN", ".NAN")},
    **{word: ("!!float", Number("+Inf")) for word in (".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF")},
    **{word: ("!!float", Number("-Inf")) for word in ("-.inf", "-.Inf", "-.INF")},
}
_NUMERIC = frozenset("+-0123456789")
_SPECIAL = frozenset("yYnNtTfFoO~.")
_SIMPLE = re.compile(r"[1-9][0-9]{0,17}\Z|0\Z")
_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|([1-9][0-9]{0,20}|0))\Z")
_OLD = re.compile(r"(-?)0(?:b([+-]?[01]+)|o([+-]?[0-7]+))\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_POINT = re.compile(r"\.[0-9]+([eE][-+]?[0-9]+)?\Z")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
    r"| ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?)?\Z"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_RESOLVABLE = ("", "!!str", "!!bool", "!!int", "!!float", "!!null", "!!timestamp")
_PREFIX = "tag:yaml.org,2002:"


class NotOfItsTag(Exception):  # noqa: N818 # it says what is the case
    """A scalar is not what its tag says; the message is yaml.v3's."""


def decode(text: str, style: str, tag: str) -> Scalar:
    """Return a scalar's value.

    Raises:
        NotOfItsTag: it is not what its tag says.
    """
    if not tag or tag == "!":
        if style:
            return text
        if not text or text[0] in _NUMERIC or text[0] in _SPECIAL:
            return resolve(text)[1]
        return text
    return _tagged(text, f"!!{tag[len(_PREFIX) :]}" if tag.startswith(_PREFIX) else tag)


def resolve(text: str, tag: str = "") -> tuple[str, Scalar]:
    """Return what a plain scalar is, by its tag, and its value; a timestamp keeps its text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[:1] == ".":
        return _float(text) if _POINT.match(text) else ("!!str", text)
    if text[:1] not in _NUMERIC:
        return "!!str", text
    if _SIMPLE.match(text):
        return "!!int", Number(text)
    if tag in ("", "!!timestamp") and _is_timestamp(text):
        return "!!timestamp", text
    return _number(text.replace("_", ""), text)


def _number(plain: str, text: str) -> tuple[str, Scalar]:
    value = _integer(plain)
    if value is not None:
        return "!!int", Number(str(value))
    if _FLOAT.match(plain):
        found = _float(plain)
        return found if found[0] == "!!float" else ("!!str", text)
    return "!!str", text


def _integer(plain: str) -> int | None:
    found = _INTEGER.match(plain)
    if not found:
        return _old_integer(plain)
    sign, hexadecimal, binary, octal, decimal = found.groups()
    if hexadecimal is not None:
        value = int(hexadecimal, 16)
    elif binary is not None:
        value = int(binary, 2)
    else:
        value = int(octal, 8) if octal is not None else int(decimal)
    value = -value if sign == "-" else value
    return value if -(1 << 63) <= value < (1 << 63) or (not sign and value < 1 << 64) else None


def _old_integer(plain: str) -> int | None:
    found = _OLD.match(plain)
    if not found or (found[1] and (found[2] or found[3])[0] in "+-"):
        return None
    value = int(found[2], 2) if found[2] else int(found[3], 8)
    value = -value if found[1] else value
    return value if -(1 << 63) <= value < (1 << 63) else None


def _float(text: str) -> tuple[str, Scalar]:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return "!!str", text
    return "!!float", Number(format_float(value))


def _is_timestamp(text: str) -> bool:
    found = _TIMESTAMP.match(text)
    if not found:
        return False
    year, month, day = int(text[:4]), int(found[1]), int(found[2])
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS[month - 1]:
        return False
    if month == 2 and day == 29 and (year % 4 or (year % 100 == 0 and year % 400)):
        return False
    hour, minute, second = (found[3] or found[6], found[4] or found[7], found[5] or found[8])
    return hour is None or (int(hour) < 24 and int(minute) < 60 and int(second) < 60)


def _tagged(text: str, tag: str) -> Scalar:
    if tag == "!!binary":
        try:
            base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        except ValueError:
            raise NotOfItsTag("!!binary value contains invalid base64 data") from None
        return text
    if tag not in _RESOLVABLE or tag == "!!str":
        return text
    found, value = resolve(text, tag)
    if found == tag:
        return value
    if tag == "!!float" and found == "!!int" and isinstance(value, Number) and int(value.text) < 1 << 63:
        return Number(format_float(float(int(value.text))))
    raise NotOfItsTag(f"cannot decode {found} `{text}` as a {tag}")

"""Kinds of settings that several projects use, and how an error message names what is expected."""

import re
from decimal import Decimal
from ipaddress import IPv4Network
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator
from pydantic.fields import FieldInfo

RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""The periods that CloudWatch Logs takes (API reference of PutRetentionPolicy)."""

_KINDS: dict[object, str] = {int: "a whole number", float: "a number", Decimal: "a number", bool: "true or false", IPv4Network: "a network"}


def _check_retention(days: int) -> int:
    if days not in RETENTION_DAYS:
        raise ValueError(f"must be one of {', '.join(str(known) for known in RETENTION_DAYS)}")
    return days


Retention = Annotated[int, AfterValidator(_check_retention)]
"""Days for which logs are kept."""


def hint(field: FieldInfo) -> str:
    """Return what a setting expects, as an error message says it: `a string such as t3.medium`."""
    kind = plain(field.annotation)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(str(choice) for choice in get_args(kind))}"
    name = _KINDS.get(kind, "a string")
    return f"{name} such as {field.examples[0]}" if field.examples and kind is not bool else name


def plain(annotation: Any) -> Any:
    """Return a type without what makes it optional or annotated."""
    if get_origin(annotation) is Annotated:
        return plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return plain(next(part for part in get_args(annotation) if part is not NoneType))
    return annotation


def matching(pattern: str, text: str) -> bool:
    """Return whether the whole of `text` fits `pattern`."""
    return re.fullmatch(pattern, text) is not None

"""Values of properties as short texts."""

import json
from typing import Any

LIMIT = 300
"""Characters of a value that the page keeps."""
MESSAGE_LIMIT = 2000
LEAD = 40
"""Characters kept before the place where two long values begin to differ."""


def cut(text: str, limit: int = LIMIT) -> str:
    """Return a text that is not too long."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def shown(before: Any, after: Any) -> tuple[str | None, str | None]:
    """Return a property's two values as texts; None where there is no value.

    Long ones begin where they differ: the first 300 characters of two policies are mostly the same.
    """
    first, second = _text(before), _text(after)
    if first is None or second is None:
        return first and cut(first), second and cut(second)
    if first == second and before != after:  # "3" and 3
        first, second = _json(before), _json(after)
    if max(len(first), len(second)) > LIMIT:
        begin = _differ_at(first, second) - LEAD
        if begin > 0:
            first, second = "…" + first[begin:], "…" + second[begin:]
    return cut(first), cut(second)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _differ_at(first: str, second: str) -> int:
    # By halves: a loop over characters of long documents is slow.
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[:middle] == second[:middle]:
            low = middle
        else:
            high = middle - 1
    return low

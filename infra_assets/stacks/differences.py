"""Which properties of a resource differ, from what to what: read from one step of the engine's event log.

Paths and kinds: `PropertyDiff` in `sdk/go/common/apitype/events.go` of Pulumi.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from infra_assets.stacks.masking import SECRET

SECRET_MARK = "4dabf18193072939515e22adb298388d"  # noqa: S105
"""The key by which the engine tells special values from plain objects (`sdk/go/common/resource/sig` of Pulumi)."""
PLACEHOLDER = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a value that only an `up` will tell (`pkg/resource/stack/deployment.go` of Pulumi)."""
UNKNOWN = "[unknown]"
LONGEST = 1000
"""Characters of a text that are kept of a value."""
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
_ABSENT = object()

Values = Mapping[str, Any]


def properties(step: Values, *, refreshed: bool = False) -> list[dict[str, Any]]:
    """Return the properties that differ in a step, with `path`, `kind` (`add`, `update`, `delete`), `before` and `after`.

    `refreshed` is a step that has read the cloud: both sides are what it answered, then and now.
    """
    details: Mapping[str, Values] = step.get("detailedDiff") or {}
    if not details:
        return [_property(step, path, {"diffKind": "update"}, refreshed=refreshed) for path in step.get("diffs") or ()]
    # The provider repeats each of a resource's tags in what it makes of them and of the default tags.
    paths = [path for path in sorted(details) if not (path.startswith("tagsAll") and f"tags{path.removeprefix('tagsAll')}" in details)]
    return [_property(step, path, details[path], refreshed=refreshed) for path in paths]


def shown(value: Any) -> Any:
    """Return a value of the event log as people may see it: secrets and what is unknown by name, long texts cut."""
    if isinstance(value, str):
        return UNKNOWN if value == PLACEHOLDER else value if len(value) <= LONGEST else f"{value[:LONGEST]}…"
    if isinstance(value, Mapping):
        items = cast("Values", value)
        return SECRET if SECRET_MARK in items else {key: shown(item) for key, item in items.items()}
    if isinstance(value, list):
        return [shown(item) for item in cast("list[Any]", value)]
    return value


def is_unknown(value: Any) -> bool:
    """Return whether a value holds, at any depth, something that only an `up` will tell."""
    if isinstance(value, Mapping):
        return any(is_unknown(item) for item in cast("Values", value).values())
    if isinstance(value, list):
        return any(is_unknown(item) for item in cast("list[Any]", value))
    return value in (PLACEHOLDER, UNKNOWN)


def _property(step: Values, path: str, detail: Values, *, refreshed: bool) -> dict[str, Any]:
    kind = str(detail.get("diffKind", "update")).removesuffix("-replace")
    given = bool(detail.get("inputDiff"))
    before = _at(step.get("old"), path, ("inputs", "outputs") if given else ("outputs", "inputs"))
    # What an `up` would make of it is known as far as the program declares it; after a refresh it is what the cloud has.
    after = _at(step.get("new"), path, ("outputs", "inputs") if refreshed and not given else ("inputs", "outputs"))
    return {
        "path": path,
        "kind": kind,
        "before": None if kind == "add" or before is _ABSENT else shown(before),
        "after": None
        if kind == "delete"
        else UNKNOWN
        if after is _ABSENT and not refreshed
        else None
        if after is _ABSENT
        else shown(after),
    }


def _at(state: Values | None, path: str, sides: tuple[str, str]) -> Any:
    """Return what stands at a path of a resource, in the first of two sides that has it."""
    for side in sides:
        found = _within((state or {}).get(side), path)
        if found is not _ABSENT:
            return found
    return _ABSENT


def _within(value: Any, path: str) -> Any:
    found = value
    for quoted, index, name in _STEP.findall(path):
        key = quoted.replace('\\"', '"') or name
        match found:
            case dict() if SECRET_MARK in found:
                return cast("Values", found)
            case list() if index and int(index) < len(cast("list[Any]", found)):
                found = cast("list[Any]", found)[int(index)]
            case dict() if not index and key in found:
                found = cast("Values", found)[key]
            case _:
                return _ABSENT
    return found

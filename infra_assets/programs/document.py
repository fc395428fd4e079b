"""`targets.yaml`: read once for the programs' place and once for the targets, with the line of what is wrong."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from infra_assets.errors import UsageError

_Model = TypeVar("_Model", bound=BaseModel)
_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_WHOLE = re.compile(r"^[-+]?[0-9]+$")


class _Loader(yaml.SafeLoader):
    """YAML without numbers to the base 60: `17:00` is a time of day, not 1020."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as the base class declares it
        first: [(tag, _WHOLE if tag == _INT else pattern) for tag, pattern in resolvers if tag != _FLOAT]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class Document:
    """A YAML file that may be absent: then it says nothing."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            UsageError: it cannot be read, is no YAML, or has a key twice.
        """
        self._path = path
        try:
            text = path.read_text(encoding="utf-8")
            self._node = yaml.compose(text, Loader=_Loader)
            self._content: Any = yaml.load(text, Loader=_Loader)  # noqa: S506  # a safe loader, but for the numbers
        except FileNotFoundError:
            self._node, self._content = None, None
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise UsageError(f"{path}: {error}") from None
        except yaml.YAMLError as error:
            raise UsageError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
        repeated = list(_repeated(self._node, ()))
        if repeated:
            raise UsageError("\n".join(f"{path.name}: {place}: line {line}: stands twice" for place, line in repeated))

    def validate(self, model: type[_Model]) -> _Model:
        """Return the file as a model.

        Raises:
            UsageError: it is not of that form; the message names every place, and shows no value.
        """
        try:
            return model.model_validate({} if self._content is None else self._content)
        except ValidationError as error:
            raise UsageError("\n".join(self._told(item) for item in error.errors()), remedy=f"The file is {self._path}.") from None

    def _told(self, item: ErrorDetails) -> str:
        place = ".".join(map(str, item["loc"]))
        line = _line(self._node, item["loc"])
        reason = "unknown key" if item["type"] == "extra_forbidden" else item["msg"].removeprefix("Value error, ")
        return f"{self._path.name}: {f'{place}: ' if place else ''}{reason}{f' (line {line})' if line else ''}"


def _line(node: yaml.Node | None, place: Sequence[int | str]) -> int | None:
    """Return the line of a place, or of the nearest one that encloses it."""
    line = node.start_mark.line + 1 if node else None
    for part in place:
        found = next((pair for pair in _children(node) if pair[0] == str(part)), None)
        if found is None:
            return line
        _, line, node = found
    return line


def _children(node: yaml.Node | None) -> Iterator[tuple[str, int, yaml.Node]]:
    """Yield the name, the line and the node of what a node holds."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield str(index), value.start_mark.line + 1, value


def _repeated(node: yaml.Node | None, place: tuple[str, ...]) -> Iterator[tuple[str, int]]:
    seen: set[str] = set()
    for name, line, child in _children(node):
        if name in seen:
            yield ".".join((*place, name)), line
        seen.add(name)
        yield from _repeated(child, (*place, name))

"""A fleet file: YAML read with the place of every value, so that an error names its line."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from infra_assets.errors import UsageError
from infra_assets.fleet.models import Ring

Place = tuple[str | int, ...]


class Layer(BaseModel):
    """What may be said of an environment, or of all environments of a tenant or of the file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ring: Ring | None = Field(default=None, strict=False)
    region: str | None = Field(default=None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")


class EnvironmentEntry(Layer):
    """One environment of a tenant; what it leaves out comes from its tenant, then from the file's defaults."""

    account: str | None = Field(default=None, pattern=r"^\d{12}$", description="An existing account; without it one is created.")


class TenantEntry(Layer):
    """A tenant and its environments."""

    environments: dict[str, EnvironmentEntry]


class FleetFile(BaseModel):
    """The whole file: `defaults` and `tenants`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    defaults: Layer = Layer()
    tenants: dict[str, TenantEntry]


class Document:
    """A parsed fleet file that knows where each value stands."""

    def __init__(self, path: Path, content: FleetFile, lines: dict[Place, int]) -> None:
        self.path = path
        self.content = content
        self._lines = lines

    def at(self, *place: str | int) -> str:
        """Return `file:line` of a value, or of the nearest enclosing one."""
        return _at(self.path, self._lines, place)


def read(path: Path) -> Document:
    """Read a fleet file.

    Raises:
        UsageError: it cannot be read, is no YAML, or is not of a fleet file's form; the message names every place.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if node is None:
        raise UsageError(f"{path}: the file is empty", remedy="A fleet file has the keys `defaults` and `tenants`.")
    lines: dict[Place, int] = {}
    repeated: list[str] = []
    plain = _plain(node, (), lines, repeated, path)
    if repeated:
        raise UsageError("\n".join(repeated))
    try:
        content = FleetFile.model_validate(plain)
    except ValidationError as error:
        problems = [f"{_at(path, lines, item['loc'])}: {'.'.join(map(str, item['loc']))}: {_reason(item)}" for item in error.errors()]
        raise UsageError("\n".join(problems)) from None
    return Document(path, content, lines)


def _reason(item: ErrorDetails) -> str:
    if item["type"] == "extra_forbidden" and item["loc"][-1] == "settings":
        return "a TEP's configuration stands in its environment, environments/tenants/<tep>.yaml"
    return item["msg"]


def _at(path: Path, lines: dict[Place, int], place: Place) -> str:
    for length in range(len(place), -1, -1):
        if place[:length] in lines:
            return f"{path}:{lines[place[:length]]}"
    return str(path)


def _plain(node: yaml.Node, place: Place, lines: dict[Place, int], repeated: list[str], path: Path) -> Any:
    """Build plain values from a node, noting each one's line, and keys that stand twice."""
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        built: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node)
            if key in built:
                repeated.append(f"{path}:{key_node.start_mark.line + 1}: {'.'.join(map(str, (*place, key)))} stands twice")
            lines[(*place, key)] = key_node.start_mark.line + 1
            built[key] = _plain(value_node, (*place, key), lines, repeated, path)
        return built
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*place, index), lines, repeated, path) for index, item in enumerate(node.value)]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    loader: Any = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    finally:
        loader.dispose()

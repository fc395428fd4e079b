"""What a resource type or function takes and gives: as the built provider tells it, and as pulumi_aws's classes have it."""

import importlib
import inspect
import json
import keyword
import re
import subprocess
import sys
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin

import pulumi
from pulumi import _types as sdk  # pyright: ignore[reportPrivateUsage]  # the only place that tells a property's Pulumi name

from infra_assets.sandbox.tools.official import environment

PROVIDER = "pulumi:providers:aws"
Kind = Literal["string", "boolean", "integer", "number", "asset", "archive", "any", "list", "map", "object"]
_PYTHON_KINDS: dict[type, Kind] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    pulumi.Archive: "archive",
    pulumi.Asset: "asset",
}


@dataclass(frozen=True)
class Shape:
    """A property: text or the like, a list or map of `element`, or an object of `properties`.

    `required` is None where pulumi_aws does not tell; with `json`, an object may be given for text.
    """

    kind: Kind
    required: bool | None = None
    json: bool = False
    element: "Shape | None" = None
    properties: "dict[str, Shape]" = field(default_factory=dict[str, "Shape"])


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of a token, by Pulumi's names."""

    inputs: dict[str, Shape]
    outputs: dict[str, Shape]


def built(provider: Path) -> dict[str, Signature]:
    """Return what each token of the built `provider` takes and gives.

    Raises:
        subprocess.SubprocessError: it does not tell.
    """
    answer = subprocess.run([provider, "schema"], env=environment(), check=True, capture_output=True, text=True, timeout=60)
    entries = json.loads(answer.stdout)
    return {token: Signature(_read_all(entry["inputs"]), _read_all(entry["outputs"])) for token, entry in entries.items()}


def official(token: str) -> Signature:
    """Return what pulumi_aws has for `token`: a resource type's, a function's or the provider's.

    Raises:
        AttributeError, ModuleNotFoundError: pulumi_aws has no such token.
    """
    if token == PROVIDER:
        return Signature(_arguments(importlib.import_module("pulumi_aws").ProviderArgs), {})
    _, module_name, member = token.split(":")
    area = module_name.split("/")[0]
    area = f"{area}_" if keyword.iskeyword(area) else area
    module = importlib.import_module("pulumi_aws" if area == "index" else f"pulumi_aws.{area}")
    if member.startswith("get"):
        result = getattr(module, f"{member[0].upper()}{member[1:]}Result")
        return Signature(_parameters(getattr(module, _snake(member))), _properties(result))
    resource = getattr(module, member)
    outputs = {name: _shape(hint) for name, hint in sdk.resource_types(resource).items()}
    return Signature(_arguments(getattr(module, f"{member}Args")), outputs)


def _read_all(shapes: dict[str, Any] | None) -> dict[str, Shape]:
    return {name: _read(shape) for name, shape in (shapes or {}).items()}


def _read(shape: dict[str, Any]) -> Shape:
    element = shape.get("element")
    return Shape(
        shape["kind"], shape["required"], shape.get("json", False), _read(element) if element else None, _read_all(shape.get("properties"))
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _arguments(arguments: type) -> dict[str, Shape]:
    parameters = inspect.signature(arguments.__init__).parameters
    hints = sdk.input_type_types(arguments)
    return {
        name: _shape(hints[name], required=parameters[python_name].default is inspect.Parameter.empty)
        for python_name, name in sdk.input_type_py_to_pulumi_names(arguments).items()
    }


def _parameters(function: Callable[..., Any]) -> dict[str, Shape]:
    # The Pulumi names of a function's inputs stand nowhere but in its body; and all of them are optional to Python.
    names = re.findall(r"__args__\['(\w+)'\] = (\w+)", inspect.getsource(function))
    hints = typing.get_type_hints(function, vars(sys.modules[function.__module__]))
    return {name: _shape(hints[python_name]) for name, python_name in names}


def _properties(output: type) -> dict[str, Shape]:
    return {name: _shape(hint) for name, hint in sdk.output_type_types(output).items()}


def _shape(hint: Any, *, required: bool | None = None) -> Shape:
    members = _members(hint)
    objects = [member for member in members if _is_object(member)]
    if len(objects) < len(members) and not any(get_origin(member) for member in members):
        return Shape(_scalar([member for member in members if member not in objects]), required, json=bool(objects))
    if objects:
        return Shape("object", required, properties=_arguments(objects[0]) if sdk.is_input_type(objects[0]) else _properties(objects[0]))
    collection = next(member for member in members if get_origin(member))
    if issubclass(cast("type", get_origin(collection)), Mapping):
        return Shape("map", required, element=_shape(get_args(collection)[1]))
    return Shape("list", required, element=_shape(get_args(collection)[0]))


def _members(hint: Any) -> list[Any]:
    # Without None, promises, and what a program may write for an object besides its class.
    if get_origin(hint) not in (Union, types.UnionType):
        return [hint]
    plain = [member for member in get_args(hint) if member is not type(None) and get_origin(member) not in (Awaitable, pulumi.Output)]
    plain = [member for member in plain if not (isinstance(member, type) and typing.is_typeddict(member))]
    inputs = [member for member in plain if isinstance(member, type) and sdk.is_input_type(member)]
    return [member for member in plain if not (inputs and isinstance(member, type) and sdk.is_output_type(member))]


def _scalar(members: list[Any]) -> Kind:
    if any(isinstance(member, type) and issubclass(member, str) for member in members):  # text, or an enumeration of texts
        return "string"
    return _PYTHON_KINDS.get(members[0], "any")


def _is_object(member: Any) -> bool:
    return isinstance(member, type) and (sdk.is_input_type(member) or sdk.is_output_type(member))

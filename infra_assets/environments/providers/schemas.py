"""Short ways to write the JSON schemas of inputs and outputs."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra_assets.environments.language.model import JsonSchema


def text(description: str, **rules: Any) -> JsonSchema:
    """Return the schema of a string."""
    return {"type": "string", "description": description, **rules}


def number(description: str, **rules: Any) -> JsonSchema:
    """Return the schema of a number."""
    return {"type": "number", "description": description, **rules}


def flag(description: str) -> JsonSchema:
    """Return the schema of a boolean."""
    return {"type": "boolean", "description": description}


def texts(description: str, **rules: Any) -> JsonSchema:
    """Return the schema of a list of strings; the rules are each string's."""
    return {"type": "array", "items": {"type": "string", **rules}, "description": description}


def object_of(properties: Mapping[str, JsonSchema], *, required: Sequence[str] = (), **rules: Any) -> JsonSchema:
    """Return the schema of an object. What else stands in it is let through, as the official schemas do."""
    return {"type": "object", "properties": dict(properties), "required": list(required), **rules}


def map_of(values: JsonSchema | bool, description: str, **rules: Any) -> JsonSchema:
    """Return the schema of an object with names that a document chooses."""
    return {"type": "object", "additionalProperties": values, "description": description, **rules}

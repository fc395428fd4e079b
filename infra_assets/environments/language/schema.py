"""JSON schemas, in the subset that ESC has: what inputs must be, and what is known of values that are not."""

import re
from collections.abc import Iterable, Mapping
from copy import copy
from fractions import Fraction
from typing import Any, cast
from urllib.parse import unquote

from infra_assets.environments.language.model import Number, Plain
from infra_assets.environments.language.patterns import Pattern, PatternError

LIMITS = (
    "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "maxItems", "minItems",
    "maxProperties", "minProperties",
)  # fmt: skip
_COUNTS = frozenset(limit for limit in LIMITS if limit.startswith(("max", "min")) and limit not in ("maximum", "minimum"))
_LISTS = ("anyOf", "oneOf", "prefixItems")
_SINGLES = ("items", "additionalProperties")
_KNOWN = {
    name.lower(): name
    for name in (
        *LIMITS, *_LISTS, *_SINGLES, "$defs", "$ref", "properties", "type", "const", "enum", "pattern", "required", "dependentRequired",
        "rotateOnly",
    )
}  # fmt: skip
_PRECISION = 64
_HUGE = 5_000
_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?\Z")


Rational = Fraction | float


class SchemaError(Exception):
    """A schema that cannot be used."""


class Schema:
    """What a value may be; what is not said has no say. Not changed once it is compiled."""

    never = False
    always = False
    type = ""
    ref = ""
    const: Plain = None
    pattern = ""
    any_of: "tuple[Schema, ...]" = ()
    one_of: "tuple[Schema, ...]" = ()
    prefix_items: "tuple[Schema, ...]" = ()
    items: "Schema | None" = None
    additional: "Schema | None" = None
    """Of properties that are not named."""
    enum: tuple[Plain, ...] = ()
    required: tuple[str, ...] = ()
    rotate_only_names: tuple[str, ...] = ()
    rotate_only = False
    """Whether it is evaluated for a rotation alone."""
    target: "Schema | None" = None
    """What `$ref` refers to."""
    expression: Pattern | None = None
    compiled = False
    plain = ""
    """The type, of a schema that says nothing else but what an object has: `string`, `boolean` or `object`."""

    def __init__(self, **attributes: Any) -> None:
        self.defs: dict[str, Schema] = {}
        self.properties: dict[str, Schema] = {}
        self.limits: dict[str, str] = {}
        self.dependent: dict[str, tuple[str, ...]] = {}
        self.__dict__.update(attributes)

    def item(self, index: int) -> "Schema":
        """Return the schema of an array's item."""
        own: Schema | None = NEVER
        if self.type == "array":
            own = self.prefix_items[index] if index < len(self.prefix_items) else self.items
        return _union([*(other.item(index) for other in (*self.any_of, *self.one_of)), own])

    def property(self, name: str) -> "Schema":
        """Return the schema of an object's property."""
        own: Schema | None = NEVER
        if self.type == "object":
            own = self.properties.get(name) or self.additional
        return _union([*(other.property(name) for other in (*self.any_of, *self.one_of)), own])

    def compile(self, root: "Schema | None" = None) -> None:
        """Resolve references and patterns.

        Raises:
            SchemaError: one of them is wrong.
        """
        if self.compiled:
            return
        self.compiled = True
        root = root or self
        if self.ref:
            self.target = _referred(root, self.ref)
            self.target.compile(root)
        for part in (*self.any_of, *self.one_of, *self.prefix_items, self.items, self.additional, *self.properties.values()):
            if part is not None:
                part.compile(root)
        for name in self.rotate_only_names:
            if name in self.properties:
                self.properties[name] = _rotate_only(self.properties[name])
        self._check_limits()
        says_more = self.ref or self.any_of or self.one_of or self.const is not None or self.enum or self.limits or self.pattern
        self.plain = self.type if self.type in ("string", "boolean", "object") and not says_more else ""

    def _check_limits(self) -> None:
        for name, text in self.limits.items():
            if name in _COUNTS and not (text.isascii() and text.isdigit()):
                raise SchemaError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
        if self.pattern:
            self.expression = _pattern(self.pattern)

    def number(self, limit: str) -> Rational | None:
        """Return a limit as a number."""
        return rounded(self.limits[limit]) if limit in self.limits else None

    def count(self, limit: str) -> int | None:
        """Return a limit as a count."""
        return int(self.limits[limit]) if limit in self.limits else None


ANYTHING = Schema(compiled=True)
"""Says nothing of a value; unlike ALWAYS it has it looked at."""
NEVER = Schema(never=True, compiled=True)
ALWAYS = Schema(always=True, compiled=True)
NULL = Schema(type="null", compiled=True)
STRING = Schema(type="string", compiled=True)
ANY_ARRAY = Schema(type="array", items=ALWAYS, compiled=True)
ARRAY_OF_ARRAYS = Schema(type="array", items=ANY_ARRAY, compiled=True)
ARRAY_OF_STRINGS = Schema(type="array", items=STRING, compiled=True)


def one_of(*schemas: Schema) -> Schema:
    """Return the schema of what is exactly one of several."""
    return Schema(one_of=schemas)


def constant(kind: str, value: Plain) -> Schema:
    """Return the schema of one value."""
    return Schema(type=kind, const=value, compiled=True)


def closed_array(items: Iterable[Schema]) -> Schema:
    """Return the schema of an array of exactly these items."""
    return Schema(type="array", prefix_items=tuple(items), items=NEVER)


def record(properties: dict[str, Schema], additional: Schema | None = None) -> Schema:
    """Return the schema of an object that has all of these properties."""
    return Schema(type="object", properties=properties, required=tuple(sorted(properties)), additional=additional)


def merged(base: Schema | None, top: Schema) -> Schema:
    """Return the schema of a value merged over another."""
    if base is None or top.type != "object" or base.type != "object":
        return top
    properties = dict(base.properties)
    for name, schema in top.properties.items():
        properties[name] = merged(properties[name], schema) if name in properties else schema
    additional = top.additional
    if base.additional is not None:
        additional = base.additional if additional is None else ALWAYS
    return record(properties, additional)


def from_json(plain: Plain, empty: Schema = ALWAYS) -> Schema:
    """Return a schema that is written as JSON: True and False, or a mapping; numbers may be Number. `empty` is one that says nothing.

    Raises:
        SchemaError: it is none.
    """
    if isinstance(plain, bool):
        return ALWAYS if plain else NEVER
    if not isinstance(plain, Mapping):
        raise SchemaError("a schema must be a boolean or an object")
    given = cast("Mapping[str, Any]", plain)
    return _from_known({name: given[key] for key in sorted(given) if (name := _KNOWN.get(key.lower()))}, empty)


def _from_known(found: Mapping[str, Any], empty: Schema) -> Schema:
    if not found:
        return empty

    def read(part: Plain) -> Schema:
        return from_json(part, empty)

    schema = Schema(type=found.get("type") or "", ref=found.get("$ref") or "", pattern=found.get("pattern") or "")
    schema.const = _constant(found.get("const"))
    schema.enum = tuple(map(_constant, found.get("enum") or ()))
    schema.required = tuple(found.get("required") or ())
    schema.dependent = {key: tuple(names) for key, names in _mapping(found, "dependentRequired").items()}
    schema.limits = {name: _number_text(found[name]) for name in LIMITS if found.get(name) is not None}
    schema.any_of, schema.one_of, schema.prefix_items = (tuple(map(read, found.get(name) or ())) for name in _LISTS)
    schema.items, schema.additional = (read(found[name]) if found.get(name) is not None else None for name in _SINGLES)
    schema.defs = {name: read(part) for name, part in _mapping(found, "$defs").items()}
    properties = _mapping(found, "properties")
    schema.properties = {name: read(part) for name, part in properties.items()}
    only = found.get("rotateOnly")
    marked = [name for name, part in properties.items() if isinstance(part, Mapping) and _mapping({"": part}, "").get("rotateOnly") is True]
    schema.rotate_only_names = (*(cast("list[str]", only) if isinstance(only, list) else ()), *marked)
    return schema


def _mapping(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", found.get(name) or {})


def _constant(plain: Plain) -> Plain:
    if isinstance(plain, int | float) and not isinstance(plain, bool):
        return Number(str(plain))
    if isinstance(plain, list):
        return [_constant(item) for item in cast("list[Plain]", plain)]
    if isinstance(plain, dict):
        return {key: _constant(item) for key, item in cast("dict[str, Plain]", plain).items()}
    return plain


def _number_text(plain: Plain) -> str:
    return plain.text if isinstance(plain, Number) else str(plain)


def rounded(text: str) -> Rational:
    """Return a number with 64 bits of precision, which is how upstream compares.

    Raises:
        ValueError: it is none.
    """
    if text in ("+Inf", "-Inf", "Inf"):
        return float(text)
    found = _NUMBER.match(text)
    if not found or not (found[2] or found[3]):
        raise ValueError("number has no digits")
    exponent = int(found[4] or 0)
    if abs(exponent) > _HUGE:
        return float("inf") if exponent > 0 else 0.0
    value = Fraction(int((found[2] or "") + (found[3] or "")), 1) * Fraction(10) ** (exponent - len(found[3] or ""))
    return _round(-value if found[1] == "-" else value)


def _round(value: Fraction) -> Fraction:
    if not value:
        return value
    size = abs(value)
    shift = _PRECISION - (size.numerator.bit_length() - size.denominator.bit_length())
    scaled = value * Fraction(2) ** shift
    while abs(scaled) >= 1 << _PRECISION:
        shift, scaled = shift - 1, scaled / 2
    return Fraction(round(scaled)) / Fraction(2) ** shift


def divisible(value: Rational, by: Rational) -> bool:
    """Whether a number is a multiple of another."""
    if not by or not isinstance(value, Fraction) or not isinstance(by, Fraction):
        return False
    return _round(value / by).denominator == 1


def _union(schemas: list[Schema | None]) -> Schema:
    left = [schema for schema in schemas if schema is not None and not schema.never]
    if not left:
        return NEVER
    if len(left) == 1:
        return left[0]
    return Schema(one_of=tuple(left), rotate_only=all(schema.rotate_only for schema in left))


def _rotate_only(schema: Schema) -> Schema:
    if schema.rotate_only:
        return schema
    marked = copy(schema)
    marked.rotate_only = True
    marked.any_of = tuple(map(_rotate_only, schema.any_of))
    marked.one_of = tuple(map(_rotate_only, schema.one_of))
    marked.prefix_items = tuple(map(_rotate_only, schema.prefix_items))
    marked.items = schema.items and _rotate_only(schema.items)
    marked.additional = schema.additional and _rotate_only(schema.additional)
    marked.properties = {name: _rotate_only(part) for name, part in schema.properties.items()}
    return marked


def _pattern(text: str) -> Pattern:
    try:
        return Pattern(text)
    except PatternError as problem:
        raise SchemaError(str(problem)) from None


def _referred(root: Schema, ref: str) -> Schema:
    name = ref.removeprefix("#/$defs/")
    if name == ref or "/" in name:
        raise SchemaError("only fragment references of the form #/$defs/ref are supported")
    if unquote(name) not in root.defs:
        raise SchemaError(f"unknown subschema {ref}")
    return root.defs[unquote(name)]


_SUBSCHEMA = {"$ref": "#/$defs/schema"}
_SUBSCHEMAS = {"type": "array", "items": _SUBSCHEMA}
_NAMED_SUBSCHEMAS = {"type": "object", "additionalProperties": _SUBSCHEMA}
_NAMES = {"type": "array", "items": {"type": "string"}}

SCHEMA_OF_SCHEMAS = from_json({
    "$ref": "#/$defs/schema",
    "$defs": {"schema": {"anyOf": [{"type": "boolean"}, {"type": "object", "properties": {
        "$defs": _NAMED_SUBSCHEMAS, "$ref": {"type": "string"}, "anyOf": _SUBSCHEMAS, "oneOf": _SUBSCHEMAS, "prefixItems": _SUBSCHEMAS,
        "items": _SUBSCHEMA, "additionalProperties": _SUBSCHEMA, "properties": _NAMED_SUBSCHEMAS,
        "type": {"type": "string", "enum": ["string", "number", "boolean", "array", "object", "null"]},
        "const": {}, "enum": {"type": "array"}, **{limit: {"type": "number"} for limit in LIMITS}, "pattern": {"type": "string"},
        "uniqueItems": {"type": "boolean"}, "required": _NAMES, "dependentRequired": {"type": "object", "additionalProperties": _NAMES},
        "title": {"type": "string"}, "description": {"type": "string"}, "default": {}, "deprecated": {"type": "boolean"},
        "examples": {"type": "array"},
    }}]}},
}, ANYTHING)  # fmt: skip
"""What `fn::validate` wants its schema to be."""
SCHEMA_OF_SCHEMAS.compile()

"""What the official module's own tests have behind `fn::open` and `fn::rotate`, and as cipher; oracle_go/fakes.go holds the same in Go."""

import hashlib
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from infra_assets.environments.language.model import Document, ExecutionContext, JsonSchema, LoadError, ProviderError, Value

ALWAYS: JsonSchema = {}
STRING = {"type": "string"}
NUMBER = {"type": "number"}


def const(kind: str, value: object) -> JsonSchema:
    return {"type": kind, "const": value}


def closed(*items: JsonSchema) -> JsonSchema:
    return {"type": "array", "prefixItems": list(items), "items": False}


def record(**properties: JsonSchema) -> JsonSchema:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


# A property of each kind.
MANY: JsonSchema = {
    "type": "object",
    "$defs": {"defRecord": record(baz=const("string", "qux"))},
    "properties": {
        "null": {"type": "null"}, "boolean": {"type": "boolean"}, "number": NUMBER, "string": STRING,
        "false": const("boolean", value=False), "true": const("boolean", value=True), "pi": const("number", 3.14),
        "hello": const("string", "hello"), "array": {"type": "array", "items": True},
        "tuple": closed(const("string", "hello"), const("string", "world")),
        "map": {"type": "object", "additionalProperties": True}, "record": record(foo=STRING),
        "anyOf": {"anyOf": [STRING, NUMBER]}, "oneOf": {"oneOf": [STRING, NUMBER]}, "ref": {"$ref": "#/$defs/defRecord"},
        "const-array": const("array", ["hello", 42]), "const-object": const("object", {"hello": "world"}),
        "enum": {"type": "string", "enum": ["foo", "bar"]}, "never": False, "always": True,
        "double": closed(STRING, NUMBER), "triple": closed(STRING, NUMBER, {"type": "boolean"}),
        "dependentReq": {"type": "object", "properties": {"foo": STRING, "bar": NUMBER}, "dependentRequired": {"foo": ["bar"]}},
        "multiple": {"type": "number", "multipleOf": 2}, "minimum": {"type": "number", "minimum": 1},
        "exclusiveMinimum": {"type": "number", "exclusiveMinimum": 1}, "maximum": {"type": "number", "maximum": 1},
        "exclusiveMaximum": {"type": "number", "exclusiveMaximum": 1}, "minLength": {"type": "string", "minLength": 1},
        "maxLength": {"type": "string", "maxLength": 1}, "pattern": {"type": "string", "pattern": "^foo[0-9]+$"},
        "minItems": {"type": "array", "minItems": 3}, "maxItems": {"type": "array", "maxItems": 2},
        "minProperties": {"type": "object", "minProperties": 1}, "maxProperties": {"type": "object", "maxProperties": 1},
    },
}  # fmt: skip

PREVIOUS: JsonSchema = {"type": "object", "properties": {"current": STRING, "previous": STRING}, "required": ["current"]}

Values = Mapping[str, Value]


def echo(inputs: Values) -> Value:
    return Value(dict(inputs))


def wrap(inputs: Values) -> Value:
    return Value(dict(inputs), secret=True)


def refuse(inputs: Values) -> Value:
    raise ProviderError(inputs["why"].value)


@dataclass(frozen=True)
class FakeProvider:
    inputs: JsonSchema
    outputs: JsonSchema
    answer: Callable[[Values], Value]

    def open(self, inputs: Values, context: ExecutionContext) -> Value:
        return self.answer(inputs)


class Swap:
    """Swaps the two halves of its state."""

    inputs = ALWAYS
    state = outputs = record(a=STRING, b=STRING)

    def open(self, inputs: Values, state: Values, context: ExecutionContext) -> Value:
        return Value(dict(state))

    def rotate(self, inputs: Values, state: Values | None, context: ExecutionContext) -> Value:
        held = state or {}
        return Value({"a": held.get("b", Value(None)), "b": held.get("a", Value(None))})


class Shift:
    """Makes `next` the current secret, and the current one the previous."""

    inputs = record(next={**STRING, "rotateOnly": True})
    state = outputs = PREVIOUS

    def open(self, inputs: Values, state: Values, context: ExecutionContext) -> Value:
        if not inputs["next"].unknown and inputs["next"].value != state["current"].value:
            raise ProviderError("oh no! inputs were evaluated outside of rotation")
        return Value(dict(state))

    def rotate(self, inputs: Values, state: Values | None, context: ExecutionContext) -> Value:
        if inputs["next"].unknown:
            raise ProviderError("oh no! rotateOnly inputs were not evaluated during rotation")
        return Value({"current": inputs["next"], "previous": (state or {}).get("current", Value(None))})


PROVIDERS = {
    "error": FakeProvider(record(why=STRING), ALWAYS, refuse),
    "schema": FakeProvider(MANY, MANY, echo),
    "test": FakeProvider(ALWAYS, ALWAYS, echo),
    "secret-wrapper": FakeProvider(ALWAYS, ALWAYS, wrap),
    "bench": FakeProvider(ALWAYS, ALWAYS, lambda _: Value("0s")),
}
ROTATORS = {"swap": Swap(), "echo": Shift()}


class FakeProviders:
    def provider(self, name: str) -> FakeProvider:
        if name not in PROVIDERS:
            raise ProviderError(f'unknown provider "{name}"')
        return PROVIDERS[name]

    def rotator(self, name: str) -> Swap | Shift:
        if name not in ROTATORS:
            raise ProviderError(f'unknown rotator "{name}"')
        return ROTATORS[name]


class Rot128:
    """Adds 128 to each byte, which done twice is nothing."""

    def decrypt(self, ciphertext: bytes) -> bytes:
        return bytes((byte + 128) % 256 for byte in ciphertext)

    encrypt = decrypt


@dataclass(frozen=True)
class Documents:
    """Environments in a dictionary; `folder` is only said in the error of one that is missing."""

    sources: Mapping[str, bytes]
    folder: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Canonical names by the others that find the same document."""
    decrypter: Rot128 = field(default_factory=Rot128)

    def load(self, name: str) -> Document:
        canonical = self.aliases.get(name, name)
        if canonical not in self.sources:
            raise LoadError(f"open {posixpath.normpath(posixpath.join(self.folder, f'{name}.yaml'))}: no such file or directory")
        return self.document(canonical)

    def document(self, name: str) -> Document:
        source = self.sources[name]
        return Document(name, hashlib.sha256(source).hexdigest(), source, self.decrypter)

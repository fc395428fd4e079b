"""The builtin functions, but for those that open and rotate."""

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from infra_assets.environments.language import base64_text, json_text, yaml_text
from infra_assets.environments.language.envelope import EnvelopeError, open_envelope
from infra_assets.environments.language.expressions import OPEN, ROTATE, SECRET, Call
from infra_assets.environments.language.golang import octets_of, text_of
from infra_assets.environments.language.model import SECRET as SECRET_TEXT
from infra_assets.environments.language.model import DecryptionError, Plain
from infra_assets.environments.language.opening import evaluate_open, evaluate_rotate
from infra_assets.environments.language.schema import (
    ALWAYS,
    ANY_ARRAY,
    ANYTHING,
    ARRAY_OF_ARRAYS,
    ARRAY_OF_STRINGS,
    SCHEMA_OF_SCHEMAS,
    STRING,
    Schema,
    SchemaError,
    from_json,
)
from infra_assets.environments.language.values import NOTHING, Parts, Value

if TYPE_CHECKING:
    from infra_assets.environments.language.frame import Frame, Slot


def _combined(call: Call, schema: Schema, *values: Value) -> Value:
    """Return a value that is as secret and as unknown as those that it is made of."""
    return Value(
        call, None, None, schema,
        secret=any(value.secrets for value in values),
        unknown=any(value.unknowns for value in values),
        pending=NOTHING.union(*(value.pendings for value in values)),
    )  # fmt: skip


def _failed(call: Call, schema: Schema, *, secret: bool = False) -> Value:
    return Value(call, None, None, schema, secret=secret, unknown=True)


def _arguments(frame: "Frame", slot: "Slot", *schemas: Schema) -> list[Value] | None:
    parts = slot.parts()
    found = [frame.typed(parts[index], schema) for index, schema in enumerate(schemas)]
    return [value for value, _ in found] if all(fits for _, fits in found) else None


def _string(value: Value) -> str:
    assert isinstance(value.parts, str)
    return value.parts


def _list(value: Value) -> list[Value]:
    assert isinstance(value.parts, list)
    return value.parts


def _concat(frame: "Frame", slot: "Slot", call: Call) -> Value:
    given = _arguments(frame, slot, ARRAY_OF_ARRAYS)
    if not given:
        return _failed(call, ANY_ARRAY)
    value = _combined(call, ANY_ARRAY, *given)
    if not value.unknown:
        value.parts = [item for part in _list(given[0]) for item in _list(part)]
    return value


def _join(frame: "Frame", slot: "Slot", call: Call) -> Value:
    given = _arguments(frame, slot, STRING, ARRAY_OF_STRINGS)
    if not given:
        return _failed(call, STRING)
    value = _combined(call, STRING, *given)
    if not value.unknown:
        value.parts = _string(given[0]).join(map(_string, _list(given[1])))
    return value


def _split(frame: "Frame", slot: "Slot", call: Call) -> Value:
    given = _arguments(frame, slot, STRING, STRING)
    if not given:
        return _failed(call, ARRAY_OF_STRINGS)
    value = _combined(call, ARRAY_OF_STRINGS, *given)
    if not value.unknown:
        delimiter, text = map(_string, given)
        # Upstream forgets here that the parts of a secret are secret.
        parts = text.split(delimiter) if delimiter else list(text)
        value.parts = [Value(call, part, None, STRING, secret=value.secret) for part in parts]
    return value


def _from_base64(frame: "Frame", slot: "Slot", call: Call) -> Value:
    given = _arguments(frame, slot, STRING)
    if not given:
        return _failed(call, STRING)
    value = _combined(call, STRING, *given)
    if not value.unknown:
        try:
            value.parts = text_of(base64_text.decode(_string(given[0])))
        except base64_text.Base64Error as problem:
            frame.error(call, f"decoding base64 string: {problem}")
            value.unknown = True
    return value


def _to_base64(frame: "Frame", slot: "Slot", call: Call) -> Value:
    given = _arguments(frame, slot, STRING)
    if not given:
        return _failed(call, STRING)
    value = _combined(call, STRING, *given)
    if not value.unknown:
        value.parts = base64_text.encode(octets_of(_string(given[0])))
    return value


def _from_json(frame: "Frame", slot: "Slot", call: Call) -> Value:
    given = _arguments(frame, slot, STRING)
    if not given:
        return _failed(call, ALWAYS)
    value = _combined(call, ALWAYS, *given)
    if value.unknown:
        return value
    try:
        plain = json_text.load(_string(given[0]))
    except json_text.JsonError as problem:
        frame.error(call, f"decoding JSON string: {SECRET_TEXT if value.secret else problem}")
        value.unknown = True
        return value
    return _of_plain(call, plain, secret=value.secret)


def _of_plain(call: Call, plain: Plain, *, secret: bool) -> Value:
    if isinstance(plain, list):
        parts: Parts = [_of_plain(call, item, secret=secret) for item in cast("list[Plain]", plain)]
    elif isinstance(plain, dict):
        parts = {key: _of_plain(call, item, secret=secret) for key, item in cast("dict[str, Plain]", plain).items()}
    else:
        parts = plain
    return Value(call, parts, secret=secret)


def exported_plain(value: Value) -> Plain:
    """Return a known value as JSON has it, with what it overrides, secrets revealed."""
    parts = value.parts
    if isinstance(parts, list):
        return [exported_plain(part) for part in parts]
    if isinstance(parts, dict):
        return {key: exported_plain(part) for key, part in value.listed.items()}
    return parts


def _to_json(frame: "Frame", slot: "Slot", call: Call) -> Value:
    return _encoded(frame, slot, call, json_text.dump, "JSON")


def _to_yaml(frame: "Frame", slot: "Slot", call: Call) -> Value:
    return _encoded(frame, slot, call, yaml_text.dump, "YAML")


def _encoded(frame: "Frame", slot: "Slot", call: Call, dump: Callable[[Plain], str], language: str) -> Value:
    given = frame.evaluate(slot.parts()[0])
    value = _combined(call, STRING, given)
    if not value.unknown:
        try:
            value.parts = dump(exported_plain(given))
        except json_text.JsonError as problem:
            frame.error(call, f"failed to encode {language}: {problem}")
            value.unknown = True
    return value


def _to_string(frame: "Frame", slot: "Slot", call: Call) -> Value:
    shown = frame.evaluate(slot.parts()[0]).text()
    return Value(
        call, None if shown.unknown else shown.text, None, STRING, secret=shown.secret, unknown=shown.unknown, pending=shown.pending
    )


def _passed_through(call: Call, given: Value) -> Value:
    value = _combined(call, given.schema, given)
    value.parts = given.parts
    return value


def _object_passed_through(frame: "Frame", slot: "Slot", value: Value) -> Value:
    # Upstream lists an object's keys here, before it is merged over anything: what it overrides can be referred to, but is not listed.
    if slot.base is not None and isinstance(value.parts, dict):
        value.closed = True
        frame.record.closes = True
    return value


def _final(frame: "Frame", slot: "Slot", call: Call) -> Value:
    value = _passed_through(call, frame.evaluate(slot.parts()[0]))
    value.final = True
    return _object_passed_through(frame, slot, value)


def _validate(frame: "Frame", slot: "Slot", call: Call) -> Value:
    return _object_passed_through(frame, slot, _passed_through(call, _validated(frame, *slot.parts().values())))


def _validated(frame: "Frame", wanted: "Slot", checked: "Slot") -> Value:
    described, fits = frame.typed(wanted, SCHEMA_OF_SCHEMAS)
    if described.unknowns or not fits:
        return frame.evaluate(checked)
    try:
        schema = from_json(exported_plain(described), ANYTHING)
        schema.compile()
    except SchemaError as problem:
        frame.error(wanted.expression, f"invalid schema: {SECRET_TEXT if described.secrets else problem}")
        return frame.evaluate(checked)
    return frame.typed(checked, schema, masked=described.secrets)[0]


def _secret(frame: "Frame", slot: "Slot", call: Call) -> Value:
    part = slot.parts()[0]
    if not call.ciphertext:
        return frame.evaluate(part)
    value = Value(call, None, None, STRING, secret=True)
    try:
        ciphertext = open_envelope(_string(frame.evaluate(part)))
    except EnvelopeError as problem:
        frame.error(call, f"invalid ciphertext: {problem}")
        value.unknown = True
        return value
    if frame.session.checking and not frame.session.show_secrets:
        value.unknown = True
        return value
    try:
        value.parts = text_of(_decrypted(frame, ciphertext))
    except DecryptionError as problem:
        frame.record.volatile = True
        frame.error(call, f"decrypting: {problem}")
        value.unknown = True
    return value


def _decrypted(frame: "Frame", ciphertext: bytes) -> bytes:
    if frame.decrypter is None:
        raise DecryptionError("there is no key for this environment's secrets")
    return frame.decrypter.decrypt(ciphertext)


BUILTINS: dict[str, "Callable[[Frame, Slot, Call], Value]"] = {
    "fn::concat": _concat, "fn::final": _final, "fn::validate": _validate, "fn::fromJSON": _from_json, "fn::fromBase64": _from_base64,
    "fn::join": _join, OPEN: evaluate_open, ROTATE: evaluate_rotate, SECRET: _secret, "fn::split": _split, "fn::toBase64": _to_base64,
    "fn::toJSON": _to_json, "fn::toYAML": _to_yaml, "fn::toString": _to_string,
}  # fmt: skip

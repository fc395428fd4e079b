"""Property accesses: `${a.b[0]}`, and the names that are not of the document: imports, context, environments."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from infra_assets.environments.language.expressions import SECRET, Array, Call, Expression, Object
from infra_assets.environments.language.golang import quote
from infra_assets.environments.language.interpolation import Accessor, Accessors
from infra_assets.environments.language.model import Diagnostic
from infra_assets.environments.language.nodes import MAX_DEPTH
from infra_assets.environments.language.schema import Schema
from infra_assets.environments.language.spelling import nearest
from infra_assets.environments.language.values import MAX_EXTENT, TooMuchError, Value, unknown

if TYPE_CHECKING:
    from infra_assets.environments.language.frame import Frame, Slot

_NO_NAME_IN_ARRAY = "cannot access an array element using a property name"
_NO_RECEIVER = "receiver must be an array or an object"


class _InvalidAccess(Exception):  # noqa: N818
    """It was reported; the value is unknown."""


def access(frame: "Frame", expression: Expression, accessors: Accessors, accept: Schema) -> Value:
    """Return what an access comes to, as the value of the expression in which it stands."""
    try:
        value = _Access(frame, expression).start(accessors, accept)
    except _InvalidAccess:
        return unknown(expression)
    deep, much = value.extent
    if deep > MAX_DEPTH:
        frame.error(expression, f"refers to a value nested deeper than {MAX_DEPTH} levels")
        return unknown(expression)
    if much > MAX_EXTENT:
        raise TooMuchError
    return (value.opened() if frame.record.closes else value).as_defined_by(expression)


class _Access:
    def __init__(self, frame: "Frame", expression: Expression) -> None:
        self._frame = frame
        self._expression = expression

    def start(self, accessors: Accessors, accept: Schema) -> Value:
        match accessors[0].key:
            case "imports":
                return self._value(self._frame.imports(), accessors[1:])
            case "context":
                return self._value(self._frame.context_value(accessors[1].key if len(accessors) > 1 else None), accessors[1:])
            case "environments":
                return self._environment(accessors)
            case _:
                return self._slot(self._frame.root, accessors, accept)

    def _error(self, accessor: Accessor, summary: str) -> _InvalidAccess:
        node = self._expression.node
        where = node.part(accessor.begin, accessor.end) if node else None
        self._frame.report(Diagnostic("error", summary, self._expression.path, where or self._expression.range))
        return _InvalidAccess()

    def _environment(self, accessors: Accessors) -> Value:
        if len(accessors) < 3:
            raise _InvalidAccess
        names = [accessor.key for accessor in accessors[1:3]]
        wrong = [self._no_key(accessor) for accessor in accessors[1:3] if isinstance(accessor.key, int)]
        if wrong:
            raise wrong[0]
        record = self._frame.session.load(self._frame, self._expression, f"{names[0]}/{names[1]}")
        return self._value(record.value if record else unknown(self._expression), accessors[3:])

    def _slot(self, slot: "Slot", accessors: Accessors, accept: Schema) -> Value:
        for at, accessor in enumerate(accessors):
            slot = self._transparent(slot)
            expression = slot.expression
            if isinstance(expression, Array):
                slot = slot.parts()[self._index(accessor, len(expression.elements))]
            elif isinstance(expression, Object):
                key = self._key(accessor)
                part = slot.parts().get(key)
                if part is None:
                    return self._below(slot.base, accessors[at:], key, expression.sorted)
                slot = part
            else:
                return self._value(self._frame.evaluate(slot, accept), accessors[at:])
        return self._frame.evaluate(slot)

    def _transparent(self, slot: "Slot") -> "Slot":
        call = slot.expression
        if not isinstance(call, Call) or call.function != SECRET:
            return slot
        if call.ciphertext:
            self._frame.error(self._expression, "internal error: no receiver")
            raise _InvalidAccess
        return slot.parts()[0]

    def _below(self, base: Value | None, accessors: Accessors, key: str, known: Iterable[str]) -> Value:
        """Access what an object overrides, because the object itself has no such entry."""
        if base is not None and base.is_object:
            return self._value(base, accessors)
        meant = nearest(key, sorted(known))
        hint = f"; did you mean {quote(meant)}?" if meant else ""
        raise self._error(accessors[0], f"unknown property {quote(key)}{hint}")

    def _value(self, value: Value, accessors: Accessors) -> Value:
        for at, accessor in enumerate(accessors):
            if value.unknown:
                return self._unknown(value, accessors[at:])
            parts = value.parts
            if isinstance(parts, list):
                value = parts[self._index(accessor, len(parts))]
            elif isinstance(parts, dict):
                key = self._key(accessor)
                found = value.view.get(key)
                if found is None:
                    return self._not_in(value, accessors[at:], key)
                value = found
            else:
                raise self._error(accessor, _NO_RECEIVER)
        return value

    def _not_in(self, value: Value, accessors: Accessors, key: str) -> Value:
        last = value
        while last.base is not None and isinstance(last.base.parts, dict):
            last = last.base
        # What a secret holds is secret, its keys included: none is suggested.
        return self._below(last.base, accessors, key, () if last.secret else last.parts if isinstance(last.parts, dict) else ())

    def _unknown(self, value: Value, accessors: Accessors) -> Value:
        schema = value.schema
        for accessor in accessors:
            if schema.always:
                break
            if schema.type == "array":
                closed = schema.items is not None and schema.items.never
                schema = schema.item(self._index(accessor, len(schema.prefix_items) if closed else -1))
            elif schema.type == "object":
                schema = schema.property(self._key(accessor))
            else:
                raise self._error(accessor, _NO_RECEIVER)
        return Value(self._expression, None, None, schema, unknown=True, pending=value.pending)

    def _index(self, accessor: Accessor, length: int) -> int:
        index = accessor.key
        if isinstance(index, str):
            raise self._error(accessor, _NO_NAME_IN_ARRAY)
        if index < 0:
            raise self._error(accessor, "array indices must not be negative")
        if 0 <= length <= index:
            raise self._error(accessor, f"array index {index} out-of-bounds for array of length {length}")
        return index

    def _key(self, accessor: Accessor) -> str:
        if isinstance(accessor.key, int):
            raise self._no_key(accessor)
        return accessor.key

    def _no_key(self, accessor: Accessor) -> _InvalidAccess:
        return self._error(accessor, "cannot access an object property using an integer index")

"""Checks values against schemas; what is unknown is checked by what is known of it.

A violation is blamed on the expression that defines the value; where that is a literal array or object, on the very item.
"""

import operator
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import cast

from infra_assets.environments.language.expressions import Array, Expression, Object
from infra_assets.environments.language.golang import octets_of, quote
from infra_assets.environments.language.json_text import dump
from infra_assets.environments.language.model import SECRET, Diagnostic, Number, Plain
from infra_assets.environments.language.paths import join_key
from infra_assets.environments.language.schema import Rational, Schema, divisible, rounded
from infra_assets.environments.language.values import Value


@dataclass(frozen=True, slots=True)
class Blame:
    """An expression, and the way from it to what is wrong."""

    expression: Expression
    path: str = ""
    said: bool = False
    """Whether the message says the way."""

    def index(self, index: int) -> "Blame":
        """Return that of an item."""
        if isinstance(self.expression, Array) and index < len(self.expression.elements):
            return Blame(self.expression.elements[index], f"[{index}]")
        return Blame(self.expression, f"{self.path}[{index}]", said=True)

    def property(self, key: str) -> "Blame":
        """Return that of an entry."""
        if isinstance(self.expression, Object) and key in self.expression.properties:
            return Blame(self.expression.properties[key], join_key("", key))
        return Blame(self.expression, join_key(self.path, key), said=True)


def check(value: Value, accept: Schema, *, masked: bool = False) -> tuple[bool, list[Diagnostic]]:
    """Return whether a value fits, and what is wrong with it; `masked` leaves out what the schema says.

    What nothing fits is wrong without a word.
    """
    validator = _Validator(masked=masked)
    return validator.value(value, accept), validator.diagnostics


class _Validator:
    def __init__(self, *, masked: bool) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._masked = masked

    def _another(self) -> "_Validator":
        return _Validator(masked=self._masked)

    def _shown(self, text: str) -> str:
        return SECRET if self._masked else text

    def _wrong(self, blame: Blame, summary: str) -> bool:
        where = blame.expression
        summary = f"{blame.path}: {summary}" if blame.said else summary
        self.diagnostics.append(Diagnostic("error", summary, where.path, where.range))
        return False

    def value(self, value: Value, accept: Schema | None) -> bool:
        return self.element(value, accept, Blame(value.definition))

    def element(self, value: Value, accept: Schema | None, blame: Blame) -> bool:
        if accept is None or accept.always:
            return True
        accept.compile()
        if accept.plain and accept.plain == _PLAIN.get(value.parts.__class__) and not value.unknown:
            return accept.plain != "object" or self._object(value, accept, blame)
        if accept.never:
            return False
        if value.unknown:
            return self.schema(value.schema, accept, blame)
        fits = accept.target is None or self.element(value, accept.target, blame)
        fits &= self._any_of(value, accept, blame)
        fits &= self._one_of(value, accept, blame)
        fits &= accept.const is None or _equals(value, accept.const) or self._constant(blame, accept.const)
        fits &= self._enum(value, accept, blame)
        return fits & self._type(value, accept, blame)

    def _constant(self, blame: Blame, expected: Plain) -> bool:
        return self._wrong(blame, f"expected {self._shown(dump(expected))}")

    def _enum(self, value: Value, accept: Schema, blame: Blame) -> bool:
        if not accept.enum or any(_equals(value, expected) for expected in accept.enum):
            return True
        if len(accept.enum) == 1:
            return self._constant(blame, accept.enum[0])
        return self._wrong(blame, f"expected one of {self._shown(dump(list(accept.enum)))}")

    def _any_of(self, value: Value, accept: Schema, blame: Blame) -> bool:
        if not accept.any_of:
            return True
        tried = [self._another() for _ in accept.any_of]
        fits = [other.element(value, part, blame) for other, part in zip(tried, accept.any_of, strict=True)]
        if any(fits):
            return True
        return self._no_match(tried, blame, "at least one subschema must match")

    def _one_of(self, value: Value, accept: Schema, blame: Blame) -> bool:
        if not accept.one_of:
            return True
        tried: list[_Validator] = []
        matched = 0
        for part in accept.one_of:
            tried.append(self._another())
            matched += tried[-1].element(value, part, blame)
            if matched > 1:
                return self._wrong(blame, "exactly one subschema may match")
        return matched == 1 or self._no_match(tried, blame, "exactly one subschema must match")

    def _no_match(self, tried: "list[_Validator]", blame: Blame, summary: str) -> bool:
        for other in tried:
            self.diagnostics += other.diagnostics
        return self._wrong(blame, summary)

    # --- by type

    def _is(self, kind: str, accept: Schema, blame: Blame) -> bool:
        return not accept.type or kind == accept.type or self._wrong(blame, f"expected {accept.type}, got {kind}")

    def _type(self, value: Value, accept: Schema, blame: Blame) -> bool:
        match value.parts:
            case None:
                return self._is("null", accept, blame)
            case bool():
                return self._is("boolean", accept, blame)
            case Number():
                return self._is("number", accept, blame) and self._number(value.parts, accept, blame)
            case str():
                return self._is("string", accept, blame) and self._string(value.parts, accept, blame)
            case list():
                return self._is("array", accept, blame) and self._array(value.parts, accept, blame)
            case dict():
                return self._is("object", accept, blame) and self._object(value, accept, blame)

    def _number(self, value: Number, accept: Schema, blame: Blame) -> bool:
        if not accept.limits and value.text != "NaN":
            return True
        try:
            number = rounded(value.text)
        except ValueError as problem:
            return self._wrong(blame, f"internal error: invalid number {quote(value.text)} ({problem})")
        fits = True
        by = accept.number("multipleOf")
        if by is not None and not divisible(number, by):
            fits = self._wrong(blame, f"expected a multiple of {self._shown(accept.limits['multipleOf'])}")
        for limit, words, wrong in _BOUNDS:
            bound = accept.number(limit)
            if bound is not None and wrong(number, bound):
                fits = self._wrong(blame, f"expected a number {words}{self._shown(accept.limits[limit])}")
        return fits

    def _count(self, count: int, accept: Schema, limits: tuple[str, str], words: str, blame: Blame) -> bool:
        fits = True
        least, most = (accept.count(limit) for limit in limits)
        if least is not None and count < least:
            fits = self._wrong(blame, words.format("least", self._shown(accept.limits[limits[0]])))
        if most is not None and count > most:
            fits = self._wrong(blame, words.format("most", self._shown(accept.limits[limits[1]])))
        return fits

    def _string(self, value: str, accept: Schema, blame: Blame) -> bool:
        fits = True
        if accept.limits:
            count = len(octets_of(value))
            fits = self._count(count, accept, ("minLength", "maxLength"), "expected a string of at {} length {}", blame)
        if accept.expression and not accept.expression.found_in(value):
            fits = self._wrong(blame, f"string must match the pattern {self._shown(quote(accept.pattern))}")
        return fits

    def _array(self, value: list[Value], accept: Schema, blame: Blame) -> bool:
        fits = self._count(len(value), accept, ("minItems", "maxItems"), "expected an array with at {} {} items", blame)
        for index, item in enumerate(value):
            fits &= self.value(item, accept.prefix_items[index] if index < len(accept.prefix_items) else accept.items)
        return fits

    def _object(self, value: Value, accept: Schema, blame: Blame) -> bool:
        keys = value.keys()
        fits = not accept.limits or self._count(
            len(keys), accept, ("minProperties", "maxProperties"), "expected an object with at {} {} properties", blame
        )
        view, properties = value.view, accept.properties
        for key in keys:
            fits &= self.value(view[key], properties.get(key) or accept.additional)
        missing = _missing(accept, view.keys() if len(view) == len(keys) else set(keys))
        if missing:
            return self._wrong(blame, f"missing required properties: {self._shown(', '.join(missing))}")
        return fits

    # --- what is unknown

    def schema(self, known: Schema | None, accept: Schema | None, blame: Blame) -> bool:
        if accept is None or accept.always:
            return True
        if accept.never:
            return False
        if known is None or known.always:
            return True
        return not known.never and self._schema(known, accept, blame)

    def _schema(self, known: Schema, accept: Schema, blame: Blame) -> bool:
        fits = accept.target is None or self.schema(known, accept.target, blame)
        fits &= known.target is None or self.schema(known.target, accept, blame)
        fits &= self._some([(part, accept) for part in known.any_of], blame)
        fits &= self._some([(part, accept) for part in known.one_of], blame)
        fits &= not known.type or self._is(known.type, accept, blame)
        fits &= self._some([(known, part) for part in accept.any_of], blame)
        fits &= self._some([(known, part) for part in accept.one_of], blame)
        if known.type == "array":
            fits &= self._schema_array(known, accept, blame)
        elif known.type == "object":
            fits &= self._schema_object(known, accept, blame)
        return fits

    def _some(self, pairs: list[tuple[Schema, Schema]], blame: Blame) -> bool:
        if not pairs:
            return True
        tried = [self._another() for _ in pairs]
        fits = [other.schema(known, accept, blame) for other, (known, accept) in zip(tried, pairs, strict=True)]
        return any(fits) or self._no_match(tried, blame, "at least one subschema must match")

    def _schema_array(self, known: Schema, accept: Schema, blame: Blame) -> bool:
        fits = True
        for index in range(max(len(known.prefix_items), len(accept.prefix_items))):
            item = known.prefix_items[index] if index < len(known.prefix_items) else known.items
            wanted = accept.prefix_items[index] if index < len(accept.prefix_items) else accept.items
            fits &= self.schema(item, wanted, blame.index(index))
        if known.items is not None and not known.items.never:
            fits &= self.schema(known.items, accept.items, blame)
        return fits

    def _schema_object(self, known: Schema, accept: Schema, blame: Blame) -> bool:
        fits = True
        for name in sorted(known.properties):
            fits &= self.schema(known.properties[name], accept.properties.get(name) or accept.additional, blame.property(name))
        if known.additional is not None:
            return fits & (known.additional.never or self.schema(known.additional, accept.additional, blame))
        for name in _missing(accept, set(known.required)):
            fits = self._wrong(blame.property(name), "missing required property")
        return fits


_PLAIN: dict[type, str] = {str: "string", bool: "boolean", dict: "object"}


def _missing(accept: Schema, held: Set[str]) -> list[str]:
    missing = [key for key in accept.required if key not in held]
    for key, needed in sorted(accept.dependent.items()):
        missing += [name for name in needed if key in held and name not in held]
    return missing


_BOUNDS: tuple[tuple[str, str, Callable[[Rational, Rational], bool]], ...] = (
    ("minimum", "greater than or equal to ", operator.lt),
    ("exclusiveMinimum", "greater than ", operator.le),
    ("maximum", "less than or equal to", operator.gt),
    ("exclusiveMaximum", "less than ", operator.ge),
)


def _equals(value: Value, expected: Plain) -> bool:
    parts = value.parts
    if isinstance(expected, list):
        items = cast("list[Plain]", expected)
        return isinstance(parts, list) and len(parts) == len(items) and all(map(_equals, parts, items))
    if isinstance(expected, dict):
        entries = cast("dict[str, Plain]", expected)
        return isinstance(parts, dict) and parts.keys() == entries.keys() and all(_equals(parts[key], entries[key]) for key in entries)
    return type(parts) is type(expected) and parts == expected

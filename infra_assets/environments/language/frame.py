"""Evaluates one document: every expression once, when it is first needed."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from infra_assets.environments.language.access import access
from infra_assets.environments.language.builtins import BUILTINS
from infra_assets.environments.language.expressions import (
    SECRET,
    Array,
    Call,
    Expression,
    Interpolation,
    Literal,
    Missing,
    Object,
    Symbol,
    children,
)
from infra_assets.environments.language.model import Decrypter, Diagnostic, ExecutionContext, Site, value_of
from infra_assets.environments.language.model import Value as Exported
from infra_assets.environments.language.paths import join_key
from infra_assets.environments.language.schema import ALWAYS, NEVER, STRING, Schema
from infra_assets.environments.language.validation import check
from infra_assets.environments.language.values import MAX_TEXT, NOTHING, TooMuchError, Value, imported, unknown

if TYPE_CHECKING:
    from infra_assets.environments.language.declaration import Declaration, Import
    from infra_assets.environments.language.session import Record, Session

DECLARED, EVALUATING, DONE = range(3)
ANONYMOUS = "<yaml>"
MAX_LAYERS = 100
"""No environment merges more; what is merged may be gone through recursively."""

_IMPORTS, _CONTEXT = Symbol(None, ()), Symbol(None, ())


class Slot:
    """An expression in one evaluation of its document, with its value once there is one."""

    __slots__ = ("base", "children", "expression", "secret", "state", "value")

    def __init__(self, expression: Expression, base: Value | None) -> None:
        self.expression = expression
        self.base = base
        self.state = DECLARED
        self.secret = False
        self.value: Value | None = None
        self.children: Mapping[str | int, Slot] | None = None

    def parts(self) -> "Mapping[str | int, Slot]":
        """Return those of an object's entries, an array's items, a call's arguments."""
        if self.children is None:
            expression, base = self.expression, self.base
            if isinstance(expression, Object):
                if base is None:
                    self.children = {key: Slot(value, None) for key, value in expression.properties.items()}
                else:
                    self.children = {key: Slot(value, base.entry(key)) for key, value in expression.properties.items()}
            else:
                self.children = {index: Slot(value, None) for index, value in enumerate(children(expression))}
                if isinstance(expression, Call) and expression.function == SECRET:
                    self.children[0].secret = True
        return self.children


def path_below(slot: Slot, path: str, sought: Slot) -> str | None:
    """Return where a slot stands below another one, if it does; arguments of builtins stand nowhere."""
    if slot is sought:
        return path
    for key, part in (slot.children or {}).items():
        below = f"{path}[{key}]" if isinstance(key, int) else join_key(path, key)
        below = "" if isinstance(slot.expression, Call) else below
        found = path_below(part, below, sought)
        if found is not None:
            return found
    return None


class Frame:
    """One document's evaluation."""

    def __init__(self, session: "Session", name: str, declaration: "Declaration", record: "Record", decrypter: Decrypter | None) -> None:
        self.session = session
        self.name = name
        self.record = record
        self.decrypter = decrypter
        self.root_name = name
        self.is_root = False
        self._declaration = declaration
        self.root = Slot(declaration.values, None)
        self._imported: dict[str, Value] = {}

    @property
    def context(self) -> ExecutionContext:
        """For whom something is opened here."""
        return ExecutionContext(self.root_name, self.name, self._context_values())

    @property
    def skips_rotate_only(self) -> bool:
        """Whether what only a rotation needs is left alone: only the root is rotated, and checked for it."""
        return not self.is_root or not (self.session.rotating or self.session.checking)

    def run(self) -> Value:
        """Evaluate the document."""
        self.root.base = self._merged_imports()
        self.record.said += self._declaration.diagnostics
        return self.evaluate(self.root)

    # --- what is wrong

    def error(self, expression: Expression, summary: str, severity: str = "error") -> None:
        """Report something about an expression."""
        self.record.said.append(Diagnostic(severity, summary, expression.path, expression.range))

    def report(self, diagnostic: Diagnostic) -> None:
        """Report something."""
        self.record.said.append(diagnostic)

    # --- imports and context

    def _merged_imports(self) -> Value | None:
        base: Value | None = None
        shared, layers = True, 1
        for item in self._declaration.imports:
            if item.name is None:
                continue
            record = self.session.load(self, item, item.name)
            if record is None:
                continue
            self._imported[item.name] = record.value
            if item.merge:
                layers += record.layers
                if layers > MAX_LAYERS:
                    self._too_many(item)
                    break
                shared = shared and record.shared
                base = record.over(base, shared=shared)
        self.record.layers = layers
        return base

    def _too_many(self, item: "Import") -> None:
        self.report(Diagnostic("error", f"more than {MAX_LAYERS} environments are merged", item.path, item.range))

    def imports(self) -> Value:
        """Return what `${imports}` is: the directly imported environments."""
        return Value(_IMPORTS, dict(self._imported))

    def context_value(self, key: str | int | None) -> Value:
        """Return what `${context}` is; `key` is what is asked of it."""
        self.record.rooted |= key in (None, "rootEnvironment")
        self.record.hosted |= key not in ("rootEnvironment", "currentEnvironment")
        return imported(Exported(dict(self._context_values())), _CONTEXT)

    def _context_values(self) -> dict[str, Exported]:
        return {
            **self.session.context,
            "currentEnvironment": value_of({"name": self.name}),
            "rootEnvironment": value_of({"name": self.root_name}),
        }

    # --- expressions

    def evaluate(self, slot: Slot, accept: Schema = ALWAYS) -> Value:
        """Return an expression's value, merged over what it overrides."""
        if slot.value is not None:
            return slot.value
        if slot.state == EVALUATING:
            return self._cycle(slot)
        expression, base = slot.expression, slot.base
        if accept.rotate_only and self.skips_rotate_only:
            value = unknown(Missing())
            value.rotate_only = True
        elif base is not None and base.final:
            self.error(expression, "cannot override final value", "warning")
            value = base
        elif isinstance(expression, Literal):
            value = Value(expression, expression.value, base, secret=slot.secret, rotate_only=accept.rotate_only)
        else:
            slot.state = EVALUATING
            value = self._made(slot, accept)
            if accept.rotate_only:
                value.rotate_only = True
            if base is not None and not isinstance(expression, Object):
                value = value.over(base)
        slot.state = DONE
        slot.value = value
        return value

    def _made(self, slot: Slot, accept: Schema) -> Value:
        expression = slot.expression
        try:
            value = _EVALUATORS[expression.__class__](self, slot, accept)
            if isinstance(value.parts, str) and len(value.parts) > MAX_TEXT:
                raise TooMuchError
        except TooMuchError as problem:
            self.error(expression, str(problem))
            return unknown(expression)
        return value

    def _cycle(self, slot: Slot) -> Value:
        found = f"<{self.name}>" if slot is self.root else None
        for key, part in self.root.parts().items():
            found = path_below(part, str(key), slot) if found is None else found
        self.error(slot.expression, f"cyclic reference to {found or ''}")
        return unknown(slot.expression)

    def typed(self, slot: Slot, accept: Schema, *, masked: bool = False) -> tuple[Value, bool]:
        """Return an expression's value, and whether it fits a schema; `masked` says that the schema is secret."""
        value = self.evaluate(slot, accept)
        fits, diagnostics = check(value, accept, masked=masked)
        self.record.said += diagnostics
        return value, fits

    def _missing(self, slot: Slot, _accept: Schema) -> Value:
        return unknown(slot.expression)

    def _array(self, slot: Slot, accept: Schema) -> Value:
        plain = accept.always or accept.never
        return Value(
            slot.expression,
            [self.evaluate(part, NEVER if plain else accept.item(index)) for index, part in enumerate(slot.parts().values())],
        )

    def _object(self, slot: Slot, accept: Schema) -> Value:
        expression, slots = slot.expression, slot.parts()
        assert isinstance(expression, Object)
        evaluate = self.evaluate
        if accept.always or accept.never:
            return Value(expression, {key: evaluate(slots[key], NEVER) for key in expression.sorted}, slot.base)
        return Value(expression, {key: evaluate(slots[key], accept.property(key)) for key in expression.sorted}, slot.base)

    def _interpolation(self, slot: Slot, _accept: Schema) -> Value:
        expression = slot.expression
        assert isinstance(expression, Interpolation)
        made: list[str] = []
        secret, is_unknown, pending, length = False, False, NOTHING, 0
        for text, accessors in expression.parts:
            made.append(text)
            if accessors is not None:
                shown = access(self, expression, accessors, ALWAYS).text()
                secret, is_unknown, pending = secret or shown.secret, is_unknown or shown.unknown, pending | shown.pending
                made.append("" if shown.unknown else shown.text)
                length += len(made[-1])
                if length > MAX_TEXT:
                    raise TooMuchError
        text = "[unknown]" if is_unknown else "".join(made)
        return Value(expression, text, None, STRING, secret=secret, unknown=is_unknown, pending=pending)

    def _symbol(self, slot: Slot, accept: Schema) -> Value:
        expression = slot.expression
        assert isinstance(expression, Symbol)
        return access(self, expression, expression.accessors, accept)

    def _call(self, slot: Slot, _accept: Schema) -> Value:
        call = slot.expression
        assert isinstance(call, Call)
        return BUILTINS[call.function](self, slot, call)

    def pend(self, site: Site, inputs: Value | None) -> None:
        """Note an open that is not carried out."""
        self.record.sites[site] = inputs


_EVALUATORS: dict[type[Expression], Callable[[Frame, Slot, Schema], Value]] = {
    Missing: Frame._missing,  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    Interpolation: Frame._interpolation,  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    Symbol: Frame._symbol,  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    Array: Frame._array,  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    Object: Frame._object,  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    Call: Frame._call,  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
}

"""What a document says about itself, without being evaluated: what it refers to, its secrets, its keys."""

from collections.abc import Iterator
from dataclasses import dataclass

from infra_assets.environments.language.declaration import Declaration
from infra_assets.environments.language.expressions import SECRET, Array, Call, Expression, Interpolation, Object, Symbol
from infra_assets.environments.language.interpolation import Accessors
from infra_assets.environments.language.model import Range
from infra_assets.environments.language.paths import Path


@dataclass(frozen=True, slots=True)
class Reference:
    """An environment to which a document refers: one that it imports, or a `${environments.PROJECT.NAME…}`."""

    name: str
    range: Range | None
    merged: bool
    """Whether its values become those of the document."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A `fn::secret` in a document."""

    path: str
    range: Range | None
    sealed: bool


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and all that it is made of, also what is not evaluated: the second of two entries with one name."""
    yield expression
    match expression:
        case Array():
            parts = expression.elements
        case Object():
            parts = [value for _, _, value in expression.entries]
        case Call():
            parts = [expression.argument]
        case _:
            parts = []
    for part in parts:
        yield from walk(part)


def _all(declaration: Declaration) -> Iterator[Expression]:
    for _, _, value in declaration.entries:
        yield from walk(value)


def _accesses(declaration: Declaration) -> Iterator[tuple[Accessors, Expression]]:
    for expression in _all(declaration):
        if isinstance(expression, Symbol):
            yield expression.accessors, expression
        elif isinstance(expression, Interpolation):
            yield from ((part.accessors, expression) for part in expression.parts if part.accessors is not None)


def references(declaration: Declaration) -> list[Reference]:
    """Return every environment that a document refers to, wherever: nothing else is ever loaded for it."""
    found = [Reference(item.name, item.range, item.merge) for item in declaration.imports if item.name is not None]
    for accessors, expression in _accesses(declaration):
        keys = [accessor.key for accessor in accessors[:3]]
        if keys[0] == "environments" and len(keys) == 3:
            found.append(Reference(f"{keys[1]}/{keys[2]}", _place(accessors, expression), merged=False))
    return found


def secrets(declaration: Declaration) -> list[Secret]:
    """Return every secret of a document."""
    return [
        Secret(expression.path, expression.range, expression.ciphertext)
        for expression in _all(declaration)
        if isinstance(expression, Call) and expression.function == SECRET
    ]


def symbols(declaration: Declaration) -> list[tuple[Path, Range | None]]:
    """Return every `${…}` of a document as a path."""
    return [
        (tuple(accessor.key for accessor in accessors), _place(accessors, expression)) for accessors, expression in _accesses(declaration)
    ]


def _place(accessors: Accessors, expression: Expression) -> Range | None:
    node = expression.node
    part = node.part(accessors[0].begin, accessors[-1].end) if node else None
    return part or expression.range

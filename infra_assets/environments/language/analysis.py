"""What a document says about itself, without being evaluated: what it refers to, its secrets, its keys."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from infra_assets.environments.language.declaration import Declaration
from infra_assets.environments.language.expressions import SECRET, Array, Call, Expression, Interpolation, Object, Symbol
from infra_assets.environments.language.interpolation import Accessors
from infra_assets.environments.language.model import Range
from infra_assets.environments.language.paths import Path


@dataclass(frozen=True, slots=True)
class Reference:
    """An environment to which a document refers: one that it imports, or a `${environments.PROJECT.NAME…}`."""

    name: str
    merged: bool
    """Whether its values become those of the document."""
    where: Callable[[], Range | None] = field(repr=False, compare=False)

    @property
    def range(self) -> Range | None:
        """Where it stands; hardly anybody asks."""
        return self.where()


@dataclass(frozen=True, slots=True)
class Secret:
    """A `fn::secret` in a document."""

    path: str
    range: Range | None
    sealed: bool


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and all that it is made of, also what is not evaluated: the second of two entries with one name."""
    waiting: list[Expression] = [expression]
    while waiting:
        each = waiting.pop()
        yield each
        if isinstance(each, Object):
            waiting += [value for _, _, value in reversed(each.entries)]
        elif isinstance(each, Array):
            waiting += reversed(each.elements)
        elif isinstance(each, Call):
            waiting.append(each.argument)


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
    found = [Reference(item.name, item.merge, partial(getattr, item, "range")) for item in declaration.imports if item.name is not None]
    for accessors, expression in _accesses(declaration):
        keys = [accessor.key for accessor in accessors[:3]]
        if keys[0] == "environments" and len(keys) == 3:
            found.append(Reference(f"{keys[1]}/{keys[2]}", merged=False, where=partial(_place, accessors, expression)))
    return found


def secrets(declaration: Declaration) -> list[Secret]:
    """Return every secret of a document."""
    return [
        Secret(expression.path, expression.range, expression.ciphertext)
        for expression in _all(declaration)
        if isinstance(expression, Call) and expression.function == SECRET
    ]


def count(declaration: Declaration) -> tuple[int, int]:
    """Return how many secrets a document writes down, and how many values: scalars, references, calls, what is empty."""
    secret = sum(isinstance(expression, Call) and expression.function == SECRET for expression in _all(declaration))
    return secret, sum(_leaves(value) for _, _, value in declaration.entries)


def _leaves(expression: Expression) -> int:
    if isinstance(expression, Object) and expression.properties:
        return sum(map(_leaves, expression.properties.values()))
    if isinstance(expression, Array) and expression.elements:
        return sum(map(_leaves, expression.elements))
    return 1


def symbols(declaration: Declaration) -> list[tuple[Path, Range | None]]:
    """Return every `${…}` of a document as a path."""
    return [
        (tuple(accessor.key for accessor in accessors), _place(accessors, expression)) for accessors, expression in _accesses(declaration)
    ]


def _place(accessors: Accessors, expression: Expression) -> Range | None:
    node = expression.node
    part = node.part(accessors[0].begin, accessors[-1].end) if node else None
    return part or expression.range

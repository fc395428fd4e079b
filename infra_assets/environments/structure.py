"""The values that a definition writes down, one by one."""

from collections.abc import Iterator

from infra_assets.environments.language import Declaration, Range
from infra_assets.environments.language.analysis import walk
from infra_assets.environments.language.expressions import ROTATE, Array, Call, Expression, Object

Path = tuple[str, *tuple[str | int, ...]]


def leaves(declaration: Declaration) -> list[tuple[Path, Range | None]]:
    """Return the path and the place of every scalar, reference and call; an empty list or object counts as one."""
    return [leaf for key, _, value in declaration.entries for leaf in _leaves((key,), value)]


def rotations(declaration: Declaration) -> list[str]:
    """Return the path of every `fn::rotate`, below `values`: `database.password`."""
    every = (expression for _, _, value in declaration.entries for expression in walk(value))
    return [each.path.removeprefix("values.") for each in every if isinstance(each, Call) and each.function == ROTATE]


def _leaves(path: Path, expression: Expression) -> Iterator[tuple[Path, Range | None]]:
    if isinstance(expression, Object) and expression.properties:
        for key, value in expression.properties.items():
            yield from _leaves((*path, key), value)
    elif isinstance(expression, Array) and expression.elements:
        for index, element in enumerate(expression.elements):
            yield from _leaves((*path, index), element)
    else:
        yield path, expression.range

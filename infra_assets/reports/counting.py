"""What a report's rows come to, in numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping

from infra_assets.reports.changes import ResourceChange
from infra_assets.reports.matrix import COUNTED, LETTERS, Row


def amounts(row: Row) -> Mapping[str, int]:
    """Return how many resources an `up` would create, update, replace and delete."""
    return row.changes or Counter(change.operation for change in row.resources)


def total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return what counts come to, in the order in which operations are told; only those that there are."""
    sums: Counter[str] = Counter()
    for each in counts:
        sums.update(each)
    return {name: sums[name] for name in COUNTED if sums[name]}


def lost(row: Row) -> list[ResourceChange]:
    """Return what would be replaced or deleted, or is gone, and holds what cannot be made again."""
    return [change for change in (*row.resources, *row.drift) if change.stateful and change.destroys]


def is_checked(row: Row) -> bool:
    """Return whether anybody has looked at a cell, or tried to."""
    return row.verdict in LETTERS

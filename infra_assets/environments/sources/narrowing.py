"""Which environments a change of others can concern, where somebody knows."""

from collections.abc import Collection
from typing import Protocol


class Narrowing(Protocol):
    """Tells which environments cannot be concerned, so that they need not be resolved."""

    def closure(self, changed: Collection[str]) -> frozenset[str] | None:
        """Return these environments and all that import one of them, directly or not; None where that is not known.

        Raises:
            SourceError: who knows it does not answer.
        """
        ...


class Nothing:
    """Knows nothing: everything is to be resolved."""

    def closure(self, changed: Collection[str]) -> frozenset[str] | None:  # noqa: ARG002
        """Return None."""
        return None

"""Texts for people that several rooms write."""

from collections.abc import Sequence

NAMES_SHOWN = 5
"""How many names stand in a list; the others are counted."""


def listed(names: Sequence[str], shown: int = NAMES_SHOWN) -> str:
    """Return names as a text that stays short: `acme-prod, b-prod and 41 more`."""
    rest = len(names) - shown
    return ", ".join(names) if rest <= 0 else f"{', '.join(names[:shown])} and {rest:,} more"


def counted(number: int, what: str) -> str:
    """Return a number with its word: `1 TEP`, `3 TEPs`."""
    return f"{number} {what}{'' if number == 1 else 's'}"

"""What makes a check fail: `--fail-on replace,delete,error`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra_assets.errors import UsageError
from infra_assets.reports.counting import amounts, is_checked, lost
from infra_assets.reports.matrix import BOTH, CLEAN, DRIFTED, ERROR, PENDING, Row
from infra_assets.reports.report import Report
from infra_assets.texts import counted, listed

NONE = "none"
DEFAULT = "error"
CELLS_SHOWN = 3


def _of(operation: str) -> Callable[[Row], int]:
    # What a drift check finds to be gone is a deletion too: somebody else's.
    return lambda row: amounts(row).get(operation, 0) + sum(change.operation == operation for change in row.drift)


WORDS: Mapping[str, tuple[str, str, Callable[[Row], int]]] = {
    "create": ("resource", "to create", _of("create")),
    "update": ("resource", "to update", _of("update")),
    "replace": ("resource", "to replace", _of("replace")),
    "delete": ("resource", "to delete, or gone", _of("delete")),
    "stateful": ("resource", "replaced or deleted that cannot be made again", lambda row: len(lost(row))),
    "drift": ("cell", "drifted", lambda row: row.verdict in (DRIFTED, BOTH)),
    "pending": ("cell", "not applied", lambda row: row.verdict in (PENDING, BOTH)),
    # What nobody has looked at is no better than what could not be looked at.
    "error": ("cell", "without an answer", lambda row: row.verdict == ERROR or not is_checked(row)),
    "any": ("cell", "not clean", lambda row: row.verdict not in CLEAN),
}
"""What each word counts in a cell."""


@dataclass(frozen=True, slots=True)
class FailOn:
    """What makes a check fail."""

    words: tuple[str, ...]
    """None: nothing does."""

    def verdict(self, report: Report) -> list[str]:
        """Return why a report fails, a sentence each; it passes where there is none."""
        return [said for word in self.words if (said := _said(word, report))]


def parse(text: str) -> FailOn:
    """Return what makes a check fail; without a word it is an error.

    Raises:
        UsageError: a word that means nothing, or `none` beside others.
    """
    words = list(dict.fromkeys(word for part in text.split(",") if (word := part.strip().lower()))) or [DEFAULT]
    unknown = [word for word in words if word not in WORDS and word != NONE]
    if unknown:
        raise UsageError(f"--fail-on {listed(unknown)}: unknown", remedy=f"There is {', '.join(WORDS)}, and {NONE}.")
    if NONE in words and len(words) > 1:
        raise UsageError(f"--fail-on {','.join(words)}: {NONE} stands alone")
    return FailOn(() if words == [NONE] else tuple(words))


def _said(word: str, report: Report) -> str:
    noun, what, count = WORDS[word]
    found = {row.name: number for row in report.rows if (number := count(row))}
    if not found:
        return ""
    return f"{word}: {counted(sum(found.values()), noun)} {what}: {listed(list(found), CELLS_SHOWN)}"

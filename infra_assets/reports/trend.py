"""How a check's cells compare with those of the check before, and with those of the last ones."""

from collections.abc import Sequence

from infra_assets.reports.matrix import CLEAN, LETTERS, Row
from infra_assets.reports.report import Report, Trend

NOT_CHECKED = "."
MOST = 30
"""Checks that a cell's history shows."""


def trend(before: Report | None, rows: Sequence[Row]) -> Trend | None:
    """Return what is new, gone and still so since the check before; None where there was none.

    A cell that is not clean in another way than it was is new. One that was not looked at this time is still as it was.
    """
    if before is None:
        return None
    was = {row.name: row.verdict for row in before.rows if _bad(row.verdict)}
    now = {row.name: row.verdict for row in rows}
    return Trend(
        before_id=before.id,
        before_at=before.started_at,
        new=[name for name, verdict in now.items() if _bad(verdict) and was.get(name) != verdict],
        gone=[name for name in was if now.get(name, CLEAN[0]) in CLEAN],
        still=[name for name, verdict in now.items() if name in was and verdict in (was[name], "")],
    )


def extended(history: str, verdict: str, limit: int = MOST) -> str:
    """Return a history with one more check, whose verdict is "" where the cell was not looked at; the oldest go."""
    letter = LETTERS[verdict] if verdict else NOT_CHECKED
    return (history + letter)[-limit:]


def _bad(verdict: str) -> bool:
    return bool(verdict) and verdict not in CLEAN

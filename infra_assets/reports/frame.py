"""A report as a table of pandas: one row a cell, flat columns; and as the CSV that spreadsheets open.

pandas takes half a second of CPU to import, so it is imported where it is used; the CSV, which every check writes, does without.
"""

import csv
import io
from typing import TYPE_CHECKING, Any, Literal

from infra_assets.reports.counting import amounts, lost
from infra_assets.reports.matrix import COUNTED, Row
from infra_assets.reports.report import Report

if TYPE_CHECKING:
    import pandas

Axis = Literal["project", "ring", "environment", "tenant", "region"]
COLUMNS = (
    "project", "tep", "tenant", "environment", "ring", "region", "account", "state", "verdict", "cause", *COUNTED, "lost", "drift_update",
    "drift_delete", "message", "history", "run_id", "finished_at", "duration_s",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""How a text begins that a spreadsheet would calculate."""


def frame(report: Report) -> "pandas.DataFrame":
    """Return the cells, in the report's order."""
    import pandas

    return pandas.DataFrame([_flat(row) for row in report.rows], columns=list(COLUMNS))


def as_csv(report: Report) -> str:
    """Return the cells as CSV. A text that a spreadsheet would take for a formula begins with `'`."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([_harmless(value) for value in _flat(row).values()] for row in report.rows)
    return text.getvalue()


def summary(report: Report, by: Axis = "project") -> "pandas.DataFrame":
    """Return how many cells have which verdict, by project, ring, environment, tenant or region; in the report's order."""
    import pandas

    table: Any = frame(report)
    verdicts = table["verdict"].where(table["verdict"] != "", table["state"])
    return pandas.crosstab(table[by], verdicts).reindex(table[by].unique())  # pyright: ignore[reportUnknownMemberType]


def _flat(row: Row) -> dict[str, Any]:
    counts = amounts(row)
    drift = [change.operation for change in row.drift]
    return {
        "project": row.project,
        "tep": row.tep.name,
        "tenant": row.tep.tenant,
        "environment": row.tep.environment,
        "ring": row.tep.ring.value,
        "region": row.tep.region,
        "account": row.tep.account_id,
        "state": row.state,
        "verdict": row.verdict,
        "cause": row.cause,
        **{name: counts.get(name, 0) for name in COUNTED},
        "lost": len(lost(row)),
        "drift_update": drift.count("update"),
        "drift_delete": drift.count("delete"),
        "message": row.message,
        "history": row.history,
        "run_id": row.run_id or "",
        "finished_at": row.finished_at.isoformat() if row.finished_at else "",
        "duration_s": row.duration_s,
    }


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value

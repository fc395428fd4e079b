"""A report: one matrix with what it is about, as every format is made from it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from infra_assets.reports.matrix import CLEAN, Row, as_json

Kind = Literal["drift", "preview"]


@dataclass(frozen=True, slots=True)
class Trend:
    """How the cells that are not clean compare with those of the check before."""

    before_id: str
    before_at: datetime
    new: Sequence[str]
    """Cells (`network/acme-prod`) that are not clean and were, or were not there."""
    gone: Sequence[str]
    """Cells that were not clean and are, or are not there any more."""
    still: Sequence[str]

    @property
    def moved(self) -> bool:
        """Whether anything is not as it was."""
        return bool(self.new or self.gone)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "before_id": self.before_id, "before_at": self.before_at.isoformat(), "new": list(self.new), "gone": list(self.gone),
            "still": list(self.still),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """All that a check has found."""

    id: str
    kind: Kind
    title: str
    """`Drift of 7 TEPs`, `Preview of environments my-branch`."""
    started_at: datetime
    rows: Sequence[Row]
    """One a cell, TEPs in the fleet's order, projects upstream first."""
    finished_at: datetime | None = None
    about: Mapping[str, str] = field(default_factory=dict[str, str])
    """What was looked at, for people: `environments` → `my-branch 1a2b3c4d, over what is live`."""
    left_out: Sequence[str] = ()
    """What was not looked at, and why, a line each."""
    dagster_url: str = ""
    """Where Dagster's UI is; links to runs begin so."""
    trend: Trend | None = None

    @property
    def summary(self) -> dict[str, int]:
        """Cells by verdict."""
        return dict(sorted(Counter(row.verdict or row.state for row in self.rows).items()))

    @property
    def attention(self) -> list[Row]:
        """The cells that are not clean."""
        return [row for row in self.rows if row.verdict not in CLEAN]

    def as_json(self) -> dict[str, Any]:
        """Return the matrix, and what it is about."""
        return as_json(self.rows) | {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "about": dict(self.about),
            "left_out": list(self.left_out),
            "trend": self.trend.as_json() if self.trend else None,
        }

"""The matrix: one row a cell, the same in every command and format."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra_assets.fleet.models import Tep
from infra_assets.reports.changes import ResourceChange
from infra_assets.stacks.ledger import Entry

COUNTED = ("create", "update", "replace", "delete")
NEVER = "never"
IN_SYNC, DRIFTED, PENDING, BOTH, ERROR = "in-sync", "drifted", "pending", "both", "error"
"""Verdicts of a drift check. An error never reads as clean."""
CHANGED, SAME, MAYBE, UNCHANGED = "changed", "same", "maybe", "unchanged"
"""Verdicts of a preview, besides `error`: resources would change; none would, though what the cell rests on does; what is upstream
changes, so that this may; the proposal does not concern it, and nothing was previewed."""
LETTERS = {
    IN_SYNC: "i", DRIFTED: "d", PENDING: "p", BOTH: "b", ERROR: "e", CHANGED: "c", SAME: "s", MAYBE: "m", UNCHANGED: "u",
}  # fmt: skip
CLEAN = (IN_SYNC, SAME, UNCHANGED)


@dataclass(frozen=True, slots=True)
class Row:
    """One cell."""

    tep: Tep
    project: str
    state: str
    """`deployed | failed | deploying | queued | unchanged | skipped | never | removed`."""
    verdict: str = ""
    cause: str = ""
    changes: Mapping[str, int] = field(default_factory=dict[str, int])
    run_id: str | None = None
    finished_at: datetime | None = None
    duration_s: float | None = None
    message: str = ""
    resources: Sequence[ResourceChange] = ()
    """What an `up` would do, resource by resource, where somebody has looked."""
    drift: Sequence[ResourceChange] = ()
    """How the cloud differs from the state: `update`, or `delete` of what is not there any more."""
    history: str = ""
    """Its verdicts in the last checks, oldest first, a letter each (`LETTERS`), `.` where it was not checked."""

    @property
    def name(self) -> str:
        """`network/acme-prod`."""
        return f"{self.project}/{self.tep.name}"

    def as_json(self) -> dict[str, Any]:
        """Return the row as the interfaces promise it."""
        return {
            "tep": self.tep.name,
            "tenant": self.tep.tenant,
            "environment": self.tep.environment,
            "ring": self.tep.ring.value,
            "project": self.project,
            "state": self.state,
            "verdict": self.verdict or None,
            "cause": self.cause,
            "changes": {name: self.changes.get(name, 0) for name in COUNTED},
            "run_id": self.run_id,
            "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "duration_s": round(self.duration_s, 2) if self.duration_s is not None else None,
            "message": self.message,
        } | self._seen()

    def _seen(self) -> dict[str, Any]:
        """Return what was found by looking; nothing where nobody has looked."""
        found: dict[str, Any] = {}
        if self.resources:
            found["resources"] = [change.as_json() for change in self.resources]
        if self.drift:
            found["drift"] = [change.as_json() for change in self.drift]
        if self.history:
            found["history"] = self.history
        return found


def as_json(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the whole matrix: `summary` counts verdicts, or states where no verdict was asked for."""
    summary = Counter(row.verdict or row.state for row in rows)
    return {"summary": dict(sorted(summary.items())), "cells": [row.as_json() for row in rows]}


def from_entry(tep: Tep, project: str, entry: Entry | None, *, state: str = "", cause: str = "", message: str = "") -> Row:
    """Return the row of a cell's latest operation; `state` and `message` overrule what the ledger says."""
    if entry is None:
        return Row(tep, project, state or NEVER)
    return Row(
        tep,
        project,
        state or entry.state,
        cause=cause,
        changes=entry.changes,
        run_id=entry.run_id,
        finished_at=entry.finished_at,
        duration_s=entry.duration_s,
        message=message or entry.message,
    )


def as_markdown(rows: Sequence[Row]) -> str:
    """Return the matrix as a Markdown table, TEPs down and projects across."""
    projects = list(dict.fromkeys(row.project for row in rows))
    shown = {(row.tep.name, row.project): row.verdict or row.state for row in rows}
    lines = [f"| TEP | {' | '.join(projects)} |", f"| --- |{' --- |' * len(projects)}"]
    lines += [
        f"| {tep} | {' | '.join(shown.get((tep, project), '') for project in projects)} |"
        for tep in dict.fromkeys(row.tep.name for row in rows)
    ]
    return "\n".join(lines)

"""What a run finds out about one cell, and how it is written down."""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from infra_assets.environments.layers import READING
from infra_assets.errors import InfraError
from infra_assets.fleet.database import now
from infra_assets.previews.store import CheckStore
from infra_assets.reports.changes import ResourceChange, of_outcome
from infra_assets.reports.matrix import ERROR
from infra_assets.stacks.outcome import IDLE, Change, Outcome


def reader(successes: Collection[object]) -> str:
    """Return the login to preview a TEP's cells with: its read-only role, or while nothing is deployed that would make one, the way in."""
    return READING["deploy"] if successes else READING["bootstrap"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one cell."""

    verdict: str
    state: str = ""
    cause: str = ""
    changes: Mapping[str, int] = field(default_factory=dict[str, int])
    resources: Sequence[ResourceChange] = ()
    drift: Sequence[ResourceChange] = ()
    message: str = ""
    commit: str | None = None

    def values(self) -> dict[str, Any]:
        """Return it as a cell's row has it."""
        found: dict[str, Any] = {
            "verdict": self.verdict, "changes": dict(self.changes), "message": self.message, "finished_at": now(),
            "resources": [change.as_json() for change in self.resources], "drift": [change.as_json() for change in self.drift],
        }  # fmt: skip
        # An error says nothing new of why it was looked at.
        found |= {"cause": self.cause} if self.cause or self.verdict != ERROR else {}
        return found | ({"state": self.state} if self.state else {}) | ({"commit": self.commit} if self.commit else {})


def moving(changes: Sequence[Change]) -> list[ResourceChange]:
    """Return the changes with which something happens."""
    return of_outcome(change for change in changes if change.operation not in IDLE)


def failed(outcome: Outcome, **values: Any) -> Finding:
    """Return what a preview that failed says: it could not be told."""
    return Finding(ERROR, message=outcome.message or "the preview failed", **values)


@contextmanager
def written(store: CheckStore | None, check_id: str, tep: str, project: str, run_id: str) -> Generator[Callable[[Finding], None]]:
    """Yield what takes the finding of a cell. Whatever happens, something is written; but for a defect or a signal, nothing is raised."""

    def note(found: Finding) -> None:
        if store is not None:
            store.set_cell(check_id, tep, project, run_id=run_id or None, **found.values())

    if store is not None:
        store.set_cell(check_id, tep, project, run_id=run_id or None, started_at=now())
    try:
        yield note
    except InfraError as error:
        note(Finding(ERROR, message=str(error)))
    except BaseException as error:
        note(Finding(ERROR, message=f"it was not checked to its end: {type(error).__name__}"))
        raise

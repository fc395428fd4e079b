"""Follows a rollout: its matrix as it is now, until it stands or ends."""

import time
from collections.abc import Callable, Mapping, Sequence

from infra_assets.errors import NotRunningError
from infra_assets.fleet.models import Tep
from infra_assets.planning.plan import ERROR
from infra_assets.reports.matrix import Row
from infra_assets.rollouts.conductor import Conductor
from infra_assets.rollouts.dispatch import WITHDRAWN
from infra_assets.rollouts.models import GOING, Asked, Rollout, RolloutCell, State
from infra_assets.rollouts.store import RolloutStore
from infra_assets.runs import REQUEST_TAG, ROLLOUT_TAG, STOPPING, Runs
from infra_assets.stacks.ledger import FAILED, SKIPPED

POLL_S = 0.5
REVIVE_S = 3.0
Revive = Callable[[], tuple[Runs, Conductor] | None]
"""Starts again what of Dagster has died; returns what to go on with, None where nothing has."""


def rows(store: RolloutStore, rollout_id: str, fleet: Mapping[str, Tep]) -> list[Row]:
    """Return a rollout's matrix."""
    return [row(cell, fleet[cell.tep]) for cell in store.cells(rollout_id) if cell.tep in fleet]


def row(cell: RolloutCell, tep: Tep) -> Row:
    """Return one cell's row."""
    took = (cell.finished_at - cell.started_at).total_seconds() if cell.started_at and cell.finished_at else None
    cause = "its environments have errors" if cell.verdict == ERROR else "; ".join(cell.reasons)
    state = SKIPPED if cell.state == WITHDRAWN else FAILED if cell.failed and cell.state == "deployed" else cell.state
    return Row(
        tep, cell.project, state, cause=cause, changes=cell.changes, run_id=cell.run_id, finished_at=cell.finished_at, duration_s=took,
        message=cell.message or (cell.blocked if cell.state == "queued" else ""),
    )  # fmt: skip


class Watch:
    """Follows one rollout, and moves it on while it looks."""

    def __init__(
        self, store: RolloutStore, rollout_id: str, fleet: Mapping[str, Tep], runs: Runs, conductor: Conductor, revive: Revive
    ) -> None:
        self._store = store
        self._id = rollout_id
        self._fleet = fleet
        self._runs = runs
        self._conductor = conductor
        self._revive = revive
        self._revived = 0.0

    @property
    def rollout(self) -> Rollout:
        """The rollout as it is stored now."""
        return self._store.get(self._id)

    def rows(self) -> list[Row]:
        """Return the matrix as it is now."""
        return rows(self._store, self._id, self._fleet)

    def wait(self, show: Callable[[Rollout, Sequence[Row]], None]) -> Rollout:
        """Show the matrix until the rollout ends, or waits for a person, and nothing of it goes on; return it."""
        while True:
            began = time.monotonic()
            self._keep_going()
            rollout = self.rollout
            show(rollout, self.rows())
            if not self._moves(rollout):
                return rollout
            # A large rollout is not looked at all the time: that would take from what is deployed.
            time.sleep(max(POLL_S, 3 * (time.monotonic() - began)))

    def _keep_going(self) -> None:
        """Move the rollout on; where a part of Dagster has died, see to it that it is started again."""
        try:
            if time.monotonic() - self._revived > REVIVE_S:
                self._revived = time.monotonic()
                if (runs := self._revive()) is not None:
                    self._runs, self._conductor = runs
            self._conductor.advance(self._id)
        except NotRunningError:
            self._revived = 0.0

    def stop(self, who: str) -> None:
        """Halt it, and ask the runs that go on to stop gracefully."""
        self._conductor.halt(self._id, "stopped", who)
        keys = {request.key for request in self._store.asked.of(self._id, states=[Asked.STARTED])}
        active = self._runs.runs(tags={ROLLOUT_TAG: self._id}, active=True)
        self._runs.terminate([run.id for run in active if run.status != STOPPING and run.tags.get(REQUEST_TAG) in keys])

    def _moves(self, rollout: Rollout) -> bool:
        return rollout.state in (State.PENDING, State.RUNNING) or bool(self._store.asked.of(self._id, states=GOING))

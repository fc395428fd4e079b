"""A rollout: one run per TEP that has something to do, asked from Dagster, watched until all have ended."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from infra_assets.fleet.models import Ring, Tep
from infra_assets.reports.matrix import Row, from_entry
from infra_assets.rollouts.plan import ERROR, UNCHANGED, Planned
from infra_assets.rollouts.runs import OPERATION_TAG, PRIORITIES, PRIORITY_TAG, RING_TAG, ROLLOUT_TAG, STOPPING, Run, RunRequest, Runs
from infra_assets.stacks.ledger import ABANDONED, DEPLOYED, DEPLOYING, FAILED, SKIPPED, Entry, Key, Ledger

POLL_S = 0.5
GOOD = (DEPLOYED, UNCHANGED)
HandOver = Callable[[str, Sequence[str]], None]
"""Given a rollout's id and the TEPs that it works on."""


@dataclass(frozen=True)
class Rollout:
    """What was asked for: the plan, and the run of each TEP."""

    id: str
    planned: Sequence[Planned]
    run_ids: Mapping[str, str]
    """By TEP."""


def start(planned: Sequence[Planned], runs: Runs, ledger: Ledger, hand_over: HandOver, *, force: bool = False) -> Rollout:
    """Ask for the runs, ring by ring in the queue's order; cells whose environments have errors are recorded as failed.

    `hand_over` gives the runs of a rollout the configuration that the plan resolved, for these TEPs.

    Raises:
        InfraError: Dagster refused.
    """
    rollout_id = uuid.uuid4().hex[:12]
    work: dict[str, list[Planned]] = {}
    for item in sorted(planned, key=lambda item: list(Ring).index(item.cell.tep.ring)):
        if item.verdict == ERROR:
            ledger.refuse(item.cell.key, "\n".join(item.reasons), rollout_id=rollout_id)
        elif item.verdict == UNCHANGED:
            ledger.restore(item.cell.key, rollout_id=rollout_id)
        else:
            work.setdefault(item.cell.tep.name, []).append(item)
    runs.prepare(work, {item.cell.project.name: item.cell.project.version for items in work.values() for item in items})
    requests = [_request(rollout_id, items[0].cell.tep, [item.cell.project.name for item in items], force=force) for items in work.values()]
    hand_over(rollout_id, list(work))
    ids = runs.launch(requests) if requests else []
    return Rollout(rollout_id, planned, dict(zip(work, ids, strict=True)))


def _request(rollout_id: str, tep: Tep, projects: Sequence[str], *, force: bool) -> RunRequest:
    tags = {ROLLOUT_TAG: rollout_id, RING_TAG: tep.ring.value, OPERATION_TAG: "up", PRIORITY_TAG: str(PRIORITIES["rollout"])}
    return RunRequest(tep.name, projects, tags, force)


class Watch:
    """Follows a rollout."""

    def __init__(self, rollout: Rollout, runs: Runs, ledger: Ledger) -> None:
        self._rollout = rollout
        self._runs = runs
        self._ledger = ledger

    def look(self) -> tuple[list[Row], bool]:
        """Return the matrix as it is now, and whether a run is still active."""
        runs = {run.tep: run for run in self._runs.runs(tags={ROLLOUT_TAG: self._rollout.id})} if self._rollout.run_ids else {}
        # Read after the runs: a run that has ended has written all its entries.
        entries: dict[Key, Entry] = {(entry.tep, entry.project): entry for entry in self._ledger.of_rollout(self._rollout.id)}
        rows = [
            cell_row(item, runs.get(item.cell.tep.name), entries.get((item.cell.tep.name, item.cell.project.name)))
            for item in self._rollout.planned
        ]
        return rows, any(run.active for run in runs.values())

    def wait(self, show: Callable[[Sequence[Row]], None], *, stopping: bool = False) -> list[Row]:
        """Show the matrix until every run has ended, and return it; when `stopping`, whatever still starts is asked to stop too."""
        while True:
            rows, active = self.look()
            show(rows)
            if not active:
                return rows
            if stopping:
                self.stop()
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Ask the runs that have not ended, and were not asked yet, to stop gracefully."""
        active = [run.id for run in self._runs.runs(tags={ROLLOUT_TAG: self._rollout.id}) if run.active and run.status != STOPPING]
        self._runs.terminate(active)


def cell_row(item: Planned, run: Run | None, entry: Entry | None) -> Row:
    """Return one cell's row from what was planned, where its run is, and what the ledger has of it."""
    tep, project = item.cell.tep, item.cell.project.name
    if item.verdict == UNCHANGED:
        return Row(tep, project, UNCHANGED)
    if item.verdict == ERROR and entry is not None:
        return from_entry(tep, project, entry, cause="its environments have errors")
    cause = "; ".join(item.reasons)
    run_id = run.id if run else None
    if entry is None:
        if run is None or run.active:
            return Row(tep, project, "queued", cause=cause, run_id=run_id)
        if run.status == "SUCCESS":
            return Row(tep, project, UNCHANGED, cause=cause, run_id=run_id)
        return Row(tep, project, SKIPPED, cause=cause, run_id=run_id, message=f"its run ended before it: {run.status.lower()}")
    row = from_entry(tep, project, entry, cause=cause)
    if entry.state == DEPLOYING and run is not None and not run.active:
        return from_entry(tep, project, entry, state=FAILED, cause=cause, message=ABANDONED)
    return row

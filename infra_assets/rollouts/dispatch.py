"""Asks Dagster for a rollout's runs, and takes back what no run has begun with."""

from collections.abc import Collection, Sequence

from infra_assets.fleet.database import now
from infra_assets.fleet.models import Tep
from infra_assets.planning.plan import MAYBE
from infra_assets.planning.planner import Planner
from infra_assets.rollouts.models import Asked, Request, Rollout
from infra_assets.rollouts.store import RolloutStore
from infra_assets.runs import (
    CLASS_TAG,
    OPERATION_TAG,
    REQUEST_TAG,
    RING_TAG,
    ROLLOUT_TAG,
    TENANT_TAG,
    RunRequest,
    Runs,
)  # fmt: skip
from infra_assets.stacks.ledger import Key

WITHDRAWN = "withdrawn"
"""Of a cell: another rollout has it now."""


class Dispatch:
    """Asks for the runs of one installation's rollouts."""

    def __init__(self, planner: Planner, runs: Runs, store: RolloutStore) -> None:
        self._planner = planner
        self._runs = runs
        self._store = store
        self._prepared: set[tuple[str, int]] = set()

    def ask(self, rollout: Rollout, chosen: Sequence[Request]) -> None:
        """Ask for the runs of requests that are free to start.

        Raises:
            InfraError: Dagster refused.
        """
        if not chosen:
            return
        fleet = {tep.name: tep for tep in self._planner.registry.list()}
        self._take_over(rollout, chosen)
        self._prepare(rollout, chosen)
        asked = [item for item in chosen if self._store.asked.set(item, [Asked.WAITING], state=Asked.ASKED.value, asked_at=now())]
        following = self._following(rollout)
        self._runs.launch([_run_request(rollout, item, fleet[item.tep], following) for item in asked if item.tep in fleet])

    def _following(self, rollout: Rollout) -> Collection[Key]:
        """Return the cells that a repair runs only where what is upstream has changed."""
        cells = self._store.cells(rollout.id) if rollout.options.refresh else []
        return {(cell.tep, cell.project) for cell in cells if cell.verdict == MAYBE}

    def _prepare(self, rollout: Rollout, chosen: Sequence[Request]) -> None:
        if (rollout.id, rollout.wave) in self._prepared:
            return
        commits = {cell.commit or rollout.commit for cell in self._store.cells(rollout.id) if cell.wave <= max(rollout.wave, 0)}
        needed: dict[str, set[str]] = {}
        for commit in sorted(filter(None, commits)):
            for project in self._planner.catalogue(commit).projects:
                needed.setdefault(project.name, set()).update(project.about.depends_on)
        wanted = {name for request in chosen for name in request.projects}
        projects = {name: sorted(upstream) for name, upstream in needed.items() if name in wanted}
        teps = [item.tep for item in self._store.asked.of(rollout.id)]
        self._runs.prepare(teps, projects)
        self._prepared.add((rollout.id, rollout.wave))

    def _take_over(self, rollout: Rollout, chosen: Sequence[Request]) -> None:
        """Withdraw what older rollouts still want of these TEPs: the newest inputs win, and one run brings them."""
        mine = {request.tep: set(request.projects) for request in chosen if request.operation == "up"}
        older = {found.id for found in self._store.opened() if found.created_at < rollout.created_at}
        covered = [
            request for request in self._store.asked.unstarted(mine, but=rollout.id)
            if request.rollout_id in older and set(request.projects) <= mine[request.tep]
        ]  # fmt: skip
        self.withdraw(covered, state=WITHDRAWN, message=f"rollout {rollout.id} has taken it over")

    def withdraw(self, requests: Sequence[Request], **its_cells: str) -> None:
        """Take requests back that no run has begun with; what waits in Dagster's queue for them is cancelled."""
        taken = [request for request in requests if self._store.asked.withdraw(request, **its_cells)]
        keys = {request.key for request in taken if request.state == Asked.ASKED}
        for rollout_id in {request.rollout_id for request in taken} if keys else ():
            runs = self._runs.runs(tags={ROLLOUT_TAG: rollout_id}, active=True)
            self._runs.terminate([run.id for run in runs if run.tags.get(REQUEST_TAG) in keys])


def _run_request(rollout: Rollout, request: Request, tep: Tep, following: Collection[Key]) -> RunRequest:
    preview = request.operation == "preview"
    tags = {
        ROLLOUT_TAG: rollout.id,
        REQUEST_TAG: request.key,
        RING_TAG: tep.ring.value,
        TENANT_TAG: tep.tenant,
        OPERATION_TAG: request.operation,
        CLASS_TAG: "preview" if preview else rollout.options.priority,
    }
    options = rollout.options
    follow = [project for project in request.projects if (tep.name, project) in following]
    return RunRequest(tep.name, request.projects, tags, options.force, options.refresh, "preview" if preview else "rollout", follow)

"""What one run works on: its TEP's cells with the programs and revisions they are pinned to, and how they fare."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from infra_assets.fleet.database import connect, now
from infra_assets.fleet.models import Tep
from infra_assets.planning.planner import Planner
from infra_assets.rollouts.models import Asked, Rollout, RolloutCell
from infra_assets.rollouts.store import RolloutStore
from infra_assets.settings import Settings
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.health import CHECKS
from infra_assets.stacks.ledger import DEPLOYING, SKIPPED

LOW = 10
"""Runs in Dagster's queue below which more are asked for."""


class Work:
    """One run's part: of a rollout, or made by hand (`rollout_id` "")."""

    def __init__(self, settings: Settings, tep_name: str, rollout_id: str = "") -> None:
        self._planner = Planner(settings)
        self._tep_name = tep_name
        self.rollout_id = rollout_id
        self.store = RolloutStore(connect(settings.database_url))

    @cached_property
    def tep(self) -> Tep:
        """The TEP.

        Raises:
            UsageError: the fleet has none of that name.
        """
        return self._planner.registry.get(self._tep_name)

    def cell(self, project: str) -> Cell:
        """Return a cell: with its program as the rollout is pinned to; made by hand, with that of the TEP's target, or what lies on disk.

        Raises:
            InfraError: the commit cannot be had, or has no such project.
        """
        mine = self._cells.get(project)
        commit = (mine and mine.commit) or (self._rollout and self._rollout.commit) or self._planner.commit_of(self.tep)
        return Cell(self._planner.catalogue(commit).get(project), self.tep, self._pins(mine))

    def began(self, project: str, run_id: str) -> None:
        """Note that a cell is being deployed."""
        self._set(project, state=DEPLOYING, run_id=run_id, started_at=now(), message="", health="")

    def ended(self, project: str, state: str, changes: Mapping[str, int] | None = None, message: str = "") -> None:
        """Note what has become of a cell."""
        self._set(project, state=state, changes=dict(changes or {}), message=message, finished_at=now())

    def foreseen(self, project: str, foreseen: Mapping[str, Any]) -> None:
        """Note what a preview has said of a cell."""
        self._set(project, foreseen=dict(foreseen))

    def skipped(self, projects: Sequence[str], message: str, run_id: str) -> None:
        """Note that this run does not come to some cells."""
        for project in projects:
            self._set(project, state=SKIPPED, message=message, run_id=run_id, finished_at=now())

    def _set(self, project: str, **values: Any) -> None:
        if self.rollout_id:
            self.store.set_cell(self.rollout_id, self._tep_name, project, **values)

    @cached_property
    def _rollout(self) -> Rollout | None:
        return self.store.get(self.rollout_id) if self.rollout_id else None

    @cached_property
    def _cells(self) -> Mapping[str, RolloutCell]:
        return {cell.project: cell for cell in self.store.cells(self.rollout_id, self._tep_name)} if self.rollout_id else {}

    def _pins(self, mine: RolloutCell | None) -> Mapping[str, str] | None:
        if self._rollout is None:
            return None
        # Where a cell has its own, a rollback say, they are all of them; the rollout's hold for what else is imported.
        return {**self._rollout.pins, **(mine.pins if mine and mine.pins else {})} or None


def end(store: RolloutStore, key: str, *, succeeded: bool) -> Rollout:
    """Note that a run has come to its end, whatever of its TEP it has left; returns its rollout."""
    rollout_id, tep, attempt = key.rsplit("/", 2)
    for request in store.asked.of(rollout_id, states=[Asked.STARTED]):
        if request.tep == tep and request.attempt == int(attempt):
            store.asked.end(request, request.run_id, "its run ended before it", unseen=() if succeeded else CHECKS)
    return store.get(rollout_id)


def wants_attention(store: RolloutStore, rollout: Rollout) -> bool:
    """Whether a rollout has something to do at once: its wave has ended, or Dagster's queue would run dry."""
    waiting = store.asked.count(rollout.id, [Asked.WAITING])
    asked = store.asked.count(rollout.id, [Asked.ASKED])
    going = asked + store.asked.count(rollout.id, [Asked.STARTED])
    return going == 0 or (waiting > 0 and (asked < LOW or rollout.options.strict))

"""The cells of one TEP under a proposal: previewed upstream first, each as it would be after what is upstream was deployed."""

import logging

from infra_assets.fleet.models import Tep
from infra_assets.planning.planner import Planner
from infra_assets.previews.looking import Finding, failed, moving, reader, written
from infra_assets.previews.models import CheckedCell
from infra_assets.previews.store import CheckStore
from infra_assets.reports.matrix import CHANGED, ERROR, MAYBE, SAME, UNCHANGED
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.operator import Operator
from infra_assets.stacks.scratch import Outputs, foreseen_outputs
from infra_assets.texts import listed

LOG = logging.getLogger(__name__)


class PreviewOf:
    """Previews one TEP's part of a check."""

    def __init__(self, planner: Planner, operator: Operator, store: CheckStore, check_id: str, tep: Tep, run_id: str) -> None:
        self._planner = planner
        self._operator = operator
        self._store = store
        self._check_id = check_id
        self._tep = tep
        self._run_id = run_id
        self._reader = reader(planner.ledger.successes([tep.name]))
        self._foreseen: dict[str, Outputs] = {}
        self._untold: set[str] = set()
        """Projects whose outputs nobody knows: their preview failed."""

    def look(self) -> list[Finding]:
        """Preview the cells in order, each written down as it is found; one that fails does not keep the others from it."""
        cells = self._store.cells(self._check_id, self._tep.name)
        self._untold |= {cell.project for cell in cells if cell.verdict == ERROR}
        return [self._look_at(cell) for cell in cells if not cell.verdict]

    def _look_at(self, row: CheckedCell) -> Finding:
        found = Finding(ERROR)
        with written(self._store, self._check_id, row.tep, row.project, self._run_id) as note:
            self._untold.add(row.project)  # until it is told
            found = self._found(row)
            note(found)
        return found

    def _found(self, row: CheckedCell) -> Finding:
        project = self._planner.catalogue(row.commit or self._planner.commit_of(self._tep)).get(row.project)
        cell = Cell(project, self._tep, row.pins)
        upstream = project.about.depends_on
        after, untold = [name for name in upstream if name in self._foreseen], [name for name in upstream if name in self._untold]
        if not row.candidate and not after:
            self._untold.discard(row.project)
            if untold:
                return Finding(MAYBE, row.state, f"{listed(untold)} could not be previewed")
            return Finding(UNCHANGED, row.state)
        outcome = self._operator.preview(cell, rollout_id=self._check_id, role=self._reader, foreseen=self._foreseen)
        if not outcome.ok:
            return failed(outcome, state=row.state, cause=row.cause)
        self._untold.discard(row.project)
        changed = foreseen_outputs(outcome, self._operator.recorded_outputs(cell))
        if changed:
            self._foreseen[row.project] = outcome.outputs
        causes = [row.cause if row.candidate else "", *(f"after {name}" for name in after)]
        return Finding(
            CHANGED if outcome.counts else SAME, row.state, "; ".join(filter(None, causes)), outcome.counts, moving(outcome.changes)
        )

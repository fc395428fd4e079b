"""Drift of one TEP's cells: whether the cloud is as it was recorded, and whether what is merged and configured is applied.

The program is that of the commit that the cell was deployed with, the configuration is as it is now. One call of the engine refreshes in
memory and previews on that; where the refresh has found nothing, that preview is the plain one too. Where it has, another one without it
tells what would have been pending anyway.
"""

from collections.abc import Mapping
from functools import cached_property

from infra_assets.environments.layers import READING
from infra_assets.errors import InfraError
from infra_assets.fleet.models import Tep
from infra_assets.planning.parts import Plan
from infra_assets.planning.plan import RUN, Planned
from infra_assets.planning.planner import Planner
from infra_assets.previews.looking import Finding, failed, moving, reader
from infra_assets.reports.matrix import BOTH, DRIFTED, ERROR, IN_SYNC, NEVER, PENDING
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.ledger import REMOVED, Entry
from infra_assets.stacks.operator import Operator
from infra_assets.stacks.outcome import Outcome
from infra_assets.stacks.scratch import Outputs, foreseen_outputs
from infra_assets.texts import counted, listed

BY_ITSELF = "the program makes something else of the same inputs: it looks something up, or depends on the time"


class DriftOf:
    """Checks the cells of one TEP, upstream first; what they share is found out once."""

    def __init__(self, planner: Planner, operator: Operator, tep: Tep) -> None:
        self._planner = planner
        self._operator = operator
        self._tep = tep
        self._foreseen: dict[str, Outputs] = {}
        self._found: dict[str, Finding] = {}

    def look(self, project: str) -> Finding:
        """Check one cell; whatever it builds on is looked at before it, if that was never deployed either.

        Raises:
            InfraError: it cannot be checked.
        """
        if project not in self._found:
            self._found[project] = self._look(project)
        return self._found[project]

    def _look(self, project: str) -> Finding:
        entry = self._latest.get(project)
        planned = self._planned.get(project)
        if planned is not None and planned.verdict == ERROR:
            raise InfraError("\n".join(planned.reasons))
        if entry is None or entry.state == REMOVED:
            return self._never(project, planned, NEVER if entry is None else entry.state)
        # An operation that was refused before it began leaves the stack as the one before it has.
        deployed = self._successes.get(project) or (entry if entry.commit else self._planner.ledger.before(entry))
        if deployed is None:
            return self._never(project, planned, entry.state)
        return self._deployed(self._cell(project, deployed), entry, planned)

    def _deployed(self, cell: Cell, entry: Entry, planned: Planned | None) -> Finding:
        role = READING[cell.project.about.role]
        outcome = self._operator.preview(cell, refresh=True, role=role, strict=True)
        commit = cell.project.commit
        if not outcome.ok:
            return failed(outcome, state=entry.state, commit=commit)
        plain = self._operator.preview(cell, role=role, strict=True) if outcome.drift else outcome
        if not plain.ok:
            return failed(plain, state=entry.state, commit=commit)
        reasons = [*planned.reasons] if planned is not None and planned.verdict == RUN else []
        pending = bool(reasons or plain.counts)
        return Finding(
            verdict=(BOTH if pending else DRIFTED) if outcome.drift else PENDING if pending else IN_SYNC,
            cause="; ".join([*_drifted(outcome), *(reasons or ([BY_ITSELF] if pending else []))]),
            changes=outcome.counts,
            resources=moving(outcome.changes),
            drift=moving(outcome.drift),
            state=entry.state,
            commit=commit,
        )

    def _never(self, project: str, planned: Planned | None, state: str) -> Finding:
        """Show a stack that was never deployed as all that it would create, what it builds on included."""
        if planned is None:
            return Finding(IN_SYNC, state, "it is not there, and the commit of its TEP does not have it")
        cell = planned.cell
        for upstream in cell.project.about.depends_on:
            if upstream not in self._successes:  # Dagster runs checks in no particular order
                self.look(upstream)
        outcome = self._operator.preview(cell, role=reader(self._successes), foreseen=self._foreseen)
        if not outcome.ok:
            return failed(outcome, state=state)
        if foreseen_outputs(outcome, self._operator.recorded_outputs(cell)):
            self._foreseen[project] = outcome.outputs
        return Finding(PENDING, state, "; ".join(planned.reasons) or "never deployed", outcome.counts, moving(outcome.changes))

    def _cell(self, project: str, deployed: Entry) -> Cell:
        cell = Cell(self._planner.catalogue(deployed.commit or self._commit).get(project), self._tep)
        live = self._planned.get(project)
        if live is not None and live.cell.project.about == cell.project.about:
            self._operator.configurations.hold(cell, self._plan.resolutions[self._tep.name])
        return cell

    @cached_property
    def _commit(self) -> str:
        return self._planner.commit_of(self._tep)

    @cached_property
    def _plan(self) -> Plan:
        """What a rollout would do: the reasons name the commit, or the layer, that is not applied."""
        return self._planner.plan_fully(self._tep, self._commit)

    @cached_property
    def _planned(self) -> Mapping[str, Planned]:
        return {item.cell.project.name: item for item in self._plan.planned}

    @cached_property
    def _latest(self) -> Mapping[str, Entry]:
        return {project: entry for (_, project), entry in self._planner.ledger.latest([self._tep.name]).items()}

    @cached_property
    def _successes(self) -> Mapping[str, Entry]:
        return {project: entry for (_, project), entry in self._planner.ledger.successes([self._tep.name]).items()}


def _drifted(outcome: Outcome) -> list[str]:
    if not outcome.drift:
        return []
    gone = [f"{change.type.rsplit(':', 1)[-1]} {change.name} is gone" for change in outcome.drift if change.operation == "delete"]
    changed = [
        f"{change.type.rsplit(':', 1)[-1]} {change.name}: {listed([each.path for each in change.details] or change.properties, 3)}"
        for change in outcome.drift
        if change.operation != "delete"
    ]
    differ = f"{counted(len(outcome.drift), 'resource')} differ{'s' * (len(outcome.drift) == 1)}"
    return [f"in the cloud {differ}: {listed([*gone, *changed], 3)}"]

"""The plan: for each cell whether a rollout would run it, and why. Runs nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra_assets.fleet.models import Tep
from infra_assets.reports.matrix import NEVER
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.inputs import effective_inputs
from infra_assets.stacks.ledger import Entry, Key
from infra_assets.stacks.projects import Project

RUN = "run"
MAYBE = "maybe"
UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Planned:
    """One cell's part in a plan."""

    cell: Cell
    verdict: str
    """`run`; `maybe`: decided when what is upstream is done; `unchanged`."""
    reasons: Sequence[str]
    state: str = NEVER
    """What the ledger says of it now."""


def plan(
    teps: Sequence[Tep],
    projects: Sequence[Project],
    *,
    successes: Mapping[Key, Entry],
    known: Mapping[Key, Entry],
    engine: str,
    provider: str,
    operations_account: str,
    force: bool = False,
) -> list[Planned]:
    """Return the plan for every project (upstream first) in every TEP.

    `successes` and `known` are the ledger's last successes and latest operations.
    """
    planned: list[Planned] = []
    for tep in teps:
        moving: set[str] = set()
        for project in projects:
            cell = Cell(project, tep)
            key = (tep.name, project.name)
            last = successes.get(key)
            inputs = effective_inputs(cell, successes, engine=engine, provider=provider, operations_account=operations_account)
            reasons = inputs.differences(last.inputs) if last else [_unsuccessful(known.get(key))]
            if force and not reasons:
                reasons = ["forced"]
            state = known[key].state if key in known else NEVER
            upstream = [name for name in project.about.depends_on if name in moving]
            if reasons:
                planned.append(Planned(cell, RUN, reasons, state))
            elif upstream:
                planned.append(Planned(cell, MAYBE, [f"after {' and '.join(upstream)}"], state))
            else:
                planned.append(Planned(cell, UNCHANGED, [], state))
            if reasons or upstream:
                moving.add(project.name)
    return planned


def _unsuccessful(entry: Entry | None) -> str:
    if entry is None:
        return "never deployed"
    return {"removed": "it was removed", "skipped": "it was skipped", "deploying": "the last one did not end"}.get(
        entry.state, "the last one failed"
    )

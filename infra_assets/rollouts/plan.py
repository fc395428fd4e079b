"""The plan: for each cell whether a rollout would run it, and why. Runs nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra_assets.environments.resolution import CellConfiguration, Resolution
from infra_assets.fleet.models import Tep
from infra_assets.reports.matrix import NEVER
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.inputs import Surroundings, effective_inputs
from infra_assets.stacks.ledger import Entry, Key
from infra_assets.stacks.projects import Project

RUN = "run"
MAYBE = "maybe"
ERROR = "error"
UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Planned:
    """One cell's part in a plan."""

    cell: Cell
    verdict: str
    """`run`; `maybe`: decided when what is upstream is done; `unchanged`; `error`: its environments have errors, nothing is run."""
    reasons: Sequence[str]
    state: str = NEVER
    """What the ledger says of it now."""


def plan(
    teps: Sequence[Tep],
    projects: Sequence[Project],
    *,
    resolutions: Mapping[str, Resolution],
    successes: Mapping[Key, Entry],
    known: Mapping[Key, Entry],
    around: Surroundings,
    force: bool = False,
) -> list[Planned]:
    """Return the plan for every project (upstream first) in every TEP.

    `resolutions` are the TEPs' configurations; `successes` and `known` are the ledger's last successes and latest operations.
    """
    planned: list[Planned] = []
    for tep in teps:
        moving: set[str] = set()
        resolution = resolutions[tep.name]
        for project in projects:
            cell = Cell(project, tep)
            state = known[cell.key].state if cell.key in known else NEVER
            if resolution.problems:
                planned.append(Planned(cell, ERROR, [str(problem) for problem in resolution.problems], state))
                continue
            configuration = resolution.cell(project.name)
            reasons = _reasons(cell, configuration, successes, known, around)
            if force and not reasons:
                reasons = ["forced"]
            upstream = [name for name in dict.fromkeys((*project.about.depends_on, *configuration.stacks)) if name in moving]
            if reasons:
                planned.append(Planned(cell, RUN, reasons, state))
            elif upstream:
                planned.append(Planned(cell, MAYBE, [f"after {' and '.join(upstream)}"], state))
            else:
                planned.append(Planned(cell, UNCHANGED, [], state))
            if reasons or upstream:
                moving.add(project.name)
    return planned


def _reasons(
    cell: Cell, configuration: CellConfiguration, successes: Mapping[Key, Entry], known: Mapping[Key, Entry], around: Surroundings
) -> list[str]:
    last = successes.get(cell.key)
    if last is None:
        return [_unsuccessful(known.get(cell.key))]
    if configuration.unresolved:
        return [f"its configuration could not be opened: {configuration.unresolved}"]
    return effective_inputs(cell, configuration, successes, around).differences(last.inputs)


def _unsuccessful(entry: Entry | None) -> str:
    if entry is None:
        return "never deployed"
    return {"removed": "it was removed", "skipped": "it was skipped", "deploying": "the last one did not end"}.get(
        entry.state, "the last one failed"
    )

"""The plan: for each cell whether a rollout would run it, and why. Runs nothing."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from infra_assets.environments.resolution import Resolution
from infra_assets.fleet.models import Tep
from infra_assets.planning.reasons import joined
from infra_assets.reports.matrix import NEVER
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.inputs import Inputs, Surroundings, effective_inputs
from infra_assets.stacks.ledger import Key, Standing
from infra_assets.stacks.projects import Project

RUN = "run"
MAYBE = "maybe"
ERROR = "error"
UNCHANGED = "unchanged"
FORCED = "forced"


@dataclass(frozen=True, slots=True)
class Planned:
    """One cell's part in a plan."""

    cell: Cell
    verdict: str
    """`run`; `maybe`: decided when what is upstream is done; `unchanged`; `error`: its environments have errors, nothing is run."""
    reasons: Sequence[str]
    state: str = NEVER
    """What the ledger says of it now."""
    configured: bool = False
    """Whether its configuration is not the one of the last operation, succeeded or not."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A cell whose inputs are not those of its last success."""

    cell: Cell
    inputs: Inputs
    last: Standing
    resolution: Resolution


class Why(Protocol):
    """Says why cells would run."""

    def __call__(self, changed: Sequence[Changed]) -> Sequence[Sequence[str]]:
        """Return the reasons of each."""
        ...


def by_hashes(changed: Sequence[Changed]) -> list[list[str]]:
    """Say which inputs differ, by their hashes."""
    return [item.inputs.differences(item.last.inputs) for item in changed]


def plan(
    teps: Sequence[Tep],
    projects: Callable[[Tep], Sequence[Project]],
    *,
    resolutions: Mapping[str, Resolution],
    successes: Mapping[Key, Standing],
    known: Mapping[Key, Standing],
    around: Surroundings,
    why: Why = by_hashes,
    force: bool = False,
) -> list[Planned]:
    """Return the plan for the projects (upstream first) of every TEP.

    `resolutions` are the TEPs' configurations; `successes` and `known` are the ledger's last successes and latest operations.
    """
    planned: list[Planned] = []
    changed: dict[int, Changed] = {}
    for tep in teps:
        moving: set[str] = set()
        resolution = resolutions[tep.name]
        for project in projects(tep):
            cell = Cell(project, tep)
            item, difference = _planned(cell, resolution, successes, known, around, force=force)
            if item.verdict == UNCHANGED and (upstream := _upstream(cell, resolution, moving)):
                item = replace(item, verdict=MAYBE, reasons=[f"after {joined(upstream)}"])
            if item.verdict in (RUN, MAYBE):
                moving.add(project.name)
            if difference:
                changed[len(planned)] = difference
            planned.append(item)
    for index, reasons in zip(changed, why(list(changed.values())), strict=True):
        planned[index] = replace(planned[index], reasons=reasons)
    return planned


def again(planned: Sequence[Planned], cells: Collection[Key], resolutions: Mapping[str, Resolution]) -> list[Planned]:
    """Return of a plan what runs some cells whatever it says of them, and what is downstream of these and has nothing else to do."""
    kept: list[Planned] = []
    every: dict[str, set[str]] = {}
    for item in planned:
        tep, project = item.cell.key
        moving = every.setdefault(tep, set())
        upstream = _upstream(item.cell, resolutions[tep], moving)
        if item.cell.key in cells:
            kept.append(replace(item, verdict=RUN, reasons=[FORCED]) if item.verdict in (UNCHANGED, MAYBE) else item)
        elif upstream and item.verdict in (UNCHANGED, MAYBE):
            kept.append(replace(item, verdict=MAYBE, reasons=[f"after {joined(upstream)}"]))
        else:
            continue
        moving.add(project)
    return kept


def _planned(
    cell: Cell,
    resolution: Resolution,
    successes: Mapping[Key, Standing],
    known: Mapping[Key, Standing],
    around: Surroundings,
    *,
    force: bool,
) -> tuple[Planned, Changed | None]:
    """Return a cell's part as far as it depends on nothing that would move, and what differs, where it is to be told in detail."""
    latest = known.get(cell.key)
    state = latest.state if latest else NEVER
    if resolution.problems:
        return Planned(cell, ERROR, [str(problem) for problem in resolution.problems], state, latest is not None), None
    configuration = resolution.cell(cell.project.name)
    if configuration.unresolved:
        return Planned(cell, RUN, [f"its configuration could not be opened: {configuration.unresolved}"], state), None
    last = successes.get(cell.key)
    if last is None and latest is None:
        return Planned(cell, RUN, [_unsuccessful(None)], state), None
    inputs = effective_inputs(cell, configuration, successes, around)
    configured = latest is not None and (latest.refused or latest.inputs.get("configuration") not in (None, inputs.configuration))
    if last is None:
        return Planned(cell, RUN, [_unsuccessful(latest)], state, configured), None
    if inputs.as_mapping() != last.inputs:
        return Planned(cell, RUN, [], state, configured), Changed(cell, inputs, last, resolution)
    return Planned(cell, RUN if force else UNCHANGED, [FORCED] if force else [], state, configured), None


def _upstream(cell: Cell, resolution: Resolution, moving: set[str]) -> list[str]:
    if not moving:
        return []
    names = dict.fromkeys((*cell.project.about.depends_on, *resolution.cell(cell.project.name).stacks))
    return [name for name in names if name in moving]


def _unsuccessful(entry: Standing | None) -> str:
    if entry is None:
        return "never deployed"
    return {"removed": "it was removed", "skipped": "it was skipped", "deploying": "one goes on, or did not end"}.get(
        entry.state, "the last one failed"
    )

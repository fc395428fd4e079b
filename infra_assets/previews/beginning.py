"""Begins checks: chooses cells, resolves what a proposal comes to, stores."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from hashlib import sha256

from infra_assets.environments.kept import keep
from infra_assets.environments.opening import open_resolver
from infra_assets.environments.proposal import Proposal
from infra_assets.environments.resolver import Resolver
from infra_assets.errors import UsageError
from infra_assets.fleet.database import connect, now
from infra_assets.fleet.models import Tep
from infra_assets.fleet.selection import Selection
from infra_assets.planning.planner import Planner
from infra_assets.previews.affected import Affected, Finder
from infra_assets.previews.models import Check, CheckedCell, CheckRequest, CheckState
from infra_assets.previews.programs import ProposedPrograms
from infra_assets.previews.sides import Sides
from infra_assets.previews.store import CheckStore, new_id
from infra_assets.reports.matrix import NEVER
from infra_assets.stacks.ledger import REMOVED
from infra_assets.texts import counted, listed

STATIC_KEY = b"static"
"""Fingerprints of a static plan are kept nowhere: it needs no secret to make them."""
WHOLE = "all"
"""So begins what a check says of its TEPs where it left none out but those that are never looked at by themselves."""
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Proposed:
    """What a preview is of: environments, programs, or both."""

    environments: Proposal | None
    programs: ProposedPrograms | None

    @property
    def about(self) -> dict[str, str]:
        """Return what it is, for people."""
        found = {"environments": self.environments.label if self.environments else "as they are live"}
        return found | {"programs": self.programs.label if self.programs else "each cell's own"}

    @property
    def notes(self) -> list[str]:
        """Return what a person should know of it."""
        return [*(self.environments.notes if self.environments else ()), *(self.programs.notes if self.programs else ())]


def begin_preview(planner: Planner, teps: Sequence[Tep], selection: Selection, proposed: Proposed, who: str, progress: Progress) -> Check:
    """Store a preview of all cells that a proposal concerns; whoever moves checks on does the rest.

    Raises:
        UsageError: a project of the selection does not exist.
        InfraError: a commit cannot be had, or a source does not answer.
    """
    planner.around  # noqa: B018  # refuses before anything is resolved
    check, affected, resolver = _found(planner, teps, selection, proposed, who, progress)
    if resolver is not None:
        keep(connect(planner.settings.database_url), resolver.library.documents())
        planner.handover.give(check.id, list(affected.resolutions.values()))
    store = CheckStore(connect(planner.settings.database_url))
    cells = [replace(cell, check_id=check.id, finished_at=now() if cell.verdict else None) for cell in affected.cells]
    due = dict.fromkeys(cell.tep for cell in cells if not cell.verdict)
    store.add(check, cells, [CheckRequest(check.id, tep, 1, check.created_at) for tep in due])
    return check


def static_preview(
    planner: Planner, teps: Sequence[Tep], selection: Selection, proposed: Proposed, progress: Progress
) -> tuple[Check, list[CheckedCell]]:
    """Return which cells a proposal concerns, without an engine, credentials, or running anything of it; nothing is stored.

    Raises:
        UsageError: a project of the selection does not exist.
        InfraError: a commit cannot be had, or a source does not answer.
    """
    check, affected, _ = _found(planner, teps, selection, proposed, "", progress, static=True)
    return replace(check, state=CheckState.DONE, finished_at=now()), list(affected.cells)


def begin_drift(
    planner: Planner, teps: Sequence[Tep], selection: Selection, who: str, *, jitter_s: int = 0, left_out: Sequence[str] = ()
) -> Check:
    """Store a drift check of all cells; with a jitter, TEPs are due over that time, each always at the same place in it.

    Raises:
        UsageError: a project of the selection does not exist.
        InfraError: a commit cannot be had.
    """
    planner.around  # noqa: B018
    moment = now()
    check_id = new_id(moment)
    cells, order, broken = _cells(planner, check_id, teps, selection)
    check = Check(
        check_id, "drift", CheckState.RUNNING, f"Drift of {counted(len(teps), 'TEP')}",
        {
            "programs": "the commit that each cell was deployed with",
            "environments": "as they are live",
            "TEPs": _scope(planner, teps, selection, left_out),
        },
        [tep.name for tep in teps], order, [*left_out, *broken], who, moment,
    )  # fmt: skip
    due = _due([tep.name for tep in teps], moment, jitter_s)
    store = CheckStore(connect(planner.settings.database_url))
    has = {cell.tep for cell in cells}
    requests = [CheckRequest(check.id, tep.name, 1, due[tep.name]) for tep in teps if tep.name in has]
    store.add(check, cells, requests)
    return check


def nightly(planner: Planner, who: str) -> Check | None:
    """Begin the check of a night: every TEP but for those of environments that are left out; None where there is none.

    Raises:
        InfraError: a commit cannot be had.
    """
    settings = planner.settings
    fleet = planner.registry.list()
    globs = [glob.strip() for glob in settings.drift_except.split(",") if glob.strip()]
    out = [tep for tep in fleet if any(fnmatchcase(tep.environment, glob) for glob in globs)]
    names = {tep.name for tep in out}
    teps = [tep for tep in fleet if tep.name not in names]
    if not teps:
        return None
    said = f"{counted(len(out), 'TEP')} of environments that INFRA_DRIFT_EXCEPT names: {listed([tep.name for tep in out])}"
    return begin_drift(planner, teps, Selection(), who, jitter_s=settings.drift_jitter_s, left_out=[said] if out else [])


def _found(
    planner: Planner, teps: Sequence[Tep], selection: Selection, proposed: Proposed, who: str, progress: Progress, *,
    static: bool = False,
) -> tuple[Check, Affected, Resolver | None]:  # fmt: skip
    if proposed.environments is None and proposed.programs is None:
        raise UsageError("nothing is proposed", remedy="--environments REF|DIR, --programs REF, or both.")
    moment = now()
    sides = Sides(planner, proposed.programs, selection, teps, key=STATIC_KEY if static else None)
    projects = sides.projects(teps)
    resolver = live = None
    if proposed.environments is not None:
        resolver, live = _resolvers(planner, teps, proposed.environments, static=static)
    finder = Finder(planner, sides, resolver, live, proposed.environments, static=static)
    affected = finder.find(teps, progress)
    untold = f"{counted(finder.unresolved, 'TEP')} not resolved: Pulumi Cloud says that they do not refer to what is changed"
    names = " and ".join(
        f"{kind} {what.label}" for kind, what in (("environments", proposed.environments), ("programs", proposed.programs)) if what
    )
    check = Check(
        new_id(moment), "preview", CheckState.RUNNING, f"Preview of {names}", proposed.about, [tep.name for tep in teps], projects,
        [*proposed.notes, *sides.told(), *([untold] if finder.unresolved else [])], who, moment,
    )  # fmt: skip
    return check, affected, resolver


def _resolvers(planner: Planner, teps: Sequence[Tep], proposal: Proposal, *, static: bool) -> tuple[Resolver, Resolver]:
    from infra_assets.previews.static import Unopened

    hidden = Unopened() if static else None
    stacks = None if static else planner.stack_outputs
    found = [
        open_resolver(planner.settings, lambda: teps, stacks=stacks, source=source, opener=hidden)
        for source in (proposal.source, proposal.live)
    ]
    return found[0], found[1]


def _cells(planner: Planner, check_id: str, teps: Sequence[Tep], selection: Selection) -> tuple[list[CheckedCell], list[str], list[str]]:
    """Return every cell that is there or should be, the projects in order, and a line for each project that cannot be loaded."""
    latest = planner.ledger.standings([tep.name for tep in teps])[0]
    deployed: dict[str, dict[str, str]] = {}
    for (tep, project), entry in latest.items():
        if entry.state != REMOVED:
            deployed.setdefault(tep, {})[project] = entry.state
    commits: dict[str, str] = {}
    cells: list[CheckedCell] = []
    order: dict[str, None] = {}
    broken: dict[str, None] = {}
    for tep in teps:
        target = planner.targets.of(tep)
        name = target.name if target else ""
        if name not in commits:
            commits[name] = planner.commit_of(tep)
        catalogue = planner.catalogue(commits[name])
        broken |= dict.fromkeys(f"{problem.name} cannot be loaded: {problem.message}" for problem in catalogue.problems)
        mine = deployed.get(tep.name, {})
        names = list(dict.fromkeys([*(project.name for project in catalogue.tenant_projects()), *mine]))
        order |= dict.fromkeys(names)
        cells += [
            CheckedCell(check_id, tep.name, project, position, state=mine.get(project, NEVER)) for position, project in enumerate(names)
        ]
    picked = selection.pick_projects(order) if order else []
    return [cell for cell in cells if cell.project in picked], picked, list(broken)


def _scope(planner: Planner, teps: Sequence[Tep], selection: Selection, left_out: Sequence[str]) -> str:
    every = len(planner.registry.list())
    if selection.projects or (len(teps) < every and not left_out):
        return f"{len(teps)} of {every}"
    return f"{WHOLE} {len(teps)}" if len(teps) == every else f"{WHOLE} but {every - len(teps)}"


def _due(teps: Sequence[str], moment: datetime, jitter_s: int) -> dict[str, datetime]:
    """Return when each TEP is due: spread over the jitter by its name, the first at once."""
    places = {tep: int.from_bytes(sha256(tep.encode()).digest()[:4]) / 2**32 * jitter_s for tep in teps}
    first = min(places.values(), default=0)
    return {tep: moment + timedelta(seconds=place - first) for tep, place in places.items()}

"""The two sides of a comparison: of each project of a TEP the program that it has, and the one that it would have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from infra_assets.environments.resolution import Wanted
from infra_assets.fleet.models import Tep
from infra_assets.fleet.selection import Selection
from infra_assets.planning.planner import Planner
from infra_assets.previews.programs import ProposedPrograms
from infra_assets.stacks.configurations import fingerprint_key
from infra_assets.stacks.ledger import REMOVED
from infra_assets.stacks.projects import Catalogue, Project
from infra_assets.texts import counted


@dataclass(frozen=True)
class Pair:
    """One project, before and after."""

    name: str
    position: int
    before: Project | None
    after: Project | None
    wanted: Wanted
    problem: str = ""
    """Why the proposed one cannot be loaded."""


class Sides:
    """What is compared with what, of every TEP."""

    def __init__(
        self, planner: Planner, programs: ProposedPrograms | None, selection: Selection, teps: Sequence[Tep], *, key: bytes | None = None
    ) -> None:
        self._planner = planner
        self._key = key
        self._programs = programs
        self._selection = selection
        self._deployed: dict[str, dict[str, str]] = {}
        self._pairs: dict[tuple[object, ...], list[Pair]] = {}
        self._commits: dict[str, str] = {}
        self.orphans: dict[str, set[str]] = {}
        """Projects that the proposal does not have any more: the TEPs that they are deployed in."""
        for (tep, project), entry in planner.ledger.standings([tep.name for tep in teps])[0].items():
            if entry.state != REMOVED:
                self._deployed.setdefault(tep, {})[project] = entry.commit or ""

    @property
    def of_programs(self) -> bool:
        """Whether programs are proposed."""
        return self._programs is not None

    @cached_property
    def key(self) -> bytes:
        """The key under which configuration is fingerprinted: one that was given, or that of the settings."""
        return self._key or fingerprint_key(self._planner.settings)

    def of(self, tep: Tep) -> list[Pair]:
        """Return a TEP's projects, upstream first."""
        if self._programs is not None:
            base = self._programs.base or self._default(tep)
            found = self._compared(base, self._programs.commit)
            known = {pair.name for pair in found}
            known |= {item.name for item in self._planner.catalogue(self._programs.commit).problems}
            for name in () if self._selection.projects else self._deployed.get(tep.name, {}):
                if name not in known:
                    self.orphans.setdefault(name, set()).add(tep.name)
            return found
        return self._as_deployed(tep)

    def projects(self, teps: Sequence[Tep]) -> list[str]:
        """Return the names of all projects that are compared, upstream first."""
        return list(dict.fromkeys(pair.name for tep in teps for pair in self.of(tep)))

    def told(self) -> list[str]:
        """Return a line for each project that the proposal does not have any more."""
        return [
            f"{name} is deployed in {counted(len(teps), 'TEP')} and is not in the proposal: its stacks stay as they are"
            for name, teps in sorted(self.orphans.items())
        ]

    def program(self, pair: Pair) -> str:
        """Say how a project's program differs; "" where it does not."""
        if self._programs is None or pair.after is None:
            return ""
        if pair.before is None:
            return f"program: the project is new in {self._programs.commit[:8]}"
        if pair.before.tree_hash == pair.after.tree_hash:
            return ""
        commits = self._planner.past.commits(pair.before.commit or "", pair.after.commit or "", pair.after.folder.name)
        return f"program: commit {commits}"

    def _default(self, tep: Tep) -> str:
        target = self._planner.targets.of(tep)
        name = target.name if target else ""
        if name not in self._commits:
            self._commits[name] = self._planner.commit_of(tep)
        return self._commits[name]

    def _compared(self, base: str, commit: str) -> list[Pair]:
        if (base, commit) not in self._pairs:
            before = {project.name: project for project in self._planner.catalogue(base).tenant_projects()}
            after = self._planner.catalogue(commit)
            wanted = {item.project: item for item in after.wanted()}
            names = self._picked(after)
            projects = {project.name: project for project in after.projects}
            problems = {problem.name: problem.message for problem in after.problems}
            self._pairs[base, commit] = [
                Pair(name, position, before.get(name), projects.get(name), wanted.get(name) or Wanted(name), problems.get(name, ""))
                for position, name in enumerate(names)
            ]
        return self._pairs[base, commit]

    def _as_deployed(self, tep: Tep) -> list[Pair]:
        """Return the projects as an edit of the configuration would deploy them: each with the program that it was deployed with."""
        default = self._default(tep)
        deployed = self._deployed.get(tep.name, {})
        same: tuple[object, ...] = (default, *sorted(deployed.items()))
        if same not in self._pairs:
            self._pairs[same] = self._at(default, deployed)
        return self._pairs[same]

    def _at(self, default: str, deployed: Mapping[str, str]) -> list[Pair]:
        catalogue = self._planner.catalogue(default)
        pairs: list[Pair] = []
        for position, name in enumerate(self._picked(catalogue)):
            commit = deployed.get(name) or default
            found = self._planner.catalogue(commit)
            project = next((each for each in found.projects if each.name == name), None)
            wanted = next((each for each in found.wanted() if each.project == name), Wanted(name))
            problem = next((each.message for each in found.problems if each.name == name), "")
            pairs.append(Pair(name, position, project, project, wanted, problem))
        return pairs

    def _picked(self, catalogue: Catalogue) -> list[str]:
        every = [*(project.name for project in catalogue.tenant_projects()), *(problem.name for problem in catalogue.problems)]
        return self._selection.pick_projects(every)

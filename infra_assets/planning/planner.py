"""Plans rollouts: brings fleet, programs at a commit, resolved configuration and the ledger together. Runs nothing."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from infra_assets.environments.handover import Handover
from infra_assets.environments.kept import keep
from infra_assets.environments.opening import open_resolver
from infra_assets.environments.resolution import Resolution, Wanted
from infra_assets.environments.resolver import Resolver
from infra_assets.environments.usage import Usage
from infra_assets.errors import InfraError, UsageError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.fleet.registry import Registry
from infra_assets.fleet.selection import Selection
from infra_assets.garbage import uncollected
from infra_assets.planning.following import Followed
from infra_assets.planning.parts import Brief, Part, Plan, moved, newest_of, pins_of, shortened, together
from infra_assets.planning.past import Past
from infra_assets.planning.plan import Changed, Planned, again, plan
from infra_assets.planning.reasons import reasons, side, was
from infra_assets.planning.sharing import shared
from infra_assets.planning.targets import Target, Targets, load_targets
from infra_assets.programs.mirror import Mirror
from infra_assets.programs.opening import open_mirror, open_trees
from infra_assets.programs.snapshot import snapshot
from infra_assets.programs.trees import Trees
from infra_assets.sandbox import tools
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.sandbox.lifecycle import Sandbox
from infra_assets.sandbox.passphrase import read_passphrase
from infra_assets.settings import Settings
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.configurations import fingerprint_key
from infra_assets.stacks.inputs import Surroundings, details
from infra_assets.stacks.ledger import Key, Ledger, Standing
from infra_assets.stacks.outputs import StateOutputs
from infra_assets.stacks.projects import Catalogue, Project, discover
from infra_assets.stacks.state import open_store

HandOver = Callable[[str, Sequence[str]], None]
"""Given a rollout's id and the TEPs that it works on: gives their runs what the plan has resolved."""

LEAST = 250
"""TEPs for which another process is worth its start."""


class Planner:
    """Plans for one installation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._catalogues: dict[str, Catalogue] = {}

    @cached_property
    def registry(self) -> Registry:
        """The fleet's register."""
        return Registry(connect(self.settings.database_url))

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(connect(self.settings.database_url))

    @cached_property
    def targets(self) -> Targets:
        """Which branch deploys to which TEPs.

        Raises:
            UsageError: their file is wrong.
        """
        return load_targets(self.settings.targets)

    @cached_property
    def mirror(self) -> Mirror:
        """The programs' repository, as it was fetched."""
        return open_mirror(self.settings)

    @cached_property
    def trees(self) -> Trees:
        """Work trees of commits."""
        return open_trees(self.settings)

    @cached_property
    def past(self) -> Past:
        """What is known of commits and of earlier operations."""
        return Past(self.mirror, self.trees, self.ledger)

    @cached_property
    def stack_outputs(self) -> StateOutputs:
        """The outputs of our own stacks."""
        return StateOutputs(
            lambda: open_store(self.settings.state_backend, Aws(environment(self.settings))), lambda: read_passphrase(self.settings)
        )

    @cached_property
    def around(self) -> Surroundings:
        """What all cells' inputs share.

        Raises:
            InfraError: set-up was not done, or the sandbox lost its memory.
        """
        found = tools.find(self.settings)
        if found is None:
            raise InfraError("the Pulumi engine and the AWS provider are not set up", remedy="infra sandbox up gets them.")
        Sandbox(self.settings).check()
        return Surroundings(found.engine_version, found.provider_version, fingerprint_key(self.settings))

    def on_disk(self) -> str:
        """Return the commit of what lies on disk.

        Raises:
            InfraError: it cannot be read.
        """
        return snapshot(self.settings.root, self.mirror)

    def tip(self, target: Target) -> str | None:
        """Return the commit that a target's branch was last seen at; fetches it where it was never seen."""
        return self.mirror.branches().get(target.branch) or self.mirror.fetch().get(target.branch)

    @cached_property
    def _on_disk(self) -> str:
        return self.on_disk()

    def commit_of(self, tep: Tep) -> str:
        """Return the commit that a TEP is deployed from by default: its target's, else what lies on disk.

        Raises:
            InfraError: it cannot be had.
        """
        target = self.targets.of(tep)
        if target is None:
            return self._on_disk
        # A branch that was deleted leaves its target where it was last seen.
        last: str | None = Followed(connect(self.settings.database_url)).get(f"target/{target.name}").get("commit")
        return self.mirror.branches().get(target.branch) or last or self._on_disk

    def catalogue(self, commit: str) -> Catalogue:
        """Return the projects of a commit.

        Raises:
            InfraError: it cannot be had, or has no programs.
        """
        if commit not in self._catalogues:
            self._catalogues[commit] = discover(self.trees.path(commit), commit)
        return self._catalogues[commit]

    def resolver_of(self, teps: Callable[[], Sequence[Tep]]) -> Resolver:
        """Return a resolver that lives as long as its process, for a fleet that may change."""
        return open_resolver(self.settings, teps, stacks=self.stack_outputs)

    def resolver(self, teps: Sequence[Tep], pins: Mapping[str, str] | None = None) -> Resolver:
        """Return the resolver of some TEPs' configuration, at these revisions where any are given."""
        return open_resolver(self.settings, lambda: teps, stacks=self.stack_outputs, pins=pins)

    def plan(
        self, teps: Sequence[Tep], commit: str, selection: Selection | None = None, *, pins: Mapping[str, str] | None = None,
        force: bool = False, keeping: bool = False,
    ) -> Plan:  # fmt: skip
        """Return what a rollout of a commit would do to TEPs; `keeping` the environments' definitions, for whoever will start it.

        Without `keeping` it is for looking at alone: the resolutions have no values, and several processes plan a large fleet.

        Raises:
            UsageError: a project that is meant cannot be loaded.
            InfraError: the commit cannot be had, set-up was not done, or the sandbox lost its memory.
        """
        projects = chosen_projects(self.catalogue(commit), selection, self.settings)
        if keeping:
            self.mirror.keep(commit)  # also when its branch is rewritten: whoever resumes or rolls back wants it
        return self._plan(teps, lambda _tep: projects, commit=commit, pins=pins, force=force, keeping=keeping, brief=not keeping)

    def plan_fully(self, tep: Tep, commit: str) -> Plan:
        """Return what a rollout of a commit would do to one TEP, with what it was resolved to; projects that cannot be loaded are left out.

        Raises:
            InfraError: the commit cannot be had, set-up was not done, or the sandbox lost its memory.
        """
        projects = self.catalogue(commit).tenant_projects()
        return self._plan([tep], lambda _tep: projects, commit=commit)

    def plan_deployed(self, teps: Sequence[Tep], fallback: Callable[[Tep], str], *, keeping: bool = False) -> Plan:
        """Return what the present configuration would do to cells that are deployed, each with the program that it was deployed with.

        Raises:
            InfraError: a commit cannot be had.
        """
        return self._plan(teps, self._deployed(teps, fallback), commit=None, keeping=keeping)

    def plan_again(self, teps: Sequence[Tep], cells: Collection[Key]) -> Plan:
        """Return a plan that runs some deployed cells again, each with its program, whether or not anything has changed; for starting it.

        What is downstream of them follows, where their outputs come out as others.

        Raises:
            InfraError: a commit cannot be had.
        """
        found = self._plan(teps, self._deployed(teps, self.commit_of), commit=None, keeping=True)
        return replace(found, planned=again(found.planned, cells, found.resolutions))

    def _deployed(self, teps: Sequence[Tep], fallback: Callable[[Tep], str]) -> Callable[[Tep], list[Project]]:
        by_tep: dict[str, list[Standing]] = {}
        for entry in self.ledger.standings([tep.name for tep in teps])[0].values():
            by_tep.setdefault(entry.tep, []).append(entry)

        def projects(tep: Tep) -> list[Project]:
            mine = by_tep.get(tep.name, [])
            newest = max(mine, key=lambda entry: entry.id, default=None)
            order = self.catalogue(newest.commit if newest and newest.commit else fallback(tep)).projects
            deployed = {entry.project: entry.commit for entry in mine}
            return [_at(deployed.get(project.name), project, self.catalogue) for project in order if project.name in deployed]

        return projects

    def plan_cells(
        self, teps: Sequence[Tep], projects: Callable[[Tep], Sequence[Project]], *, pins: Mapping[str, str], force: bool = False
    ) -> Plan:
        """Return what certain projects, each at its commit, would do in each TEP under these revisions; their definitions are kept.

        Raises:
            InfraError: a revision cannot be had.
        """
        return self._plan(teps, projects, commit=None, pins=pins, force=force, keeping=True)

    def _plan(
        self, teps: Sequence[Tep], projects: Callable[[Tep], Sequence[Project]], *, commit: str | None,
        pins: Mapping[str, str] | None = None, force: bool = False, keeping: bool = False, brief: bool = False,
    ) -> Plan:  # fmt: skip
        chosen = {tep.name: list(projects(tep)) for tep in teps}
        if brief:
            return self._plan_briefly(teps, chosen, commit, pins, force=force)
        with uncollected():
            resolver = self.resolver(teps, pins)
            part = self._part(resolver, teps, chosen, force=force, logins=True)
        if keeping:
            keep(connect(self.settings.database_url), resolver.library.documents())
        Usage(connect(self.settings.database_url)).record(part.uses)
        every = pins_of(part.resolutions)
        orphans = self._orphans(commit, part.deployed)
        return Plan(part.planned, part.resolutions, commit, every, moved(every, part.newest), orphans)

    def _plan_briefly(
        self,
        teps: Sequence[Tep],
        chosen: Mapping[str, Sequence[Project]],
        commit: str | None,
        pins: Mapping[str, str] | None,
        *,
        force: bool,
    ) -> Plan:
        url = self.settings.database_url
        self.around  # noqa: B018  # refuses, and hashes, before there are forks
        for project in {id(project): project for projects in chosen.values() for project in projects}.values():
            project.tree_hash  # noqa: B018

        def work(some: Sequence[Tep]) -> Brief:
            return shortened(self._part(self.resolver(some, pins), some, chosen, force=force, logins=False))

        with uncollected():
            parts = shared(work, teps, least=LEAST, begin=lambda: connect(url).dispose(close=False))
            rows = iter([row for part in parts for row in part.rows])
            planned = [Planned(Cell(project, tep), *next(rows)) for tep in teps for project in chosen[tep.name]]
        resolutions = {name: found for part in parts for name, found in part.resolutions.items()}
        Usage(connect(url)).record(together([part.uses for part in parts]))
        every = pins_of(resolutions)
        newest: dict[str, tuple[int, str]] = {}
        for part in parts:
            newest.update({name: found for name, found in part.newest.items() if found > newest.get(name, (0, ""))})
        deployed = sum((part.deployed for part in parts), Counter[str]())
        return Plan(planned, resolutions, commit, every, moved(every, newest), self._orphans(commit, deployed))

    def _orphans(self, commit: str | None, deployed: Mapping[str, int]) -> dict[str, int]:
        if commit is None:
            return {}
        catalogue = self.catalogue(commit)
        known = {item.name for item in (*catalogue.projects, *catalogue.problems)}
        return {project: teps for project, teps in deployed.items() if project not in known}

    def _part(self, resolver: Resolver, teps: Sequence[Tep], chosen: Mapping[str, Sequence[Project]], *, force: bool, logins: bool) -> Part:
        around = self.around
        resolutions = self._resolve(resolver, teps, chosen, logins=logins)
        known, successes = self.ledger.standings([tep.name for tep in teps])
        planned = plan(
            teps,
            lambda tep: chosen[tep.name],
            resolutions=resolutions,
            successes=successes,
            known=known,
            around=around,
            why=lambda changed: self._why(changed, successes),
            force=force,
        )
        return Part(planned, resolutions, newest_of(successes), resolver.uses(), Counter(project for _, project in successes))

    def _resolve(
        self, resolver: Resolver, teps: Sequence[Tep], chosen: Mapping[str, Sequence[Project]], *, logins: bool
    ) -> dict[str, Resolution]:
        wanted: dict[tuple[int, ...], list[Wanted]] = {}
        found: dict[str, Resolution] = {}
        for tep in teps:
            projects = chosen[tep.name]
            same = tuple(map(id, projects))
            if same not in wanted:
                wanted[same] = [self._wanted(project) for project in projects]
            found[tep.name] = resolver.resolve(tep, wanted[same], logins=logins)
        return found

    def _wanted(self, project: Project) -> Wanted:
        """Return what a project wants; what it depends on indirectly only all projects of its commit together say."""
        every = self.catalogue(project.commit) if project.commit else Catalogue([project], ())
        return next(wanted for wanted in every.wanted() if wanted.project == project.name)

    def _why(self, changed: Sequence[Changed], successes: Mapping[Key, Standing]) -> list[list[str]]:
        before = self.ledger.details([item.last.id for item in changed])
        told: list[list[str]] = []
        for item in changed:
            configuration = item.resolution.cell(item.cell.project.name)
            now = details(item.cell, configuration, successes, self.around.key)
            told.append(
                reasons(
                    item.cell,
                    was(item.last, before.get(item.last.id, {})),
                    side(item.inputs, now, item.cell.project.commit, item.resolution),
                    item.resolution,
                    self.past,
                )
            )
        return told

    @cached_property
    def handover(self) -> Handover:
        """What hands configuration on to runs."""
        return Handover(connect(self.settings.database_url), fingerprint_key(self.settings))

    def hand_over(self, plan: Plan) -> HandOver:
        """Return what gives a rollout's runs the configuration that a plan has resolved."""
        return lambda rollout_id, teps: self.handover.give(rollout_id, [plan.resolutions[name] for name in teps])


def chosen_projects(catalogue: Catalogue, selection: Selection | None, settings: Settings) -> list[Project]:
    """Return the tenant projects that are meant, upstream first.

    Raises:
        UsageError: there is none, or one that is meant cannot be loaded.
    """
    good = {project.name: project for project in catalogue.tenant_projects()}
    broken = {problem.name: problem for problem in catalogue.problems}
    names = (selection or Selection()).pick_projects([*good, *broken])
    if wrong := [broken[name].message for name in names if name in broken]:
        raise UsageError("\n".join(wrong), remedy="Nothing was changed. Mend it, or choose others with --project.")
    if not names:
        raise UsageError(f"no projects in {settings.root / 'pulumi_programs'}")
    return [good[name] for name in names]


def _at(commit: str | None, project: Project, of: Callable[[str], Catalogue]) -> Project:
    """Return a project as it is at another commit."""
    if commit is None or commit == project.commit:
        return project
    return next((found for found in of(commit).projects if found.name == project.name), project)

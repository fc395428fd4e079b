"""What commands work on: fleet, ledger, projects, the running Dagster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from infra_assets import settings
from infra_assets.cli.output import stderr
from infra_assets.environments.handover import Handover
from infra_assets.environments.opening import open_resolver
from infra_assets.environments.resolution import Resolution
from infra_assets.environments.resolver import Resolver
from infra_assets.environments.usage import Usage
from infra_assets.errors import InfraError, UsageError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.fleet.registry import Registry
from infra_assets.fleet.selection import Selection
from infra_assets.garbage import uncollected
from infra_assets.orchestration.client import DagsterClient
from infra_assets.orchestration.services import Services
from infra_assets.rollouts.plan import Planned, plan
from infra_assets.rollouts.rollout import HandOver
from infra_assets.sandbox import tools
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.sandbox.lifecycle import Sandbox
from infra_assets.sandbox.passphrase import read_passphrase
from infra_assets.stacks.configurations import fingerprint_key
from infra_assets.stacks.inputs import Surroundings
from infra_assets.stacks.ledger import Ledger
from infra_assets.stacks.outputs import StateOutputs
from infra_assets.stacks.projects import Catalogue, Project, discover
from infra_assets.stacks.state import open_store


@dataclass(frozen=True)
class Context:
    """One command's view of everything; each part is opened when it is first asked for."""

    @cached_property
    def settings(self) -> settings.Settings:
        """The settings."""
        return settings.load()

    @cached_property
    def registry(self) -> Registry:
        """The fleet's register."""
        return Registry(connect(self.settings.database_url))

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger."""
        return Ledger(connect(self.settings.database_url))

    @cached_property
    def catalogue(self) -> Catalogue:
        """The projects."""
        return discover(self.settings.root)

    @cached_property
    def services(self) -> Services:
        """The Dagster of this host."""
        return Services(self.settings)

    @cached_property
    def sandbox(self) -> Sandbox:
        """The sandbox."""
        return Sandbox(self.settings)

    def dagster(self) -> DagsterClient | None:
        """Return the running Dagster, None if there is none."""
        url = self.services.url()
        return DagsterClient(url) if url else None

    def dagster_started(self) -> DagsterClient:
        """Return the running Dagster, started if there is none."""
        return DagsterClient(self.services.start(lambda text: stderr.print(text, style="dim")))

    def teps(self, selection: Selection) -> list[Tep]:
        """Return the TEPs that are meant.

        Raises:
            UsageError: none.
        """
        fleet = self.registry.list()
        if not fleet:
            raise UsageError("the fleet is empty", remedy="infra fleet import FILE brings one in; fleet.yaml is an example.")
        return selection.pick(fleet)

    def projects(self, selection: Selection) -> list[Project]:
        """Return the tenant projects that are meant, upstream first.

        Raises:
            UsageError: there is none, or one that is meant cannot be loaded.
        """
        good = {project.name: project for project in self.catalogue.tenant_projects()}
        broken = {problem.name: problem for problem in self.catalogue.problems}
        names = selection.pick_projects([*good, *broken])
        if wrong := [broken[name].message for name in names if name in broken]:
            raise UsageError("\n".join(wrong), remedy="Nothing was changed. Mend it, or choose others with --project.")
        if not names:
            raise UsageError(f"no projects in {self.settings.root / 'pulumi_programs'}")
        return [good[name] for name in names]

    @cached_property
    def stack_outputs(self) -> StateOutputs:
        """The outputs of our own stacks."""
        return StateOutputs(
            lambda: open_store(self.settings.state_backend, Aws(environment(self.settings))), lambda: read_passphrase(self.settings)
        )

    def resolver(self, teps: Sequence[Tep], **options: Any) -> Resolver:
        """Return the resolver of some TEPs' configuration; options as of `open_resolver`."""
        return open_resolver(self.settings, lambda: teps, stacks=self.stack_outputs, **options)

    def resolve(self, teps: Sequence[Tep]) -> dict[str, Resolution]:
        """Return the configuration of some TEPs' cells, counting what is opened for it."""
        resolver, wanted = self.resolver(teps), self.catalogue.wanted()
        found = resolver.resolve_all(teps, wanted)
        Usage(connect(self.settings.database_url)).record(resolver.uses())
        return found

    def plan(self, selection: Selection, *, force: bool = False) -> tuple[list[Planned], Mapping[str, Resolution]]:
        """Return what a rollout of a selection would do, and the configuration that it rests on.

        Raises:
            UsageError: the selection is wrong, or a project cannot be loaded.
            InfraError: set-up was not done, or the sandbox lost its memory.
        """
        teps, projects = self.teps(selection), self.projects(selection)
        found = tools.find(self.settings)
        if found is None:
            raise InfraError("the Pulumi engine and the AWS provider are not set up", remedy="infra sandbox up gets them.")
        self.sandbox.check()
        names = [tep.name for tep in teps]
        resolutions = self.resolve(teps)
        with uncollected():
            planned = plan(
                teps,
                projects,
                resolutions=resolutions,
                successes=self.ledger.successes(names),
                known=self.ledger.latest(names),
                around=Surroundings(found.engine_version, found.provider_version, fingerprint_key(self.settings)),
                force=force,
            )
        return planned, resolutions

    @cached_property
    def handover(self) -> Handover:
        """What hands configuration on to runs."""
        return Handover(connect(self.settings.database_url), fingerprint_key(self.settings))

    def hand_over(self, resolutions: Mapping[str, Resolution]) -> HandOver:
        """Return what gives a rollout's runs their configuration."""
        return lambda rollout_id, teps: self.handover.give(rollout_id, [resolutions[name] for name in teps])

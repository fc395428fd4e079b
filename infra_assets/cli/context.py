"""What commands work on: fleet, ledger, projects, the running Dagster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from infra_assets import settings
from infra_assets.cli.output import stderr
from infra_assets.environments.opening import open_resolver
from infra_assets.environments.resolver import Resolver
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.fleet.registry import Registry
from infra_assets.fleet.selection import Selection
from infra_assets.orchestration.client import DagsterClient
from infra_assets.orchestration.services import Services
from infra_assets.planning.planner import Planner, chosen_projects
from infra_assets.previews.conductor import CheckConductor
from infra_assets.previews.finishing import finisher
from infra_assets.previews.models import Check, CheckedCell
from infra_assets.previews.reporting import Reporter
from infra_assets.previews.store import CheckStore
from infra_assets.reports.report import Report
from infra_assets.rollouts.conductor import Conductor
from infra_assets.rollouts.control import Control
from infra_assets.rollouts.launching import chosen_teps
from infra_assets.rollouts.store import RolloutStore
from infra_assets.rollouts.watching import Watch
from infra_assets.runs import NoRuns, Runs
from infra_assets.sandbox.lifecycle import Sandbox
from infra_assets.stacks.ledger import Ledger
from infra_assets.stacks.projects import Catalogue, Project, discover


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
        return chosen_teps(self.planner, selection)

    def projects(self, selection: Selection) -> list[Project]:
        """Return the tenant projects that are meant, upstream first.

        Raises:
            UsageError: there is none, or one that is meant cannot be loaded.
        """
        return chosen_projects(self.catalogue, selection, self.settings)

    def resolver(self, teps: Sequence[Tep], **options: Any) -> Resolver:
        """Return the resolver of some TEPs' configuration; options as of `open_resolver`."""
        return open_resolver(self.settings, lambda: teps, stacks=self.planner.stack_outputs, **options)

    @cached_property
    def planner(self) -> Planner:
        """What plans rollouts."""
        return Planner(self.settings)

    @cached_property
    def rollouts(self) -> RolloutStore:
        """The rollouts."""
        return RolloutStore(connect(self.settings.database_url))

    @cached_property
    def control(self) -> Control:
        """What a person does to rollouts."""
        return Control(self.planner)

    def conductor(self, client: Runs) -> Conductor:
        """Return what moves rollouts on."""
        return Conductor(self.planner, client)

    @cached_property
    def checks(self) -> CheckStore:
        """The previews and drift checks."""
        return CheckStore(connect(self.settings.database_url))

    def check_conductor(self, client: DagsterClient | None) -> CheckConductor:
        """Return what moves checks on."""
        return CheckConductor(self.settings, client or NoRuns(), finisher(self.settings, self.registry, self._dagster_url(client)))

    def report(self, check: Check, cells: Sequence[CheckedCell] | None = None, fleet: Mapping[str, Tep] | None = None) -> Report:
        """Return a check's report; `cells` and `fleet` for one that is not stored."""
        return Reporter(self.settings, fleet or self.fleet(), self._dagster_url(self.dagster())).report(check, cells)

    def _dagster_url(self, client: DagsterClient | None) -> str:
        return self.settings.public_url or (client.url if client else "")

    def revived(self) -> DagsterClient | None:
        """Return a Dagster that was started again, None where none has died."""
        found = self._revive()
        return found[0] if found else None

    def watch(self, rollout_id: str, client: DagsterClient) -> Watch:
        """Return what follows a rollout."""
        return Watch(self.rollouts, rollout_id, self.fleet(), client, self.conductor(client), self._revive)

    def _revive(self) -> tuple[DagsterClient, Conductor] | None:
        missing = self.services.missing()
        if not missing:
            return None
        stderr.print(f"Dagster's {', '.join(missing)} is gone: starting it again", style="yellow")
        client = self.dagster_started()
        return client, self.conductor(client)

    def fleet(self) -> dict[str, Tep]:
        """Return every TEP by name."""
        return {tep.name: tep for tep in self.registry.list()}

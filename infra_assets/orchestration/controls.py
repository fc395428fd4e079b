"""Control of rollouts from Dagster's UI: jobs whose configuration is typed, each doing what the command of its name does."""

import getpass
from typing import Any

import dagster as dg

from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.fleet.selection import Selection
from infra_assets.orchestration.client import DagsterClient
from infra_assets.orchestration.services import Services
from infra_assets.planning.planner import Planner
from infra_assets.rollouts.conductor import Conductor
from infra_assets.rollouts.control import Control
from infra_assets.rollouts.launching import Launch, launch
from infra_assets.rollouts.models import Trigger
from infra_assets.runs import OPERATION_TAG

CONTROL = "control"


class StartConfig(dg.Config):
    """Which rollout; what is left out is not limited."""

    target: str = ""
    """A target of targets.yaml: its branch is deployed to its TEPs."""
    teps: list[str] = []  # noqa: RUF012  # a field of Dagster's configuration
    tenants: list[str] = []  # noqa: RUF012
    environments: list[str] = []  # noqa: RUF012
    rings: list[str] = []  # noqa: RUF012
    projects: list[str] = []  # noqa: RUF012
    max_failures: str = ""
    """A count or a percentage; empty: the target's, or 10%."""
    strict: bool = False
    force: bool = False
    at_once: bool = False
    """All rings in one wave."""
    hotfix: bool = False


class RolloutConfig(dg.Config):
    """Which rollout is meant."""

    rollout: str
    """Its id, or how that begins; `last` is the newest."""


class HaltConfig(RolloutConfig):
    """Which rollout is halted, and why."""

    reason: str = "halted by a person"


class ResumeConfig(RolloutConfig):
    """Which rollout is resumed."""

    exactly: bool = False
    """Also TEPs that failed get the revisions of their own environments that were pinned."""


@dg.op(name="start", tags={"dagster/priority": "0"})
def _start(context: dg.OpExecutionContext, config: StartConfig) -> None:
    selection = Selection(config.teps, config.tenants, config.environments, config.rings, config.projects)
    planner, conductor = _tools()
    wanted = Launch(
        selection,
        target=config.target or None,
        trigger=Trigger(kind="person", who=_who(context), detail="from the UI"),
        max_failures=config.max_failures or None,
        strict=config.strict or None,
        force=config.force,
        at_once=config.at_once,
        priority="hotfix" if config.hotfix else "rollout",
    )
    started = _told(lambda: launch(planner, wanted))
    if started.rollout is None:
        context.log.info("nothing to do: everything is as it should be")
        return
    context.log.info("rollout %s: %s", started.rollout.id, started.rollout.reason or "started")
    _told(lambda: conductor.advance(started.rollout.id) if started.rollout else None)


@dg.op(name="halt")
def _halt(context: dg.OpExecutionContext, config: HaltConfig) -> None:
    _, conductor = _tools()
    rollout = _told(lambda: conductor.store.get(config.rollout))
    moved = _told(lambda: conductor.halt(rollout.id, config.reason, _who(context)))
    context.log.info("rollout %s %s", rollout.id, "is halted" if moved else f"was {rollout.state} already")


@dg.op(name="resume")
def _resume(context: dg.OpExecutionContext, config: ResumeConfig) -> None:
    planner, conductor = _tools()
    rollout = _told(lambda: conductor.store.get(config.rollout))
    resumed = _told(lambda: Control(planner).resume(rollout.id, _who(context), exactly=config.exactly))
    context.log.info("rollout %s goes on with %s", rollout.id, ", ".join(resumed.cells))
    _told(lambda: conductor.advance(rollout.id))


@dg.op(name="approve")
def _approve(context: dg.OpExecutionContext, config: RolloutConfig) -> None:
    planner, conductor = _tools()
    rollout = _told(lambda: Control(planner).approve(config.rollout, _who(context)))
    context.log.info("rollout %s is approved", rollout.id)
    _told(lambda: conductor.advance(rollout.id))


@dg.op(name="rollback")
def _rollback(context: dg.OpExecutionContext, config: RolloutConfig) -> None:
    planner, conductor = _tools()
    started = _told(lambda: Control(planner).rollback(config.rollout, _who(context)))
    context.log.info("rollout %s takes back what %s has changed", started.id, started.of)
    _told(lambda: conductor.advance(started.id))


def control_jobs() -> list[dg.JobDefinition]:
    """Return the jobs: `start_rollout`, `halt_rollout`, `resume_rollout`, `approve_rollout`, `rollback_rollout`."""
    about = {
        _start: "Starts a rollout of what has changed, as `infra rollout` does.",
        _halt: "Halts a rollout: nothing new starts, what runs goes on to its end.",
        _resume: "Goes on with exactly what a halted or failed rollout has not done.",
        _approve: "Lets a rollout go on that waits for an approval.",
        _rollback: "Returns what a rollout has changed to what was deployed before it.",
    }
    return [_job(operation, text) for operation, text in about.items()]


def _job(operation: dg.OpDefinition, text: str) -> dg.JobDefinition:
    @dg.job(  # pyright: ignore[reportUnknownMemberType]  # its hooks have no type
        name=f"{operation.name}_rollout",
        description=text,
        tags={OPERATION_TAG: CONTROL},
    )
    def job() -> None:
        operation()

    return job


def _tools() -> tuple[Planner, Conductor]:
    loaded = settings.load()
    planner, url = Planner(loaded), Services(loaded).url()
    if url is None:
        raise dg.Failure("Dagster's webserver does not run: nothing could be launched", allow_retries=False)
    return planner, Conductor(planner, DagsterClient(url))


def _told(act: Any) -> Any:
    try:
        return act()
    except InfraError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


def _who(context: dg.OpExecutionContext) -> str:
    return context.run.tags.get("user") or f"{getpass.getuser()} in the UI"

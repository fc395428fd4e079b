"""Sensors: what is looked at all the time. What they find is noted in our own database: a tick may die at any moment."""

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache

import dagster as dg

from infra_assets import settings
from infra_assets.errors import InfraError, NotRunningError
from infra_assets.fleet.database import connect
from infra_assets.fleet.registry import Registry
from infra_assets.orchestration.checking import check_tick
from infra_assets.orchestration.client import DagsterClient
from infra_assets.orchestration.instance_runs import InstanceRuns
from infra_assets.orchestration.journal import publish
from infra_assets.orchestration.notifications import Notifier
from infra_assets.orchestration.partitions import teps
from infra_assets.orchestration.services import Services
from infra_assets.planning.planner import Planner
from infra_assets.rollouts.conductor import Conductor
from infra_assets.rollouts.outbox import Outbox
from infra_assets.rollouts.tidying import tidy
from infra_assets.rollouts.triggers import Noticed, Triggers, Watched

RUNNING = dg.DefaultSensorStatus.RUNNING


@dg.sensor(name="fleet", minimum_interval_seconds=30, default_status=RUNNING)  # pyright: ignore[reportUnknownMemberType]  # its jobs have no type
def fleet(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Give every TEP of the fleet its partition. A partition is never taken away: its history would go with it."""
    present = set(context.instance.get_dynamic_partitions("tep"))
    missing = [tep.name for tep in Registry(connect(settings.load().database_url)).list() if tep.name not in present]
    if not missing:
        return dg.SkipReason(f"{len(present)} TEPs, each with its partition")
    return dg.SensorResult(dynamic_partitions_requests=[teps.build_add_request(missing)])


def build_sensors(job: dg.JobDefinition | object, preview: dg.JobDefinition, drift: dg.JobDefinition | object) -> list[dg.SensorDefinition]:
    """Return the sensors; `rollouts` requests runs of the first two jobs, `checks` of the last two."""
    configured = settings.load()

    @dg.sensor(  # pyright: ignore[reportUnknownMemberType]
        name="rollouts", minimum_interval_seconds=5, default_status=RUNNING, jobs=[job, preview], # pyright: ignore[reportArgumentType]
        description="Moves rollouts on: asks for the runs of their waves, passes gates, halts, ends; tells people.",
    )  # fmt: skip
    def rollouts(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        loaded = settings.load()
        runs = InstanceRuns(context.instance, loaded)
        conductor = Conductor(Planner(loaded), runs)
        opened = len(conductor.store.opened())
        problems = conductor.advance_all()
        try:
            publish(context.instance, conductor.store)
            tidy(Planner(loaded), conductor.store)
        except Exception as error:  # noqa: BLE001  # the runs that were asked for must not be lost with it
            problems.append(f"history: {type(error).__name__}: {error}")
        for problem in problems:
            context.log.warning(problem)
        if runs.requested:
            return dg.SensorResult(run_requests=runs.requested)
        return dg.SkipReason("; ".join(problems) or f"{opened} open rollouts, nothing to ask for")

    @dg.sensor(  # pyright: ignore[reportUnknownMemberType]
        name="checks", minimum_interval_seconds=5, default_status=RUNNING, jobs=[preview, drift], # pyright: ignore[reportArgumentType]
        description="Moves previews and drift checks on: asks for their runs as these are due, writes reports, repairs what may be.",
    )  # fmt: skip
    def checks(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        return check_tick(context.instance, context.log.warning)

    @dg.sensor(  # pyright: ignore[reportUnknownMemberType]
        name="notifications", minimum_interval_seconds=10, default_status=RUNNING,
        description="Tells people what has happened to rollouts; one of its own, so that whoever does not listen holds no rollout up.",
    )  # fmt: skip
    def notifications(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        loaded = settings.load()
        problems = Outbox(connect(loaded.database_url), loaded.public_url).deliver(Notifier(loaded))
        for problem in problems:
            context.log.warning(problem)
        return dg.SkipReason("; ".join(problems) or "everything is told")

    @dg.sensor(  # pyright: ignore[reportUnknownMemberType]
        name="git_targets", minimum_interval_seconds=configured.git_interval_s, default_status=RUNNING,
        description="Follows each target's branch of the programs' repository: a merge becomes a rollout.",
    )  # fmt: skip
    def git_targets(_context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return _noticed(follow_targets)

    @dg.sensor(  # pyright: ignore[reportUnknownMemberType]
        name="esc_changes", minimum_interval_seconds=configured.environments_interval_s, default_status=RUNNING,
        description="Watches the environments: cells whose resolved values have changed are rolled out, and no other.",
    )  # fmt: skip
    def esc_changes(_context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return _noticed(follow_environments)

    return [fleet, rollouts, checks, notifications, git_targets, esc_changes]


def follow_targets(who: str = "sensor git_targets") -> Noticed:
    """Look at the targets' branches.

    Raises:
        InfraError: the repository cannot be reached, or targets.yaml is wrong.
    """
    return _begun(Triggers(Planner(settings.load())).follow_targets(who))


def follow_environments(who: str = "sensor esc_changes") -> Noticed:
    """Look at the environments.

    Raises:
        InfraError: a source does not answer.
    """
    planner = Planner(settings.load())
    try:
        return _begun(Triggers(planner).follow_environments(_watched(), who))
    except InfraError:
        _watched.cache_clear()  # what it remembers may be half of what it should
        raise


def _begun(noticed: Noticed) -> Noticed:
    """Begin at once with what was noticed, where there is a webserver to ask for runs; else the sensor `rollouts` does."""
    loaded = settings.load()
    url = Services(loaded).url() if noticed.wishes else None
    if url is not None:
        conductor = Conductor(Planner(loaded), DagsterClient(url))
        with suppress(InfraError):  # the wish is noted: the sensor `rollouts` tries again, and says what is wrong
            for rollout_id in noticed.wishes:
                conductor.advance(rollout_id)
    return noticed


@lru_cache(maxsize=1)
def _watched() -> Watched:
    return Watched(Planner(settings.load()))


def _noticed(look: Callable[[], Noticed]) -> dg.SkipReason:
    """Return what a look has found: the sensor `rollouts` asks for the runs."""
    try:
        return dg.SkipReason(look().said)
    except NotRunningError as error:
        return dg.SkipReason(str(error))
    except InfraError as error:
        raise dg.Failure(str(error), allow_retries=False) from None

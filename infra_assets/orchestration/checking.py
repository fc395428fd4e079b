"""What moves checks on from within Dagster: the sensor `checks`, and the schedule `nightly_drift`."""

from collections.abc import Callable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dagster as dg
from dagster._utils.schedules import is_valid_cron_string

from infra_assets import settings
from infra_assets.errors import InfraError, UsageError
from infra_assets.fleet.selection import Selection
from infra_assets.orchestration.fleet_report import publish, unpublished
from infra_assets.orchestration.instance_runs import InstanceRuns
from infra_assets.orchestration.services import Services
from infra_assets.planning.planner import Planner
from infra_assets.previews.beginning import nightly
from infra_assets.previews.conductor import CheckConductor
from infra_assets.previews.finishing import finisher
from infra_assets.previews.models import Check
from infra_assets.previews.reporting import Reporter
from infra_assets.rollouts.launching import Launch, launch
from infra_assets.rollouts.models import Trigger
from infra_assets.rollouts.outbox import Outbox
from infra_assets.rollouts.repairing import by_itself
from infra_assets.settings import Settings
from infra_assets.stacks.rooms import rooms, sweep
from infra_assets.texts import counted

NIGHTLY = "nightly_drift"


def conductor(loaded: Settings, instance: dg.DagsterInstance) -> tuple[CheckConductor, InstanceRuns]:
    """Return what moves checks on, and what collects the runs that it asks for."""
    runs = InstanceRuns(instance, loaded)
    url = loaded.public_url or Services(loaded).url() or ""
    return CheckConductor(loaded, runs, finisher(loaded, Planner(loaded).registry, url)), runs


def check_tick(instance: dg.DagsterInstance, warn: Callable[[str], None]) -> dg.SensorResult | dg.SkipReason:
    """Move all checks on, publish what has ended, and repair what may be repaired by itself."""
    loaded = settings.load()
    mine, runs = conductor(loaded, instance)
    problems = mine.advance_all()
    try:
        if unpublished(mine.store)[1]:
            for check in publish(instance, _reporter(loaded), Outbox(mine.store.engine, loaded.public_url)):
                problems += _repair(loaded, check)
    except Exception as error:  # noqa: BLE001  # the runs that were asked for must not be lost with it
        problems.append(f"reports: {type(error).__name__}: {error}")
    for problem in problems:
        warn(problem)
    if runs.requested:
        return dg.SensorResult(run_requests=runs.requested)
    return dg.SkipReason("; ".join(problems) or f"{counted(len(mine.store.opened()), 'check')} going on, nothing to ask for")


def nightly_schedule(job: object) -> list[dg.ScheduleDefinition]:
    """Return the schedule, none where it is switched off.

    Raises:
        UsageError: the setting is no cron, or no time zone.
    """
    loaded = settings.load()
    if not loaded.drift_cron:
        return []
    _refuse_odd(loaded)

    @dg.schedule(  # pyright: ignore[reportUnknownMemberType]  # its hooks have no type
        name=NIGHTLY,
        job=job,  # pyright: ignore[reportArgumentType]
        cron_schedule=loaded.drift_cron,
        execution_timezone=loaded.drift_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Looks every night for drift in every stack, and reports it. Accounts are entered over INFRA_DRIFT_JITTER_S.",
    )
    def nightly_drift(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        now = settings.load()
        sweep(rooms(now.home))
        check = nightly(Planner(now), NIGHTLY)
        if check is None:
            return dg.SkipReason("there is no TEP to look at")
        mine, runs = conductor(now, context.instance)
        mine.advance(check.id)
        context.log.info("check %s is begun; what is not due yet the sensor `checks` asks for", check.id)
        return runs.requested or dg.SkipReason(f"check {check.id} has nothing to look at")

    return [nightly_drift]


def _reporter(loaded: Settings) -> Reporter:
    fleet = {tep.name: tep for tep in Planner(loaded).registry.list()}
    return Reporter(loaded, fleet, loaded.public_url or Services(loaded).url() or "")


def _repair(loaded: Settings, check: Check) -> list[str]:
    """Start a rollout of what drift of low risk was found in, where the settings allow it."""
    if not loaded.drift_repair or check.who != NIGHTLY:
        return []  # who looks by hand wants to look
    planner = Planner(loaded)
    cells = by_itself(_reporter(loaded).store.cells(check.id), planner.registry.list(), loaded.drift_repair)
    if not cells:
        return []
    trigger = Trigger(kind="drift", who=NIGHTLY, detail=f"check {check.id}: {counted(len(cells), 'cell')} of low risk")
    selection = Selection(teps=sorted({tep for tep, _ in cells}))
    try:
        launch(planner, Launch(selection, trigger, drifted=True, cells=frozenset(cells)))
    except InfraError as error:
        return [f"drift that check {check.id} has found is not repaired: {error}"]
    return []


def _refuse_odd(loaded: Settings) -> None:
    if not is_valid_cron_string(loaded.drift_cron):
        raise UsageError(f"INFRA_DRIFT_CRON: {loaded.drift_cron!r} is no cron schedule", remedy="Such as 0 2 * * *, every night at two.")
    try:
        ZoneInfo(loaded.drift_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is none
        raise UsageError(f"INFRA_DRIFT_ZONE: {loaded.drift_zone!r} is no time zone", remedy="Such as UTC or Europe/Berlin.") from None

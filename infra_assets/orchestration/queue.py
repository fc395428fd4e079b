"""Dagster's run queue with the deployment cap of our settings, and who is next in it.

A run's place is a number, Dagster's `dagster/priority`: the highest first, among equals the one that came first. It is that of the run's
class (`PRIORITIES`: hotfix, rollout, preview, drift) less the run's rank: its place in line among the runs of its own tenant. So a tenant
with fifty waiting runs does not keep another one waiting that has one, and while anything may start, something does.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from dagster import DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator, RunQueueConfig

from infra_assets import settings
from infra_assets.errors import UsageError
from infra_assets.fleet.database import connect
from infra_assets.fleet.registry import Registry
from infra_assets.runs import (
    CHECKS,
    CLASS_TAG,
    OPERATION_TAG,
    PARTITION_TAG,
    PRIORITIES,
    PRIORITY_TAG,
    ROLLOUT_TAG,
    SHARE_TAG,
    TENANT_TAG,
    TEP_TAG,
)

LOG = logging.getLogger(__name__)

UP = "up"
CHECK_OPERATIONS = ("preview", "drift")
CONTROL = "control"
CONTROL_JOBS = "_rollout"
"""How the names of jobs end that halt, resume or approve: they deploy nothing, and must not wait behind what they are to halt."""
CONTROL_PRIORITY = 4000
FURTHEST = 900
"""How far behind its class a run may stand; the classes are 1,000 apart."""
SEEN = 50
"""How many waiting runs are looked at for a run's place in line."""
DEPLOYING_JOBS = ("rollout", "__ASSET_JOB")

Tags = Mapping[str, str]


class FleetRunCoordinator(QueuedRunCoordinator):
    """A queued run coordinator whose limit is `INFRA_CAP`, which dagster.yaml cannot default by itself."""

    def get_run_queue_config(self) -> RunQueueConfig:
        """Return the queue's limits."""
        configured, config = settings.load(), super().get_run_queue_config()
        checks = {"key": SHARE_TAG, "value": CHECKS, "limit": max(1, int(configured.cap * configured.check_share))}
        return config._replace(max_concurrent_runs=configured.cap, tag_concurrency_limits=[*config.tag_concurrency_limits, checks])

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        """Put a run into the queue, whoever asked for it, with the tags by which the queue treats it."""
        run = context.dagster_run
        self._instance.add_run_tags(run.run_id, self._completed(run))
        return super().submit_run(context)

    def _completed(self, run: DagsterRun) -> dict[str, str]:
        try:
            return complete(run.tags, run.job_name, tenant_of=_tenant, rank_of=self._rank)
        except Exception:
            # It keeps to its class and its share all the same; only its tenant's other runs are not taken into account.
            LOG.exception("run %s goes into the queue as nobody's", run.run_id)
            return complete(run.tags, run.job_name, tenant_of=lambda _tep: None, rank_of=lambda _class, _tenant: 0)

    def _rank(self, class_: str, tenant: str) -> int:
        """Return a new run's place in line: behind its tenant's last waiting run of the class, but never ahead of those that are due.

        The longest waiting run stands for what is due: from there a tenant begins that comes anew.
        """
        due = self._waiting(class_, {}, oldest=True)
        last = self._waiting(class_, {TENANT_TAG: tenant}, oldest=False)
        return max(0 if due is None else _rank_in(due, class_), 0 if last is None else _rank_in(last, class_) + 1)

    def _waiting(self, class_: str, tags: Tags, *, oldest: bool) -> Tags | None:
        """Return the tags of the oldest or newest waiting run of a class, if it is among the first that come.

        The class is looked for here: a query by two tags costs Dagster's storage 200 ms with 10,000 runs in the history, by one 3 ms.
        """
        found = self._instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.QUEUED], tags=dict(tags)), limit=SEEN, ascending=oldest)
        return next((run.tags for run in found if run.tags.get(CLASS_TAG) == class_), None)


def complete(tags: Tags, job: str, *, tenant_of: Callable[[str], str | None], rank_of: Callable[[str, str], int]) -> dict[str, str]:
    """Return the tags that a run lacks or that the queue decides; `rank_of` is asked with its class and tenant.

    A priority that a person gave a run of theirs is taken as a shift inside its class, and replaces the rank.
    """
    if job.endswith(CONTROL_JOBS) or tags.get(OPERATION_TAG) == CONTROL:
        return {OPERATION_TAG: CONTROL, PRIORITY_TAG: str(CONTROL_PRIORITY)}
    added: dict[str, str] = {}
    tep = tags.get(TEP_TAG) or tags.get(PARTITION_TAG)
    tenant = tags.get(TENANT_TAG) or (tenant_of(tep) if tep else None)
    if tep and tenant:
        added |= {TEP_TAG: tep, TENANT_TAG: tenant}
    operation = tags.get(OPERATION_TAG) or (UP if tep or job in DEPLOYING_JOBS else "")
    if operation:
        added[OPERATION_TAG] = operation
    if operation in CHECK_OPERATIONS:
        added[SHARE_TAG] = CHECKS
    added[CLASS_TAG] = class_ = _class(tags, operation)
    return added | {PRIORITY_TAG: str(PRIORITIES[class_] + _shift(tags, class_, tenant, rank_of))}


def _class(tags: Tags, operation: str) -> str:
    given = tags.get(CLASS_TAG, operation)
    return given if given in PRIORITIES else operation if operation in PRIORITIES else "rollout"


def _shift(tags: Tags, class_: str, tenant: str | None, rank_of: Callable[[str, str], int]) -> int:
    by_hand = None if tags.keys() & {CLASS_TAG, ROLLOUT_TAG} else _number(tags.get(PRIORITY_TAG))
    if by_hand is not None:
        return max(-FURTHEST, min(by_hand, FURTHEST))
    return -min(rank_of(class_, tenant), FURTHEST) if tenant else 0


def _rank_in(tags: Tags, class_: str) -> int:
    """Return how far behind its class a waiting run stands."""
    priority = _number(tags.get(PRIORITY_TAG))
    return 0 if priority is None else max(0, PRIORITIES[class_] - priority)


def _number(text: str | None) -> int | None:
    try:
        return int(text) if text else None
    except ValueError:
        return None


def _tenant(tep: str) -> str | None:
    """Return whose TEP it is, None where the fleet has none of that name."""
    with suppress(UsageError):
        return Registry(connect(settings.load().database_url)).get(tep).tenant
    return None

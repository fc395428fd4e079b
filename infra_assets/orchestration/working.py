"""What the steps of a run share: it is one TEP's, so that its environment is opened once, and its account entered once."""

from functools import lru_cache

import dagster as dg

from infra_assets import settings
from infra_assets.environments.providers import Clients
from infra_assets.planning.planner import Planner
from infra_assets.rollouts.work import Work
from infra_assets.runs import BY_HAND_TAG, CHECK_TAG, ROLLOUT_TAG
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.operator import Operator
from infra_assets.stacks.projects import Catalogue

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext


@lru_cache(maxsize=1)
def operator(run_id: str) -> Operator:  # noqa: ARG001  # the key
    """Return the run's operator."""
    return Operator(settings.load())


@lru_cache(maxsize=1)
def planner(run_id: str) -> Planner:  # noqa: ARG001  # the key
    """Return the run's planner."""
    return Planner(settings.load())


@lru_cache(maxsize=1)
def clients(run_id: str) -> Clients:  # noqa: ARG001  # the key
    """Return the run's door to AWS."""
    return Clients(lambda: Aws(environment(settings.load())))


def rollout(context: Context) -> str:
    """Return the rollout that the run belongs to, empty for none."""
    tags = context.run.tags
    return "" if BY_HAND_TAG in tags else tags.get(ROLLOUT_TAG, "")


def check(run: dg.DagsterRun) -> str:
    """Return the check that a run belongs to, empty for none."""
    return "" if BY_HAND_TAG in run.tags else run.tags.get(CHECK_TAG, "")


def work(context: Context) -> Work:
    """Return what the run works on."""
    return _work(context.run.run_id, context.partition_key, rollout(context))


@lru_cache(maxsize=8)
def _work(run_id: str, tep: str, rollout_id: str) -> Work:  # noqa: ARG001  # the key: a rollout's next run of the TEP may have other pins
    return Work(settings.load(), tep, rollout_id)


def note_skipped(cell: Cell, catalogue: Catalogue, context: Context, why: str) -> None:
    """Record that this run will not come to the cells downstream of one: Dagster skips their steps silently."""
    run = context.run
    ledger = operator(run.run_id).ledger
    going_to = context.job_def.asset_layer.executable_asset_keys
    names = [project.name for project in catalogue.downstream(cell.project.name) if dg.AssetKey(project.name) in going_to]
    message = f"not tried: {cell.name} {why}"
    for name in names:
        ledger.skip((cell.tep.name, name), message, run_id=run.run_id, rollout_id=rollout(context))
    work(context).skipped(names, message, run.run_id)

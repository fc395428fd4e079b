"""Jobs: what a run of the queue may be."""

from collections import Counter
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.orchestration.client import DRIFT, HEALTHY, IN_SYNC, PREVIEW, PREVIEW_OP, ROLLOUT
from infra_assets.orchestration.working import check, operator, planner
from infra_assets.previews.previewing import PreviewOf
from infra_assets.previews.store import CheckStore
from infra_assets.rollouts.foresight import DELETES, ERROR, REPLACEMENTS
from infra_assets.rollouts.work import Work
from infra_assets.runs import OPERATION_TAG, ROLLOUT_TAG
from infra_assets.stacks import health
from infra_assets.stacks.outcome import Outcome


def rollout_job(names: list[str]) -> UnresolvedAssetJobDefinition:
    """Return the job that deploys a TEP: every project, or those that are asked for, upstream first."""
    healthy = [dg.AssetCheckKey(dg.AssetKey(name), HEALTHY) for name in names if name in health.CHECKS]
    return dg.define_asset_job(  # pyright: ignore[reportUnknownMemberType]  # its hooks have no type
        ROLLOUT,
        selection=dg.AssetSelection.assets(*names).without_checks() | dg.AssetSelection.checks(*healthy),
        description="Deploys a tenant-environment pair: runs `up` on each of its stacks, in the order of their dependencies.",
        tags={OPERATION_TAG: "up"},
    )


def drift_job(names: list[str]) -> UnresolvedAssetJobDefinition:
    """Return the job that checks a TEP for drift: the check `in_sync` of every project, or of those that are asked for."""
    checks = [dg.AssetCheckKey(dg.AssetKey(name), IN_SYNC) for name in names]
    return dg.define_asset_job(  # pyright: ignore[reportUnknownMemberType]  # its hooks have no type
        DRIFT,
        selection=dg.AssetSelection.checks(*checks),
        description="Compares a tenant-environment pair with the cloud, and with what is merged and configured; changes nothing.",
        tags={OPERATION_TAG: DRIFT},
    )


class PreviewConfig(dg.Config):
    """What is previewed."""

    tep: str
    """A TEP, such as acme-prod."""
    projects: list[str]


@dg.op(name=PREVIEW_OP, description="Previews a TEP's stacks, for a rollout or under a proposal; changes nothing.")
def preview_op(context: dg.OpExecutionContext, config: PreviewConfig) -> None:
    """Preview each cell; for a rollout, note what it would delete and replace."""
    if check_id := check(context.run):
        _preview_proposal(context, check_id, config.tep)
    else:
        _preview_rollout(context, config)


def _preview_proposal(context: dg.OpExecutionContext, check_id: str, tep_name: str) -> None:
    mine = planner(context.run_id)
    store = CheckStore(connect(mine.settings.database_url))
    found = PreviewOf(mine, operator(context.run_id), store, check_id, mine.registry.get(tep_name), context.run_id).look()
    counts = Counter(each.verdict for each in found)
    context.log.info("%s: %s", tep_name, ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))


def _preview_rollout(context: dg.OpExecutionContext, config: PreviewConfig) -> None:
    rollout_id = context.run.tags.get(ROLLOUT_TAG, "")
    work, operator_ = Work(settings.load(), config.tep, rollout_id), operator(context.run_id)
    for project in config.projects:
        try:
            found = foreseen(operator_.preview(work.cell(project)))
        except InfraError as error:
            found = {ERROR: error.message}
        work.foreseen(project, found)
        context.log.info("%s/%s: %s", project, config.tep, found)


def foreseen(outcome: Outcome) -> dict[str, Any]:
    """Return what a preview says, as a rollout's gate reads it: counts, and names of what would be deleted or replaced."""
    if not outcome.ok:
        return {ERROR: outcome.message}
    named = {
        operation: [f"{change.type} {change.name}" for change in outcome.changes if change.operation == operation]
        for operation in (DELETES, REPLACEMENTS)
    }
    return {"counts": dict(outcome.counts), **named}


@dg.job(  # pyright: ignore[reportUnknownMemberType]  # its hooks have no type
    name=PREVIEW, tags={OPERATION_TAG: "preview"}, description="Previews stacks of a tenant-environment pair; changes nothing."
)
def preview_job() -> None:
    """Preview."""
    preview_op()

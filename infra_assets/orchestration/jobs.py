"""Jobs: what a run of the queue may be."""

from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.orchestration.client import PREVIEW_OP
from infra_assets.orchestration.working import operator
from infra_assets.rollouts.foresight import DELETES, ERROR, REPLACEMENTS
from infra_assets.rollouts.work import Work
from infra_assets.runs import OPERATION_TAG, ROLLOUT_TAG
from infra_assets.stacks.outcome import Outcome

ROLLOUT = "rollout"
PREVIEW = "preview"


def rollout_job(names: list[str]) -> UnresolvedAssetJobDefinition:
    """Return the job that deploys a TEP: every project, or those that are asked for, upstream first."""
    selection = dg.AssetSelection.assets(*names)
    return dg.define_asset_job(  # pyright: ignore[reportUnknownMemberType]  # its hooks have no type
        ROLLOUT,
        selection=selection | dg.AssetSelection.checks_for_assets(*[dg.AssetKey(name) for name in names]),
        description="Deploys a tenant-environment pair: runs `up` on each of its stacks, in the order of their dependencies.",
        tags={OPERATION_TAG: "up"},
    )


class PreviewConfig(dg.Config):
    """What is previewed."""

    tep: str
    """A TEP, such as acme-prod."""
    projects: list[str]


@dg.op(name=PREVIEW_OP, description="Previews a TEP's stacks for a rollout; changes nothing.")
def preview_op(context: dg.OpExecutionContext, config: PreviewConfig) -> None:
    """Preview each cell, and note what it would delete and replace."""
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

"""Jobs: what a run of the queue may be."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

ROLLOUT = "rollout"


def rollout_job(names: list[str]) -> UnresolvedAssetJobDefinition:
    """Return the job that deploys a TEP: every project, or those that are asked for, upstream first."""
    return dg.define_asset_job(  # pyright: ignore[reportUnknownMemberType]  # its hooks have no type
        ROLLOUT,
        selection=dg.AssetSelection.assets(*names),
        description="Deploys a tenant-environment pair: runs `up` on each of its stacks, in the order of their dependencies.",
        tags={"infra/operation": "up"},
    )

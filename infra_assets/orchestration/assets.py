"""Assets: one per Pulumi project; a partition is a cell, and materializing it is an `up`."""

from functools import lru_cache
from typing import Any

import dagster as dg

from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.fleet.registry import Registry
from infra_assets.orchestration import metadata
from infra_assets.orchestration.partitions import teps
from infra_assets.rollouts.runs import ROLLOUT_TAG
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.operator import Operator
from infra_assets.stacks.projects import Catalogue, Problem, Project


class UpConfig(dg.Config):
    """How a materialization goes about it."""

    force: bool = False
    """Run the engine even where the effective inputs are those of the last success."""


def build_assets(catalogue: Catalogue) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Return an asset for each tenant project, and a mere description for each that cannot be loaded."""
    return [
        *(_asset(project, catalogue) for project in catalogue.tenant_projects()),
        *(_broken(problem) for problem in catalogue.problems),
    ]


def _asset(project: Project, catalogue: Catalogue) -> dg.AssetsDefinition:
    about = project.about

    @dg.asset(
        name=project.name,
        description=project.description,
        group_name=about.group,
        kinds=set(about.kinds),
        owners=list(about.owners),
        deps=list(about.depends_on),
        partitions_def=teps,
        code_version=project.version,
        metadata={"program": str(project.program)},
    )
    def up(context: dg.AssetExecutionContext, config: UpConfig) -> dg.MaterializeResult[Any]:
        cell = Cell(project, Registry(connect(settings.load().database_url)).get(context.partition_key))
        try:
            return _materialize(cell, context, config)
        except BaseException:
            _note_skipped(cell, catalogue, context)
            raise

    return up


def _materialize(cell: Cell, context: dg.AssetExecutionContext, config: UpConfig) -> dg.MaterializeResult[Any]:
    try:
        deployment = _operator(context.run_id).deploy(cell, run_id=context.run_id, rollout_id=_rollout(context), force=config.force)
    except InfraError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    outcome = deployment.outcome
    if outcome is None:
        context.log.info("%s: unchanged", cell.name)
    elif not outcome.ok:
        raise dg.Failure(f"{cell.name}: {outcome.message}", metadata=metadata.failed(cell, outcome), allow_retries=False)
    else:
        context.log.info("%s: deployed in %.1f s, %s", cell.name, outcome.duration_s, outcome.counts or "no changes")
    return dg.MaterializeResult(metadata=metadata.deployed(cell, deployment))


def _note_skipped(cell: Cell, catalogue: Catalogue, context: dg.AssetExecutionContext) -> None:
    """Record that this run will not come to the cells downstream of one that failed: Dagster skips their steps silently."""
    ledger = _operator(context.run_id).ledger
    selected = context.run.asset_selection
    for project in catalogue.downstream(cell.project.name):
        if selected is None or dg.AssetKey(project.name) in selected:
            key = (cell.tep.name, project.name)
            ledger.skip(key, f"not tried: {cell.name} failed", run_id=context.run_id, rollout_id=_rollout(context))


@lru_cache(maxsize=1)
def _operator(run_id: str) -> Operator:  # noqa: ARG001  # the key: a run's steps share one, so that its TEP's environment is opened once
    return Operator(settings.load())


def _rollout(context: dg.AssetExecutionContext) -> str:
    return context.run.tags.get(ROLLOUT_TAG, "")


def _broken(problem: Problem) -> dg.AssetSpec:
    name = "".join(letter if letter.isalnum() else "_" for letter in problem.name)
    return dg.AssetSpec(
        name, group_name="cannot_be_loaded", description=f"**This project cannot be loaded.**\n\n{problem.message}", kinds={"pulumi"}
    )

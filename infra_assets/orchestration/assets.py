"""Assets: one per Pulumi project; a partition is a cell, and materializing it is an `up`."""

from typing import Any

import dagster as dg

from infra_assets.errors import InfraError
from infra_assets.orchestration import metadata
from infra_assets.orchestration.partitions import teps
from infra_assets.orchestration.working import note_skipped, operator, rollout, work
from infra_assets.planning.plan import UNCHANGED
from infra_assets.runs import LATEST_REPORT
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.ledger import DEPLOYED, FAILED
from infra_assets.stacks.projects import Catalogue, Problem, Project


class UpConfig(dg.Config):
    """How a materialization goes about it."""

    force: bool = False
    """Run the engine even where the effective inputs are those of the last success."""
    refresh: bool = False
    """Look at the cloud first, and change back what somebody has changed there."""


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
        metadata={"program": str(project.program), "matrix": dg.MetadataValue.url(LATEST_REPORT)},
    )
    def up(context: dg.AssetExecutionContext, config: UpConfig) -> dg.MaterializeResult[Any]:
        try:
            cell = work(context).cell(project.name)
        except InfraError as error:
            work(context).ended(project.name, FAILED, message=str(error))
            raise dg.Failure(str(error), allow_retries=False) from None
        try:
            return _materialize(cell, context, config)
        except BaseException:
            note_skipped(cell, catalogue, context, "failed")
            raise

    return up


def _materialize(cell: Cell, context: dg.AssetExecutionContext, config: UpConfig) -> dg.MaterializeResult[Any]:
    mine, name = work(context), cell.project.name
    mine.began(name, context.run_id)
    try:
        deployment = operator(context.run_id).deploy(
            cell, run_id=context.run_id, rollout_id=rollout(context), force=config.force or config.refresh, refresh=config.refresh
        )
    except InfraError as error:
        mine.ended(name, FAILED, message=str(error))
        raise dg.Failure(str(error), allow_retries=False) from None
    except BaseException as error:
        mine.ended(name, FAILED, message=f"interrupted ({type(error).__name__})")
        raise
    outcome = deployment.outcome
    if outcome is None:
        mine.ended(name, UNCHANGED)
        context.log.info("%s: unchanged", cell.name)
    elif not outcome.ok:
        mine.ended(name, FAILED, outcome.counts, outcome.message)
        raise dg.Failure(f"{cell.name}: {outcome.message}", metadata=metadata.failed(cell, outcome), allow_retries=False)
    else:
        mine.ended(name, DEPLOYED, outcome.counts)
        context.log.info("%s: deployed in %.1f s, %s", cell.name, outcome.duration_s, outcome.counts or "no changes")
    return dg.MaterializeResult(metadata=metadata.deployed(cell, deployment))


def _broken(problem: Problem) -> dg.AssetSpec:
    name = "".join(letter if letter.isalnum() else "_" for letter in problem.name)
    return dg.AssetSpec(
        name, group_name="cannot_be_loaded", description=f"**This project cannot be loaded.**\n\n{problem.message}", kinds={"pulumi"}
    )

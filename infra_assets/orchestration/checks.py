"""Asset checks: whether what a cell's stack made works, as AWS says. What is downstream of a cell that does not is not deployed."""

from collections.abc import Callable
from typing import Any

import dagster as dg
from dagster._utils.warnings import disable_dagster_warnings

from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.orchestration.client import HEALTHY
from infra_assets.orchestration.partitions import teps
from infra_assets.orchestration.working import clients, note_skipped, operator, rollout, work
from infra_assets.rollouts.store import RolloutStore
from infra_assets.stacks import health
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.health import Finding, Health
from infra_assets.stacks.projects import Catalogue, Project

COLUMNS = dg.TableSchema([dg.TableColumn("what"), dg.TableColumn("ok", "bool"), dg.TableColumn("detail")])
Record = Callable[[str, Cell, Health], None]
"""Is told what a check of a rollout came to: rollout, cell, health."""


def record_health(rollout_id: str, cell: Cell, found: Health) -> None:
    """Tell the rollout's gate."""
    store = RolloutStore(connect(settings.load().database_url))
    store.set_health(rollout_id, cell.tep.name, cell.project.name, healthy=found.healthy, detail=found.summary)


def build_checks(catalogue: Catalogue, record: Record = record_health) -> list[dg.AssetChecksDefinition]:
    """Return a check for each project of which we know what to look at; the others have none."""
    # That a check has partitions is called a preview in this version of Dagster: a warning that would stand in every command's output.
    with disable_dagster_warnings():
        return [_healthy(project, catalogue, record) for project in catalogue.tenant_projects() if project.name in health.CHECKS]


def _healthy(project: Project, catalogue: Catalogue, record: Record) -> dg.AssetChecksDefinition:
    def conclude(context: dg.AssetCheckExecutionContext, cell: Cell, found: Health) -> None:
        if rollout_id := rollout(context):
            record(rollout_id, cell, found)
        if not found.healthy:
            context.log.error("%s is not healthy: %s", cell.name, found.summary)
            note_skipped(cell, catalogue, context, "is not healthy")

    @dg.asset_check(
        asset=project.name,
        name=HEALTHY,
        description=f"Asks AWS, in the TEP's account, whether what {project.name} made works.",
        blocking=True,
        partitions_def=teps,
    )
    def healthy(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        if not context.has_partition_key:
            raise dg.Failure(f"{project.name}: {HEALTHY} is a check of one TEP: choose its partition", allow_retries=False)
        try:
            cell = work(context).cell(project.name)
        except InfraError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        try:
            found = _look(cell, context)
        except BaseException as error:
            conclude(context, cell, Health([Finding("look", ok=False, detail=f"interrupted ({type(error).__name__})")], 0.0))
            raise
        conclude(context, cell, found)
        return dg.AssetCheckResult(
            passed=found.healthy, severity=dg.AssetCheckSeverity.ERROR, description=found.summary, metadata=_metadata(found)
        )

    return healthy


def _look(cell: Cell, context: dg.AssetCheckExecutionContext) -> Health:
    return health.check(
        operator(context.run.run_id),
        cell,
        clients(context.run.run_id),
        rollout_id=rollout(context),
        timeout_s=settings.load().health_timeout_s,
    )


def _metadata(found: Health) -> dict[str, dg.MetadataValue[Any]]:
    records = [dg.TableRecord({"what": each.name, "ok": each.ok, "detail": each.detail}) for each in found.findings]
    return {
        "findings": dg.MetadataValue.table(records, COLUMNS),
        "took_s": dg.MetadataValue.float(round(found.took_s, 2)),
    }

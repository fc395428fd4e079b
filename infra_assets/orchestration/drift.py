"""The asset check `in_sync`: whether a cell is in the cloud as it was recorded, and as it is merged and configured. Changes nothing."""

from functools import lru_cache

import dagster as dg
from dagster._utils.warnings import disable_dagster_warnings

from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.orchestration import metadata
from infra_assets.orchestration.client import IN_SYNC
from infra_assets.orchestration.partitions import teps
from infra_assets.orchestration.working import check, operator, planner
from infra_assets.previews.drift import DriftOf
from infra_assets.previews.looking import Finding, written
from infra_assets.previews.store import CheckStore
from infra_assets.reports.matrix import ERROR
from infra_assets.reports.matrix import IN_SYNC as CLEAN
from infra_assets.stacks.projects import Catalogue


def build_drift_checks(catalogue: Catalogue) -> list[dg.AssetChecksDefinition]:
    """Return the check of each project."""
    # That a check has partitions is called a preview in this version of Dagster: a warning that would stand in every command's output.
    with disable_dagster_warnings():
        return [_in_sync(project.name) for project in catalogue.tenant_projects()]


def _in_sync(project: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=project,
        name=IN_SYNC,
        description="Compares the stack with the cloud, and with what is merged and configured. Reads only.",
        blocking=False,
        partitions_def=teps,
    )
    def in_sync(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        if not context.has_partition_key:
            raise dg.Failure(f"{project}: {IN_SYNC} is a check of one TEP: choose its partition", allow_retries=False)
        tep = planner(context.run.run_id).registry.get(context.partition_key)
        check_id = check(context.run)
        if context.job_def.asset_layer.executable_asset_keys:
            _made.cache_clear()  # this run has also deployed something since the last look
        found = _look(context.run.run_id, tep, project, check_id)
        shown = metadata.checked(tep, found, check_id)
        # The partition's own page shows it too, beside its materializations.
        context.op_execution_context.log_event(dg.AssetObservation(project, partition=tep.name, metadata=shown))
        severity = dg.AssetCheckSeverity.ERROR if found.verdict == ERROR else dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(passed=found.verdict == CLEAN, severity=severity, description=_said(found), metadata=shown)

    return in_sync


def _look(run_id: str, tep: Tep, project: str, check_id: str) -> Finding:
    store = CheckStore(connect(settings.load().database_url)) if check_id else None
    kept: list[Finding] = []
    with written(store, check_id, tep.name, project, run_id) as note:
        try:
            kept.append(_drift(run_id, tep.name).look(project))
        except InfraError as error:
            kept.append(Finding(ERROR, message=str(error)))
        note(kept[0])
    return kept[0]


def _drift(run_id: str, tep: str) -> DriftOf:
    return _made(run_id, tep)


@lru_cache(maxsize=1)
def _made(run_id: str, tep: str) -> DriftOf:
    """Return the looks at a TEP that a run shares between its checks."""
    mine = planner(run_id)
    return DriftOf(mine, operator(run_id), mine.registry.get(tep))


def _said(found: Finding) -> str:
    return ": ".join(filter(None, [found.verdict, found.message or found.cause]))

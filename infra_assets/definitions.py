"""Everything that Dagster sees."""

import dagster as dg

from infra_assets import settings
from infra_assets.orchestration.assets import build_assets
from infra_assets.orchestration.checking import nightly_schedule
from infra_assets.orchestration.checks import build_checks
from infra_assets.orchestration.controls import control_jobs
from infra_assets.orchestration.drift import build_drift_checks
from infra_assets.orchestration.fleet_report import fleet_report_asset
from infra_assets.orchestration.jobs import drift_job, preview_job, rollout_job
from infra_assets.orchestration.journal import rollouts_asset
from infra_assets.orchestration.known import known_catalogue
from infra_assets.orchestration.sensors import build_sensors

catalogue = known_catalogue(settings.load())
names = [project.name for project in catalogue.tenant_projects()]
rollout, drift = rollout_job(names), drift_job(names)

defs = dg.Definitions(
    assets=[*build_assets(catalogue), rollouts_asset(), fleet_report_asset()],
    asset_checks=[*build_checks(catalogue), *build_drift_checks(catalogue)],
    jobs=[rollout, preview_job, drift, *control_jobs()],
    sensors=build_sensors(rollout, preview_job, drift),
    schedules=nightly_schedule(drift),
    # One operation at a time in a run, so that concurrent runs are concurrent deployments.
    executor=dg.in_process_executor,
)

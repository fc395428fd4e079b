"""Everything that Dagster sees."""

import dagster as dg

from infra_assets import settings
from infra_assets.orchestration.assets import build_assets
from infra_assets.orchestration.jobs import rollout_job
from infra_assets.orchestration.sensors import fleet
from infra_assets.stacks.projects import discover

catalogue = discover(settings.load().root)

defs = dg.Definitions(
    assets=build_assets(catalogue),
    jobs=[rollout_job([project.name for project in catalogue.tenant_projects()])],
    sensors=[fleet],
    # One operation at a time in a run, so that concurrent runs are concurrent deployments.
    executor=dg.in_process_executor,
)

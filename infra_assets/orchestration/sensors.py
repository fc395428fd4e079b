"""Sensors: what is looked at all the time."""

import dagster as dg

from infra_assets import settings
from infra_assets.fleet.database import connect
from infra_assets.fleet.registry import Registry
from infra_assets.orchestration.partitions import teps


@dg.sensor(  # pyright: ignore[reportUnknownMemberType]  # its jobs have no type
    name="fleet", minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING
)
def fleet(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Give every TEP of the fleet its partition. A partition is never taken away: its history would go with it."""
    present = set(context.instance.get_dynamic_partitions("tep"))
    missing = [tep.name for tep in Registry(connect(settings.load().database_url)).list() if tep.name not in present]
    if not missing:
        return dg.SkipReason(f"{len(present)} TEPs, each with its partition")
    return dg.SensorResult(dynamic_partitions_requests=[teps.build_add_request(missing)])

"""Which asset checks a run evaluates: Dagster takes all of its assets' where none is named."""

from collections.abc import Sequence

import dagster as dg
import pytest

from infra_assets.orchestration.client import DRIFT, HEALTHY, IN_SYNC, ROLLOUT, DagsterClient
from infra_assets.orchestration.instance_runs import _run_request
from infra_assets.runs import RunRequest


def request(job: str, *projects: str) -> RunRequest:
    return RunRequest("acme-prod", projects, {"infra/request": "r"}, job=job)


@pytest.mark.parametrize(
    ("asked", "assets", "checks"),
    [
        (request(ROLLOUT, "network", "billing"), ["network", "billing"], [("network", HEALTHY)]),
        (request(ROLLOUT, "billing"), ["billing"], []),
        (request(DRIFT, "network", "billing"), [], [("network", IN_SYNC), ("billing", IN_SYNC)]),
    ],
)
def test_it_is_always_told(asked: RunRequest, assets: Sequence[str], checks: Sequence[tuple[str, str]]) -> None:
    selector = DagsterClient("http://localhost:1")._parameters(asked)["selector"]
    assert selector["assetSelection"] == [{"path": [name]} for name in assets]
    assert selector["assetCheckSelection"] == [{"assetKey": {"path": [project]}, "name": name} for project, name in checks]
    of_a_sensor = _run_request(asked)
    assert of_a_sensor.asset_selection == [dg.AssetKey(name) for name in assets]
    assert of_a_sensor.asset_check_keys == [dg.AssetCheckKey(dg.AssetKey(project), name) for project, name in checks]

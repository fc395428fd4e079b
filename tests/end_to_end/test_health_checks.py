"""Health checks in real runs: each is recorded for its TEP, in whatever way the run was started, and keeps back what is downstream."""

import json
from collections.abc import Generator, Sequence
from typing import Any

import pytest

from infra_assets.sandbox.tools import Tools
from tests.conftest import ROOT
from tests.end_to_end.graphql import graphql, launch
from tests.end_to_end.house import House, wait_for

pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.timeout(300)]

FLEET = """
tenants:
  acme:
    environments:
      dev:
        settings: &settings
          network: {cidr: 10.0.0.0/20, nat: none, flow_logs: false}
          cluster: {instance_type: t3.small, min_size: 1, max_size: 2}
  other:
    environments:
      dev: {settings: *settings}
"""
PROJECTS = ("account", "network", "cluster")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Generator[House]:
    """Two TEPs that are deployed; then somebody takes the internet gateway of one away."""
    built = House(ROOT, tmp_path_factory.mktemp("health"))
    built.variables["INFRA_HEALTH_TIMEOUT_S"] = "1"
    try:
        built.done("sandbox", "up")
        built.import_fleet(FLEET)
        built.done("ui")
        wait_for("the partitions", lambda: _partitions(built) == {"acme-dev", "other-dev"})
        runs = [started(built, tep, PROJECTS, job="rollout") for tep in ("acme-dev", "other-dev")]
        assert [ended(built, run) for run in runs] == ["SUCCESS", "SUCCESS"]
        yield built
    finally:
        built.close()


@pytest.fixture(scope="module")
def broken(house: House) -> None:
    ec2 = house.client(house.registry.get("acme-dev"), "ec2")
    vpc = house.ledger.latest()["acme-dev", "network"].outputs["vpc_id"]
    for gateway in ec2.describe_internet_gateways()["InternetGateways"]:
        if vpc in [attached["VpcId"] for attached in gateway["Attachments"]]:
            ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)


def _partitions(house: House) -> set[str]:
    query = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode { partitionKeys } } }"""
    return set(graphql(house.dagster.url, query, {"key": {"path": ["network"]}})["assetNodeOrError"]["partitionKeys"])


def executions(house: House, project: str, tep: str) -> list[dict[str, Any]]:
    """Return what the UI shows of a check in one partition, newest first."""
    query = """query($key: AssetKeyInput!, $tep: String) { assetCheckExecutions(assetKey: $key, checkName: "healthy", partition: $tep,
      limit: 50) { runId status partition evaluation { success severity description metadataEntries { label
      ... on TableMetadataEntry { table { records } } ... on FloatMetadataEntry { floatValue } } } } }"""
    return graphql(house.dagster.url, query, {"key": {"path": [project]}, "tep": tep})["assetCheckExecutions"]


def started(house: House, tep: str | None, assets: Sequence[str], checks: Sequence[str] | None = None, job: str = "__ASSET_JOB") -> str:
    """Launch as the UI does; returns the run's id."""
    selector: dict[str, Any] = {
        "repositoryLocationName": "infra_assets",
        "repositoryName": "__repository__",
        "jobName": job,
        "assetSelection": [{"path": [project]} for project in assets],
    }
    if checks is not None:
        selector["assetCheckSelection"] = [{"assetKey": {"path": [project]}, "name": "healthy"} for project in checks]
    tags = [{"key": "dagster/partition", "value": tep}] if tep else []
    return launch(house.dagster.url, {"selector": selector, "executionMetadata": {"tags": tags}})


def ended(house: House, run_id: str) -> str:
    run = wait_for("the run to end", lambda: next((r for r in house.dagster.runs(ids=[run_id]) if not r.active), None), 90)
    return run.status


def test_the_job_records_a_check_for_each_cell(house: House) -> None:
    for tep in ("acme-dev", "other-dev"):
        for project in PROJECTS:
            (shown,) = executions(house, project, tep)
            assert (shown["status"], shown["partition"]) == ("SUCCEEDED", tep)
            entries = {entry["label"]: entry for entry in shown["evaluation"]["metadataEntries"]}
            found = [json.loads(record) for record in entries["findings"]["table"]["records"]]
            assert {record["ok"] for record in found} == {True}
            assert found[0]["what"] == "login"
            assert 0 < entries["took_s"]["floatValue"] < 5
    query = """query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode { assetChecksOrError {
      ... on AssetChecks { checks { name blocking partitionDefinition { name } } } } } } }"""
    node = graphql(house.dagster.url, query, {"key": {"path": ["network"]}})["assetNodeOrError"]
    shown = {check["name"]: check for check in node["assetChecksOrError"]["checks"]}
    assert shown["healthy"] == {"name": "healthy", "blocking": True, "partitionDefinition": {"name": "tep"}}


def test_a_cell_that_is_materialized_by_hand_brings_its_check(house: House) -> None:
    run_id = started(house, "other-dev", ["network"])
    assert ended(house, run_id) == "SUCCESS"
    assert executions(house, "network", "other-dev")[0]["runId"] == run_id
    assert len(executions(house, "cluster", "other-dev")) == 1


def test_a_backfill_brings_them_too(house: House) -> None:
    query = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) { __typename
      ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
    parameters = {"assetSelection": [{"path": ["account"]}], "partitionNames": ["acme-dev", "other-dev"]}
    answer = graphql(house.dagster.url, query, {"p": parameters})["launchPartitionBackfill"]
    assert answer["__typename"] == "LaunchBackfillSuccess", answer
    for tep in ("acme-dev", "other-dev"):
        shown = wait_for("the backfill's check", lambda tep=tep: next(iter(executions(house, "account", tep)[:-1]), None), 90)
        wait_for("it to end", lambda tep=tep: executions(house, "account", tep)[0]["status"] == "SUCCEEDED", 90)
        assert shown["partition"] == tep


def test_a_check_alone_looks_and_changes_nothing(house: House) -> None:
    before = house.ledger.latest()
    run_id = started(house, "other-dev", [], ["cluster"])
    assert ended(house, run_id) == "SUCCESS"
    assert executions(house, "cluster", "other-dev")[0]["runId"] == run_id
    assert house.ledger.latest() == before


def test_a_check_of_no_tep_fails_and_says_so(house: House) -> None:
    run_id = started(house, None, [], ["network"])
    assert ended(house, run_id) == "FAILURE"
    query = """query($id: ID!) { runOrError(runId: $id) { ... on Run { eventConnection { events { __typename
      ... on ExecutionStepFailureEvent { stepKey error { message } failureMetadata { description } } } } } } }"""
    events = graphql(house.dagster.url, query, {"id": run_id})["runOrError"]["eventConnection"]["events"]
    failures = [event for event in events if event["__typename"] == "ExecutionStepFailureEvent"]
    assert "choose its partition" in str(failures)


def test_what_is_not_healthy_keeps_back_what_is_downstream_and_other_teps_go_on(house: House, broken: None) -> None:
    """Though Pulumi finds nothing to do in either."""
    ill, well = started(house, "acme-dev", PROJECTS), started(house, "other-dev", PROJECTS)
    assert (ended(house, ill), ended(house, well)) == ("FAILURE", "SUCCESS")
    shown = executions(house, "network", "acme-dev")[0]
    assert (shown["status"], shown["runId"]) == ("FAILED", ill)
    assert shown["evaluation"]["severity"] == "ERROR"
    assert "0.0.0.0/0 by igw-" in shown["evaluation"]["description"]
    assert "is blackhole" in shown["evaluation"]["description"]
    planned = next(execution for execution in executions(house, "cluster", "acme-dev") if execution["runId"] == ill)
    assert planned["evaluation"] is None  # Dagster shows that it was to be looked at, and was not
    entry = house.ledger.latest()["acme-dev", "cluster"]
    assert (entry.state, entry.message, entry.run_id) == ("skipped", "not tried: network/acme-dev is not healthy", ill)
    assert executions(house, "network", "other-dev")[0]["runId"] == well


def test_a_red_check_alone_skips_nothing(house: House, broken: None) -> None:
    before = house.ledger.latest()
    run_id = started(house, "acme-dev", [], ["network"])
    assert ended(house, run_id) == "FAILURE"
    assert executions(house, "network", "acme-dev")[0]["status"] == "FAILED"
    assert house.ledger.latest() == before

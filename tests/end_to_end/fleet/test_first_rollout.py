"""The demo's fleet, on the real engine and a real Dagster: what a user sees after `make demo`."""

import time
from datetime import datetime
from typing import Any

import pytest
import yaml

from infra_assets.sandbox import emulator
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.operator import Operator
from infra_assets.stacks.projects import discover
from tests.conftest import ROOT
from tests.end_to_end.fleet.conftest import CAP, PROJECTS, TEPS
from tests.end_to_end.graphql import graphql, launch
from tests.end_to_end.house import House, Said, wait_for
from tests.end_to_end.overlap import busiest, most_at_once

pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.timeout(900)]


def test_every_cell_is_deployed_and_json_stands_alone_on_stdout(fleet: House, first_rollout: dict[str, Said]) -> None:
    said = first_rollout["rollout"]
    assert said.code == 0, said.err
    assert said.json["summary"] == {"deployed": len(TEPS) * len(PROJECTS)}
    assert f"{len(TEPS)} runs, at most {CAP} at once" in said.err


def test_status_shows_seven_teps_by_three_projects(fleet: House) -> None:
    assert fleet.states() == {(tep, project): "deployed" for tep in TEPS for project in PROJECTS}
    cell = fleet.done("status", "--tep", "customer1-prod", "--project", "network", "--format", "json").json["cells"][0]
    assert (cell["tenant"], cell["environment"], cell["ring"]) == ("customer1", "prod", "beta")
    assert cell["changes"]["create"] >= 15
    assert (cell["changes"]["update"], cell["changes"]["replace"], cell["changes"]["delete"]) == (0, 0, 0)
    assert cell["run_id"]
    assert cell["duration_s"] > 0
    assert datetime.fromisoformat(cell["finished_at"]).tzinfo is not None


def test_whether_it_works_is_asked_and_drift_is_not_looked_for(fleet: House) -> None:
    """That would run the engine again for each stack that was deployed a moment ago."""
    query = """query($key: AssetKeyInput!, $name: String!, $tep: String) { assetCheckExecutions(
      assetKey: $key, checkName: $name, partition: $tep, limit: 5) { status } }"""
    for name, seen in (("healthy", [{"status": "SUCCEEDED"}]), ("in_sync", [])):
        asked = {"key": {"path": ["network"]}, "name": name, "tep": TEPS[0]}
        assert graphql(fleet.dagster.url, query, asked)["assetCheckExecutions"] == seen


def test_each_account_holds_just_its_own_vpc(fleet: House) -> None:
    seen: set[str] = set()
    for tep in fleet.registry.list():
        vpcs = fleet.client(tep, "ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
        tags = {tag["Key"]: tag["Value"] for tag in vpcs[0]["Tags"]}
        configured = yaml.safe_load((fleet.environments / "tenants" / f"{tep.name}.yaml").read_text())["values"]["pulumiConfig"]
        assert [vpc["CidrBlock"] for vpc in vpcs] == [configured["network:cidr"]]
        assert (tags["tenant"], tags["environment"]) == (tep.tenant, tep.environment)
        seen.add(vpcs[0]["VpcId"])
    assert len(seen) == len(TEPS)


def test_capacity_is_the_tenants_own(fleet: House) -> None:
    def group(name: str) -> tuple[int, int, int]:
        tep = fleet.registry.get(name)
        found = fleet.client(tep, "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"][0]
        return found["MinSize"], found["DesiredCapacity"], found["MaxSize"]

    assert group("customer3-prod") == (3, 3, 9)
    assert group("ourcompany-dev") == (1, 1, 2)


def test_never_more_at_once_than_the_cap(fleet: House) -> None:
    runs = fleet.dagster.runs()
    assert most_at_once((run.started_at, run.ended_at) for run in runs if run.started_at and run.ended_at) <= CAP  # as the scheduler says
    assert 1 < busiest(emulator.calls(fleet.emulator)) <= CAP  # and as AWS has seen it


def test_every_stack_is_the_same_afterwards(fleet: House) -> None:
    """A preview with refresh asks the cloud about every resource: whatever it would change would read as drift for ever."""
    operator = Operator(fleet.settings)
    for name in ("customer3-prod", "ourcompany-dev"):
        for project in discover(ROOT).tenant_projects():
            outcome = operator.preview(Cell(project, fleet.registry.get(name)), refresh=True)
            assert outcome.ok, outcome.message
            assert outcome.counts == {}, [change for change in outcome.changes if change.operation not in ("same", "read", "refresh")]


def test_a_rollout_of_an_unchanged_fleet_starts_no_run(fleet: House) -> None:
    before = len(fleet.dagster.runs())
    began = time.monotonic()
    said = fleet.done("rollout", "--wait", "--format", "json")
    assert said.json["summary"] == {"unchanged": len(TEPS) * len(PROJECTS)}
    assert len(fleet.dagster.runs()) == before
    assert time.monotonic() - began < 10
    assert fleet.infra("plan").code == 0


def test_a_tenants_setting_runs_just_that_cell(fleet: House) -> None:
    file = fleet.environments / "tenants" / "customer1-prod.yaml"
    file.write_text(file.read_text().replace("cluster:desired: 2", "cluster:desired: 3"))
    plan = fleet.infra("plan", "--format", "json")
    assert (plan.code, plan.json["summary"]) == (3, {"run": 1, "unchanged": 20})
    cells = {(cell["tep"], cell["project"]): cell for cell in plan.json["cells"]}
    assert cells["customer1-prod", "cluster"]["cause"].startswith("configuration: cluster:desired 2 → 3 (tenants/customer1-prod ")

    rolled = fleet.done("rollout", "--wait", "--format", "json").json
    assert rolled["summary"] == {"deployed": 1, "unchanged": 20}
    groups = fleet.client(fleet.registry.get("customer1-prod"), "autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert groups[0]["DesiredCapacity"] == 3
    history = fleet.done("history", "customer1-prod", "--project", "cluster", "--format", "json").json
    assert history[0]["changes"] == {"update": 1}
    assert history[0]["rollout_id"] == rolled["rollout_id"]


def test_a_partition_materialized_by_hand_does_the_same(fleet: House) -> None:
    """The launch that the UI's `Materialize` button makes: no tags of ours, the whole asset graph of one partition."""
    params = {
        "selector": {
            "repositoryLocationName": "infra_assets",
            "repositoryName": "__repository__",
            "jobName": "__ASSET_JOB",
            "assetSelection": [{"path": [project]} for project in PROJECTS],
        },
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "customer2-prod"}]},
        "runConfigData": {"ops": {"cluster": {"config": {"force": True}}}},
    }
    url = fleet.dagster.url
    run_id = launch(url, params)
    run = wait_for("the run to end", lambda: next((r for r in fleet.dagster.runs(ids=[run_id]) if not r.active), None), 120)
    assert run.status == "SUCCESS"
    shown = materializations(url, run_id)
    assert shown["account"]["state"] == "unchanged"
    assert shown["cluster"]["state"] == "deployed"
    assert shown["cluster"]["why"] == "forced"
    assert (shown["cluster"]["create"], shown["cluster"]["update"]) == (0, 0)
    assert shown["cluster"]["aws_account"].startswith("https://signin.aws.amazon.com/switchrole?account=")
    assert "console.aws.amazon.com" in str(shown["cluster"])
    assert "(not public)" in str(shown["cluster"]["outputs"]) or "cluster_arn" in str(shown["cluster"]["outputs"])
    assert fleet.ledger.latest()["customer2-prod", "cluster"].run_id == run_id


def materializations(url: str, run_id: str) -> dict[str, dict[str, Any]]:
    query = """query($id: ID!) { runOrError(runId: $id) { ... on Run { assetMaterializations { assetKey { path } metadataEntries {
      label ... on TextMetadataEntry { text } ... on IntMetadataEntry { intValue } ... on FloatMetadataEntry { floatValue }
      ... on UrlMetadataEntry { url } ... on JsonMetadataEntry { jsonString } ... on MarkdownMetadataEntry { mdStr } } } } } }"""
    found = graphql(url, query, {"id": run_id})["runOrError"]["assetMaterializations"]
    return {
        item["assetKey"]["path"][0]: {
            entry["label"]: next((value for key, value in entry.items() if key != "label"), None) for entry in item["metadataEntries"]
        }
        for item in found
    }

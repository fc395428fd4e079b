"""Health checks: what each bad state of AWS reads like, and for how long is looked."""

import json
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.validate import ParamValidator

from infra_assets.environments.providers import Credentials
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.sandbox.sessions import isolated_session
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.health import CHECKS, Finding, Health, Look, check
from infra_assets.stacks.ledger import DEPLOYED, FAILED, Ledger
from infra_assets.stacks.projects import About, Project

TEP = Tep("acme", "prod", Ring.REGULAR, "eu-central-1", "111111111111", "x")
KEY = Credentials("AKIAEXAMPLE", "the-secret-access-key", "the-session-token")
OUTPUTS = {
    "account": {"deploy_role_arn": "arn:aws:iam::111111111111:role/infra-deploy"},
    "network": {"vpc_id": "vpc-1", "nat_public_ips": ["198.51.100.1", "198.51.100.2"]},
    "cluster": {"asg_name": "group", "cluster_name": "cluster", "capacity_provider": "provider"},
}
SECOND = datetime(2026, 1, 1, tzinfo=UTC)


def gateway(number: int, state: str = "available", **about: Any) -> dict[str, Any]:
    addresses = [{"PublicIp": f"198.51.100.{number}"}]
    return {"NatGatewayId": f"nat-{number}", "State": state, "NatGatewayAddresses": addresses, "CreateTime": SECOND, **about}


def instance(state: str = "InService", health: str = "Healthy", number: int = 1) -> dict[str, Any]:
    return {
        "InstanceId": f"i-{number}", "AvailabilityZone": "eu-central-1a", "LifecycleState": state, "HealthStatus": health,
        "ProtectedFromScaleIn": False,
    }  # fmt: skip


def group(*instances: dict[str, Any], desired: int = 2, **about: Any) -> dict[str, Any]:
    fixed = {
        "AutoScalingGroupName": "group", "MinSize": 0, "MaxSize": 4, "DefaultCooldown": 300, "AvailabilityZones": [],
        "HealthCheckType": "EC2", "CreatedTime": SECOND,
    }  # fmt: skip
    return {"AutoScalingGroups": [{**fixed, "DesiredCapacity": desired, "Instances": list(instances), **about}]}


def routes(state: str) -> dict[str, Any]:
    local = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"}
    default = {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": state}
    return {"RouteTables": [{"RouteTableId": "rtb-1", "Routes": [local, default]}]}


HEALTHY: Mapping[str, Any] = {
    "GetCallerIdentity": {"Account": TEP.account_id, "Arn": f"arn:aws:sts::{TEP.account_id}:assumed-role/infra-deploy/infra"},
    "DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1", "State": "available"}]},
    "DescribeNatGateways": {"NatGateways": [gateway(1), gateway(2)]},
    "DescribeRouteTables": routes("active"),
    "DescribeAutoScalingGroups": group(instance(number=1), instance(number=2)),
    "DescribeClusters": {"clusters": [{"clusterName": "cluster", "status": "ACTIVE", "capacityProviders": ["provider"]}]},
    "DescribeCapacityProviders": {"capacityProviders": [{"name": "provider", "status": "ACTIVE"}]},
}


def refusal(code: str, message: str = "no") -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": message}}


class Cloud:
    """AWS as boto3 has it before a request goes out: answers by operation, each of the shape that AWS' own description demands."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = dict(deepcopy(HEALTHY))
        self.asked: list[tuple[str, str, str]] = []
        self._session = isolated_session()

    def client(self, service: str, region: str, credentials: Credentials) -> Any:
        made = self._session.client(service, region_name=region, aws_access_key_id="k", aws_secret_access_key="s")
        made.meta.events.register("before-call", lambda model, **_: self._answer(model, region, credentials))
        return made

    def _answer(self, model: Any, region: str, credentials: Credentials) -> tuple[Any, Any]:
        self.asked.append((model.name, region, credentials.access_key_id))
        answer = self.answers[model.name]
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        if "Error" in answer:
            return SimpleNamespace(status_code=400), answer
        problems = ParamValidator().validate(answer, model.output_shape)
        assert not problems.has_errors(), problems.generate_report()
        return SimpleNamespace(status_code=200), answer


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def cell(project: str) -> Cell:
    return Cell(Project(project, "", Path(project), About(role="bootstrap" if project == "account" else "deploy")), TEP)


def found(cloud: Cloud, project: str) -> dict[str, tuple[bool, str]]:
    look = Look(cell(project), OUTPUTS[project], KEY, cloud)
    return {finding.name: (finding.ok, finding.detail) for finding in CHECKS[project](look)}


def test_what_works_is_healthy_and_says_what_there_is(cloud: Cloud) -> None:
    assert found(cloud, "account") == {"caller": (True, "arn:aws:sts::111111111111:assumed-role/infra-deploy/infra")}
    assert found(cloud, "network") == {
        "vpc": (True, "available"),
        "nat_gateways": (True, "2 of 2 available"),
        "routes": (True, "2 of 2 active"),
    }
    assert found(cloud, "cluster") == {
        "group": (True, "2 of 2 instances in service and healthy"),
        "cluster": (True, "ACTIVE"),
        "capacity_provider": (True, "ACTIVE"),
    }
    assert {(region, key) for _, region, key in cloud.asked} == {("eu-central-1", "AKIAEXAMPLE")}


BAD: list[tuple[str, str, str, Any, str]] = [
    (
        "account", "caller", "GetCallerIdentity", {"Account": "222222222222", "Arn": "arn:aws:iam::222222222222:root"},
        "arn:aws:iam::222222222222:root: not account 111111111111",
    ),
    ("account", "caller", "GetCallerIdentity", refusal("ExpiredToken"), "ExpiredToken: no"),
    ("network", "vpc", "DescribeVpcs", {"Vpcs": [{"VpcId": "vpc-1", "State": "pending"}]}, "pending"),
    ("network", "vpc", "DescribeVpcs", refusal("InvalidVpcID.NotFound", "there is no vpc-1"), "InvalidVpcID.NotFound: there is no vpc-1"),
    ("network", "vpc", "DescribeVpcs", refusal("UnauthorizedOperation"), "UnauthorizedOperation: no"),
    (
        "network", "nat_gateways", "DescribeNatGateways",
        {"NatGateways": [gateway(1), gateway(2, "failed", FailureCode="Gateway.NotAttached", FailureMessage="Network has no gateway")]},
        "1 of 2 available; nat-2 (198.51.100.2) is failed: Gateway.NotAttached: Network has no gateway",
    ),
    (
        "network", "nat_gateways", "DescribeNatGateways", {"NatGateways": [gateway(1, "pending")]},
        "0 of 2 available; nat-1 (198.51.100.1) is pending; no gateway has 198.51.100.2",
    ),
    ("network", "nat_gateways", "DescribeNatGateways", refusal("RequestLimitExceeded", "slow down"), "RequestLimitExceeded: slow down"),
    ("network", "routes", "DescribeRouteTables", routes("blackhole"), "1 of 2 active; rtb-1: 0.0.0.0/0 by nat-1 is blackhole"),
    ("network", "routes", "DescribeRouteTables", {"RouteTables": []}, "0 of 0 active"),
    ("cluster", "group", "DescribeAutoScalingGroups", group(instance()), "1 of 2 instances in service and healthy"),
    (
        "cluster", "group", "DescribeAutoScalingGroups", group(instance(), instance("Pending", number=2)),
        "1 of 2 instances in service and healthy; 1 Pending, Healthy",
    ),
    (
        "cluster", "group", "DescribeAutoScalingGroups", group(instance(), instance("InService", "Unhealthy", 2)),
        "1 of 2 instances in service and healthy; 1 InService, Unhealthy",
    ),
    ("cluster", "group", "DescribeAutoScalingGroups", group(desired=0, Status="Delete in progress"), "group: Delete in progress"),
    ("cluster", "group", "DescribeAutoScalingGroups", {"AutoScalingGroups": []}, "there is no group group"),
    ("cluster", "group", "DescribeAutoScalingGroups", refusal("Throttling", "Rate exceeded"), "Throttling: Rate exceeded"),
    (
        "cluster", "group", "DescribeAutoScalingGroups", EndpointConnectionError(endpoint_url="https://somewhere"),
        "EndpointConnectionError",
    ),
    (
        "cluster", "cluster", "DescribeClusters", {"clusters": [{"status": "INACTIVE", "capacityProviders": ["provider"]}]}, "INACTIVE",
    ),
    (
        "cluster", "cluster", "DescribeClusters", {"clusters": [{"status": "ACTIVE", "capacityProviders": []}]},
        "ACTIVE, but without the capacity provider provider",
    ),
    ("cluster", "cluster", "DescribeClusters", {"clusters": [], "failures": [{"arn": "arn:c", "reason": "MISSING"}]}, "arn:c MISSING"),
    (
        "cluster", "capacity_provider", "DescribeCapacityProviders",
        {"capacityProviders": [{"name": "provider", "status": "INACTIVE", "updateStatusReason": "deleted"}]}, "INACTIVE, deleted",
    ),
    ("cluster", "capacity_provider", "DescribeCapacityProviders", {"capacityProviders": []}, "there is none"),
]  # fmt: skip


@pytest.mark.parametrize(("project", "name", "operation", "answer", "expected"), BAD, ids=[f"{b[1]}-{b[4][:30]}" for b in BAD])
def test_each_bad_state_is_red_with_its_cause_and_nothing_else_is(
    cloud: Cloud, project: str, name: str, operation: str, answer: Any, expected: str
) -> None:
    cloud.answers[operation] = answer
    findings = found(cloud, project)
    assert findings[name] == (False, expected)
    assert [other for other, (ok, _) in findings.items() if not ok] == [name]


def test_a_deleted_gateway_does_not_count_where_a_later_one_has_its_address(cloud: Cloud) -> None:
    cloud.answers["DescribeNatGateways"] = {"NatGateways": [gateway(1, "deleted"), gateway(1), gateway(2), gateway(9, "failed")]}
    assert found(cloud, "network")["nat_gateways"] == (True, "2 of 2 available")


def test_more_instances_than_desired_is_no_fault(cloud: Cloud) -> None:
    cloud.answers["DescribeAutoScalingGroups"] = group(instance(), instance(number=2), instance("Terminating", number=3), desired=1)
    assert found(cloud, "cluster")["group"] == (True, "2 of 1 instances in service and healthy; 1 Terminating, Healthy")


def test_a_network_without_gateways_has_none_to_be_healthy(cloud: Cloud) -> None:
    look = Look(cell("network"), {"vpc_id": "vpc-1", "nat_public_ips": []}, KEY, cloud)
    assert Finding("nat_gateways", ok=True, detail="the stack has none") in CHECKS["network"](look)
    assert "DescribeNatGateways" not in {operation for operation, _, _ in cloud.asked}


def test_an_output_that_is_not_there_is_named(cloud: Cloud) -> None:
    look = Look(cell("network"), {"vpc_id": None}, KEY, cloud)
    assert {finding.detail for finding in CHECKS["network"](look)} == {
        "the stack has no public output vpc_id",
        "the stack has no public output nat_public_ips",
    }


def test_no_secret_is_in_what_is_found(cloud: Cloud) -> None:
    cloud.answers["DescribeVpcs"] = refusal("InvalidClientTokenId", f"the token {KEY.session_token} is not valid")
    look = Look(cell("network"), OUTPUTS["network"], KEY, cloud)
    findings = CHECKS["network"](look)
    assert findings[0] == Finding("vpc", ok=False, detail="InvalidClientTokenId")
    assert not [secret for secret in KEY.secrets() if secret in json.dumps([str(findings), repr(look)])]


def test_nothing_found_is_not_healthy() -> None:
    assert not Health([], 0.0).healthy


class Operator:
    """What a check asks of the operator: a login, and what the ledger holds."""

    def __init__(self, folder: Path) -> None:
        self.ledger = Ledger(connect(f"sqlite:///{folder / 'infra.db'}"))
        self.configurations = SimpleNamespace(credentials=self._credentials)
        self.refusals: list[str] = []
        self.roles: list[str] = []

    def _credentials(self, asked: Cell, _rollout_id: str) -> Credentials:
        self.roles.append(asked.project.about.role)
        if self.refusals:
            raise InfraError(self.refusals.pop(0), remedy="Do something.")
        return KEY

    def deployed(self, project: str, state: str = DEPLOYED) -> None:
        number = self.ledger.begin((TEP.name, project), "up", {})
        self.ledger.finish(number, state, outputs=OUTPUTS[project])


@pytest.fixture
def operator(tmp_path: Path) -> Any:
    return Operator(tmp_path)


def changing(*answers: Any) -> Callable[[], Any]:
    """Answer one after the other, the last one for ever."""
    left = list(answers)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_what_is_healthy_is_looked_at_once(operator: Any, cloud: Cloud) -> None:
    operator.deployed("cluster")
    health = check(operator, cell("cluster"), cloud, timeout_s=60, poll_s=30)
    assert (health.healthy, health.summary) == (True, "healthy")
    assert health.findings[0] == Finding("login", ok=True, detail="as deploy into 111111111111")
    assert [operation for operation, _, _ in cloud.asked] == ["DescribeAutoScalingGroups", "DescribeClusters", "DescribeCapacityProviders"]


def test_a_group_that_fills_up_becomes_healthy(operator: Any, cloud: Cloud) -> None:
    operator.deployed("cluster")
    short, full = group(instance()), HEALTHY["DescribeAutoScalingGroups"]
    cloud.answers["DescribeAutoScalingGroups"] = changing(short, refusal("Throttling"), short, full)
    health = check(operator, cell("cluster"), cloud, timeout_s=20, poll_s=0.01)
    assert health.healthy
    assert [operation for operation, _, _ in cloud.asked].count("DescribeAutoScalingGroups") == 4


def test_it_looks_until_the_time_is_up_and_no_longer(operator: Any, cloud: Cloud) -> None:
    operator.deployed("cluster")
    cloud.answers["DescribeAutoScalingGroups"] = group(instance())
    health = check(operator, cell("cluster"), cloud, timeout_s=2, poll_s=0.1)
    assert (health.healthy, health.summary) == (False, "group: 1 of 2 instances in service and healthy")
    assert health.took_s < 3
    looks = [operation for operation, _, _ in cloud.asked].count("DescribeAutoScalingGroups")
    assert 2 <= looks <= 6  # 0, 0.1, 0.3, 0.7, 1.5 s


@pytest.mark.parametrize(("first", "expected"), [("hangs", "answer: AWS did not answer within 2 s"), ("told", "group: 1 of 2 instances")])
def test_a_call_that_hangs_does_not_make_it_longer(operator: Any, cloud: Cloud, first: str, expected: str) -> None:
    """And what the look before it found is kept."""
    operator.deployed("cluster")

    def hang() -> Any:
        time.sleep(10)
        return group()

    begins = [] if first == "hangs" else [lambda: group(instance())]
    waiting = [*begins, hang]
    cloud.answers["DescribeAutoScalingGroups"] = lambda: waiting.pop(0)()
    health = check(operator, cell("cluster"), cloud, timeout_s=2, poll_s=0.02)
    assert health.summary.startswith(expected)
    assert health.took_s < 4


def test_without_time_it_looks_once(operator: Any, cloud: Cloud) -> None:
    operator.deployed("cluster")
    cloud.answers["DescribeAutoScalingGroups"] = group(instance())
    assert not check(operator, cell("cluster"), cloud, timeout_s=0).healthy
    assert len(cloud.asked) == 3


def test_a_role_that_lets_nobody_in_is_the_finding_and_may_come_later(operator: Any, cloud: Cloud) -> None:
    """A new role is not known everywhere at once; and it is the deploy role that counts, also for who makes it with another."""
    operator.deployed("account")
    operator.refusals = ["tenants/acme-prod: aws.login: AccessDenied"]
    health = check(operator, cell("account"), cloud, timeout_s=0)
    assert health.findings == [Finding("login", ok=False, detail="tenants/acme-prod: aws.login: AccessDenied")]
    operator.refusals = ["not yet"]
    assert check(operator, cell("account"), cloud, timeout_s=10, poll_s=0.01).healthy
    assert set(operator.roles) == {"deploy"}


@pytest.mark.parametrize("state", [None, FAILED])
def test_what_was_not_deployed_is_not_healthy(operator: Any, cloud: Cloud, state: str | None) -> None:
    if state:
        operator.deployed("network", state)
    health = check(operator, cell("network"), cloud, timeout_s=0)
    assert health.summary == "stack: not deployed, or its last operation failed"


def test_a_defect_of_ours_is_no_finding(operator: Any, cloud: Cloud) -> None:
    operator.deployed("network")
    cloud.answers["DescribeVpcs"] = lambda: {}["what"]
    with pytest.raises(KeyError):
        check(operator, cell("network"), cloud, timeout_s=0)

"""Health on the real engine: a deployed TEP is healthy; broken behind Pulumi's back it is not, and says by what."""

import time
from collections.abc import Generator
from dataclasses import replace

import pytest

from infra_assets.environments.providers import Clients
from infra_assets.fleet.accounts import role_arn
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.sandbox.emulator import Fault, add_faults, calls, clear_faults
from infra_assets.sandbox.tools import Tools
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.health import CHECKS, Health, check
from infra_assets.stacks.operator import Operator
from infra_assets.stacks.projects import discover
from tests.conftest import ROOT
from tests.end_to_end.house import House

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

FLEET = """
tenants:
  acme:
    environments:
      dev:
        settings:
          network: {cidr: 10.0.0.0/20, nat: per_zone, flow_logs: false}
          cluster: {instance_type: t3.small, min_size: 2, max_size: 3}
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, tools: Tools) -> Generator[House]:
    built = House(ROOT, tmp_path_factory.mktemp("home"))
    try:
        built.done("sandbox", "up")
        built.import_fleet(FLEET)
        operator = Operator(built.settings)
        for project in discover(ROOT).tenant_projects():
            outcome = operator.deploy(_cell(built, project.name)).outcome
            assert outcome is not None
            assert outcome.ok, outcome.message
        yield built
    finally:
        built.close()


def _cell(house: House, project: str) -> Cell:
    return Cell(discover(house.root).get(project), house.registry.get("acme-dev"))


def looked(house: House, project: str, timeout_s: float = 0) -> Health:
    """Look as a run does, in a process that has not logged in yet."""
    settings = house.settings
    clients = Clients(lambda: Aws(environment(settings)))
    return check(Operator(settings), _cell(house, project), clients, timeout_s=timeout_s, poll_s=0.1)


def red(health: Health) -> dict[str, str]:
    return {finding.name: finding.detail for finding in health.findings if not finding.ok}


def test_every_project_that_we_have_is_looked_at_and_healthy_by_calls_that_only_read(house: House) -> None:
    assert set(CHECKS) == {project.name for project in discover(house.root).tenant_projects()}
    before = calls(house.emulator)[-1].n
    assert {project: red(looked(house, project)) for project in CHECKS} == {project: {} for project in CHECKS}
    made = calls(house.emulator, before)
    account = _cell(house, "account").tep.account_id
    assert {call.account for call in made if call.service != "sts"} == {account}
    assert {call.read_only for call in made if call.service != "sts"} == {True}
    assert {(call.service, call.action) for call in made if call.service != "sts"} == {
        ("ec2", "DescribeVpcs"), ("ec2", "DescribeNatGateways"), ("ec2", "DescribeRouteTables"),
        ("autoscaling", "DescribeAutoScalingGroups"), ("ecs", "DescribeClusters"), ("ecs", "DescribeCapacityProviders"),
    }  # fmt: skip


def test_what_aws_refuses_is_a_finding_and_what_comes_back_is_healthy(house: House) -> None:
    add_faults(house.emulator, [Fault("ec2", "DescribeVpcs", status=403, code="UnauthorizedOperation", times=2)])
    try:
        found = red(looked(house, "network"))
        assert list(found) == ["vpc"]
        assert found["vpc"].startswith("UnauthorizedOperation")
        assert looked(house, "network", timeout_s=20).healthy
    finally:
        clear_faults(house.emulator)


def test_aws_that_does_not_answer_holds_up_nobody(house: House) -> None:
    add_faults(house.emulator, [Fault("autoscaling", "DescribeAutoScalingGroups", delay_s=20)])
    try:
        started = time.monotonic()
        assert red(looked(house, "cluster", timeout_s=2)) == {"answer": "AWS did not answer within 2 s"}
        assert time.monotonic() - started < 5
    finally:
        clear_faults(house.emulator)


def test_a_group_short_of_instances_is_red_until_they_are_back(house: House) -> None:
    cell = _cell(house, "cluster")
    autoscaling = house.client(cell.tep, "autoscaling")
    name = house.ledger.latest()[cell.key].outputs["asg_name"]
    instances = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]["Instances"]
    lost = instances[0]["InstanceId"]
    autoscaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    house.client(cell.tep, "ec2").terminate_instances(InstanceIds=[lost])
    assert red(looked(house, "cluster")) == {"group": "1 of 2 instances in service and healthy"}
    autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    assert red(looked(house, "cluster")) == {"group": "1 of 3 instances in service and healthy"}
    autoscaling.resume_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    assert looked(house, "cluster").healthy

    (ill, *_) = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]["Instances"]
    autoscaling.set_instance_health(InstanceId=ill["InstanceId"], HealthStatus="Unhealthy")
    assert red(looked(house, "cluster")) == {"group": "2 of 3 instances in service and healthy; 1 InService, Unhealthy"}
    autoscaling.set_instance_health(InstanceId=ill["InstanceId"], HealthStatus="Healthy")


def test_a_deleted_gateway_is_red_and_so_are_the_routes_to_it(house: House) -> None:
    cell = _cell(house, "network")
    ec2 = house.client(cell.tep, "ec2")
    addresses = house.ledger.latest()[cell.key].outputs["nat_public_ips"]
    (gone,) = [
        gateway["NatGatewayId"]
        for gateway in ec2.describe_nat_gateways()["NatGateways"]
        if gateway["NatGatewayAddresses"][0]["PublicIp"] == addresses[0]
    ]
    ec2.delete_nat_gateway(NatGatewayId=gone)
    found = red(looked(house, "network"))
    assert set(found) == {"nat_gateways", "routes"}
    assert found["nat_gateways"] == f"1 of 2 available; {gone} ({addresses[0]}) is deleted"
    assert f"0.0.0.0/0 by {gone} is blackhole" in found["routes"]


def test_a_cluster_whose_provider_is_gone_is_red(house: House) -> None:
    cell = _cell(house, "cluster")
    ecs = house.client(cell.tep, "ecs")
    outputs = house.ledger.latest()[cell.key].outputs
    ecs.put_cluster_capacity_providers(cluster=outputs["cluster_name"], capacityProviders=[], defaultCapacityProviderStrategy=[])
    ecs.delete_capacity_provider(capacityProvider=outputs["capacity_provider"])
    found = red(looked(house, "cluster"))
    assert set(found) == {"cluster", "capacity_provider"}
    assert outputs["capacity_provider"] in found["cluster"]


def test_a_vpc_that_is_not_there_is_red(house: House) -> None:
    """By its own stack's output: a ledger that names another one."""
    cell = _cell(house, "network")
    entry = house.ledger.latest()[cell.key]
    number = house.ledger.begin(cell.key, "up", entry.inputs)
    house.ledger.finish(number, "deployed", resources=entry.resources, outputs={**entry.outputs, "vpc_id": "vpc-0123456789abcdef0"})
    found = red(looked(house, "network"))
    assert found["vpc"].startswith("InvalidVpcID.NotFound")


def test_a_deploy_role_that_is_gone_is_red_and_a_whole_check_names_it(house: House) -> None:
    """The last test: nothing gets into the account any more."""
    cell = _cell(house, "account")
    aws = Aws(environment(house.settings))
    session = aws.session(role_arn=role_arn(cell.tep, "bootstrap"), external_id=cell.tep.external_id)
    iam = aws.client(session, "iam", "us-east-1")
    role = role_arn(cell.tep, "deploy").rsplit("/", 1)[-1]
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    iam.delete_role(RoleName=role)
    for project in CHECKS:
        found = red(looked(house, project))
        assert list(found) == ["login"]
        assert "AccessDenied" in found["login"]
        assert role in found["login"]
    other = replace(cell, tep=replace(cell.tep, environment="other"))
    house.configure("acme-other", {})
    clients = Clients(lambda: aws)
    assert "aws.login" in red(check(Operator(house.settings), other, clients, timeout_s=0))["login"]

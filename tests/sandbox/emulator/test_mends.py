"""Every mend is needed: without it the real provider fails, or something reads as changed that nobody changed."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from pulumi.automation import CommandError

from infra_assets.sandbox.emulator import Emulator
from infra_assets.sandbox.emulator.mends import MENDS
from infra_assets.sandbox.tools import Tools
from tests.sandbox.emulator.clients import OPERATIONS, operations
from tests.sandbox.emulator.drifts import DRIFTS
from tests.sandbox.emulator.lifecycle import Life, live
from tests.sandbox.emulator.programs import policy
from tests.sandbox.emulator.unmended import without

ACCOUNT = "777777777777"
# The mend, and the program that needs it.
NEEDED_BY = {
    "has_tags": "observation",
    "updates_budgets": "observation",
    "lists_subscribers": "observation",
    "speaks_cbor": "observation",
    "template_tags_are_its_own": "capacity",
    "later_versions_launch": "capacity",
    "has_managed_policies": "identity",
    "refuses_to_remove_twice": "identity",
    "modifies_rules_without_ports": "network",
    "names_rules_that_are_gone": "network",
    "describes_rules_between_groups": "network",
    "refreshes_instances": "capacity",
}

SHOWN_BELOW = {"asks_the_role", "routes_into_nothing_are_blackholes", "launches_nothing_while_suspended"}


def test_every_mend_says_why_and_is_shown_to_be_needed():
    assert {each.name for each in MENDS} == NEEDED_BY.keys() | SHOWN_BELOW
    assert all(each.service and len(each.reason) > 80 for each in MENDS)


@pytest.mark.engine
@pytest.mark.parametrize(("mend", "program"), NEEDED_BY.items(), ids=NEEDED_BY)
def test_without_it_the_provider_fails_or_sees_changes(mend: str, program: str, tools: Tools, tmp_path: Path):
    (tmp_path / "emulator").mkdir()
    with without(mend, tmp_path / "emulator") as running:
        try:
            life = live(program, ACCOUNT, running, tools, tmp_path)
        except (CommandError, ClientError):
            return
    assert complaints(life, program)


@pytest.mark.engine
def test_the_provider_is_refused_with_another_external_id(running: Emulator, tools: Tools, tmp_path: Path):
    trust = policy(
        "sts:AssumeRole",
        Principal={"AWS": f"arn:aws:iam::{OPERATIONS}:root"},
        Condition={"StringEquals": {"sts:ExternalId": "not-acme"}},
    )
    operations(running).assume(ACCOUNT, "any")("iam").create_role(RoleName="cicd", AssumeRolePolicyDocument=trust)
    with pytest.raises(CommandError, match="AccessDenied"):
        live("observation", ACCOUNT, running, tools, tmp_path)


def test_a_route_whose_gateway_is_gone_is_a_blackhole(running: Emulator):
    ec2 = operations(running)("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/26")["Subnet"]["SubnetId"]
    internet = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    nat = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=internet)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="10.9.0.0/16", NatGatewayId=nat)

    def states() -> dict[str, str]:
        routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return {route["DestinationCidrBlock"]: route["State"] for route in routes}

    assert set(states().values()) == {"active"}
    ec2.delete_nat_gateway(NatGatewayId=nat)
    assert states() == {"10.0.0.0/24": "active", "0.0.0.0/0": "active", "10.9.0.0/16": "blackhole"}
    ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    assert states()["0.0.0.0/0"] == "blackhole"


def test_a_group_launches_nothing_while_that_is_suspended(running: Emulator):
    clients = operations(running)
    image = clients("ec2").describe_images()["Images"][0]["ImageId"]
    autoscaling = clients("autoscaling")
    autoscaling.create_launch_configuration(LaunchConfigurationName="any", ImageId=image, InstanceType="t3.small")
    zones = ["eu-west-1a"]
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName="group", LaunchConfigurationName="any", MinSize=0, MaxSize=4, DesiredCapacity=1, AvailabilityZones=zones
    )

    def size() -> int:
        return len(autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=["group"])["AutoScalingGroups"][0]["Instances"])

    assert size() == 1
    autoscaling.suspend_processes(AutoScalingGroupName="group", ScalingProcesses=["Launch"])
    autoscaling.set_desired_capacity(AutoScalingGroupName="group", DesiredCapacity=3)
    assert size() == 1
    autoscaling.resume_processes(AutoScalingGroupName="group", ScalingProcesses=["Launch"])
    assert size() == 3


def complaints(life: Life, program: str) -> list[str]:
    """Return what of a life is not as it should be."""
    changed = [name for step in ("again", "settled") for name, operation in life.operations[step].items() if operation != "same"]
    unseen = [name for name in DRIFTS[program] if all(life.operations["drifted"].get(key) == "same" for key in _keys(life, name))]
    return changed + unseen


def _keys(life: Life, name: str) -> list[str]:
    return [key for key in life.operations["created"] if key.endswith(f" {name}")]

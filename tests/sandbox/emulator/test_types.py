"""Every resource type in use, on the real engine and provider: what AWS does, the emulator does.

Four programs, each in an account of its own, hold all types; each is run once through its life, and the tests look at what was seen.
"""

from functools import cache
from pathlib import Path

import pytest

from infra_assets.sandbox.emulator import Emulator
from infra_assets.sandbox.tools import Tools
from tests.sandbox.emulator.drifts import DRIFTS
from tests.sandbox.emulator.lifecycle import Life, live
from tests.sandbox.emulator.programs import PROGRAMS

pytestmark = pytest.mark.engine

# Program, type, resource.
RESOURCES = [
    ("network", "aws:ec2/vpc:Vpc", "vpc"),
    ("network", "aws:ec2/internetGateway:InternetGateway", "gateway"),
    ("network", "aws:ec2/subnet:Subnet", "subnet"),
    ("network", "aws:ec2/eip:Eip", "address"),
    ("network", "aws:ec2/natGateway:NatGateway", "nat"),
    ("network", "aws:ec2/routeTable:RouteTable", "public"),
    ("network", "aws:ec2/route:Route", "out"),
    ("network", "aws:ec2/routeTableAssociation:RouteTableAssociation", "association"),
    ("network", "aws:ec2/flowLog:FlowLog", "flows"),
    ("network", "aws:ec2/securityGroup:SecurityGroup", "group"),
    ("network", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "into"),
    ("network", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "out-of"),
    ("identity", "aws:iam/policy:Policy", "boundary"),
    ("identity", "aws:iam/role:Role", "role"),
    ("identity", "aws:iam/rolePolicy:RolePolicy", "inline"),
    ("identity", "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "attachment"),
    ("identity", "aws:iam/instanceProfile:InstanceProfile", "profile"),
    ("capacity", "aws:ec2/launchTemplate:LaunchTemplate", "template"),
    ("capacity", "aws:autoscaling/group:Group", "group"),
    ("capacity", "aws:ecs/cluster:Cluster", "cluster"),
    ("capacity", "aws:ecs/capacityProvider:CapacityProvider", "provider"),
    ("capacity", "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", "providers"),
    ("observation", "aws:cloudwatch/logGroup:LogGroup", "log"),
    ("observation", "aws:cloudwatch/metricAlarm:MetricAlarm", "alarm"),
    ("observation", "aws:sns/topic:Topic", "topic"),
    ("observation", "aws:sns/topicPolicy:TopicPolicy", "policy"),
    ("observation", "aws:budgets/budget:Budget", "budget"),
]
CHANGES = {"update", "replace", "create-replacement", "delete-replaced"}


@pytest.fixture(scope="module")
def lives(running: Emulator, tools: Tools, tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("stacks")
    accounts = {program: f"{700000000000 + number}" for number, program in enumerate(PROGRAMS)}

    @cache
    def life(program: str) -> Life:
        return live(program, accounts[program], running, tools, folder)

    return life


each_resource = pytest.mark.parametrize(("program", "type_", "name"), RESOURCES, ids=[type_.rsplit(":")[-1] for _, type_, _ in RESOURCES])


@each_resource
def test_it_is_created_and_then_left_alone(lives, program: str, type_: str, name: str):
    seen = lives(program).operations
    assert seen["created"][f"{type_} {name}"] == "create"
    assert seen["again"][f"{type_} {name}"] == "same"


@each_resource
def test_a_change_arrives_and_then_it_is_left_alone(lives, program: str, type_: str, name: str):
    seen = lives(program).operations
    assert seen["changed"][f"{type_} {name}"] in CHANGES
    assert seen["settled"][f"{type_} {name}"] == "same"


@each_resource
def test_a_change_by_hand_is_seen(lives, program: str, type_: str, name: str):
    assert name in DRIFTS[program]
    assert lives(program).operations["drifted"][f"{type_} {name}"] in CHANGES | {"create"}


@each_resource
def test_it_is_deleted(lives, program: str, type_: str, name: str):
    assert lives(program).operations["destroyed"][f"{type_} {name}"] == "delete"


@pytest.mark.parametrize("program", PROGRAMS)
def test_everything_reads_same_and_a_check_only_reads(lives, program: str):
    life = lives(program)
    for step in ("again", "settled"):
        assert set(life.operations[step].values()) == {"same"}
        assert life.changing_calls[step] == []
    assert life.changing_calls["drifted"] == []


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_goes_quickly(lives, program: str):
    """No waiter sleeps its seconds out: the slowest step is of the machine, not of AWS."""
    assert max(lives(program).seconds.values()) < 30

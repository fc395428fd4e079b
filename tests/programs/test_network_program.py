"""What the project `network` asks for."""

import json
from ipaddress import IPv4Network

import pytest

from tests.programs.recording import Registered, Run

SUBNET, TABLE, ROUTE = "aws:ec2/subnet:Subnet", "aws:ec2/routeTable:RouteTable", "aws:ec2/route:Route"
ASSOCIATION, NAT = "aws:ec2/routeTableAssociation:RouteTableAssociation", "aws:ec2/natGateway:NatGateway"


def zone_of(subnet: Registered) -> str:
    return subnet.inputs["availabilityZone"]


def test_each_zone_has_a_public_and_a_private_subnet(run: Run) -> None:
    found = run("network", zones="3").of(SUBNET)
    public = [subnet for subnet in found if "public" in subnet.name]
    private = [subnet for subnet in found if "private" in subnet.name]
    # The provider's answer is not sorted; the program's choice is.
    assert [zone_of(subnet) for subnet in public] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert [zone_of(subnet) for subnet in private] == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert all(IPv4Network(subnet.inputs["cidrBlock"]).subnet_of(IPv4Network("10.20.0.0/16")) for subnet in found)


@pytest.mark.parametrize(("nat", "gateways", "private_tables"), [("none", 0, 1), ("single", 1, 1), ("per_zone", 3, 3)])
def test_private_subnets_reach_out_as_configured(run: Run, nat: str, gateways: int, private_tables: int) -> None:
    recorded = run("network", zones="3", nat=nat)
    assert len(recorded.of(NAT)) == len(recorded.of("aws:ec2/eip:Eip")) == gateways
    assert len([table for table in recorded.of(TABLE) if "private" in table.name]) == private_tables
    assert len([route for route in recorded.of(ROUTE) if "natGatewayId" in route.inputs]) == gateways
    assert len(recorded.outputs["nat_public_ips"]) == gateways


def test_per_zone_a_private_subnet_uses_the_gateway_of_its_own_zone(run: Run) -> None:
    recorded = run("network", zones="2", nat="per_zone")
    gateway_of = {route.inputs["routeTableId"]: route.inputs["natGatewayId"] for route in recorded.of(ROUTE) if "private" in route.name}
    for number in (1, 2):
        association = recorded.one(ASSOCIATION, f"network-private-{number}")
        nat = recorded.one(NAT, gateway_of[association.inputs["routeTableId"]].removesuffix("-id"))
        assert nat.inputs["subnetId"] == f"network-public-{number}-id"


def test_public_subnets_use_the_internet_gateway(run: Run) -> None:
    recorded = run("network")
    assert recorded.one(ROUTE, "network-public").inputs["gatewayId"] == "network-id"
    for number in (1, 2):
        assert recorded.one(ASSOCIATION, f"network-public-{number}").inputs["routeTableId"] == "network-public-id"


def test_addresses_and_nat_gateways_wait_for_the_internet_gateway(run: Run) -> None:
    recorded = run("network")
    assert "network" in recorded.one(NAT).depends_on
    assert "network" in recorded.one("aws:ec2/eip:Eip").depends_on


def test_flow_logs_are_written_by_a_bounded_role_on_behalf_of_the_own_account(run: Run) -> None:
    recorded = run("network")
    role = recorded.one("aws:iam/role:Role")
    statement = json.loads(role.inputs["assumeRolePolicy"])["Statement"][0]
    assert role.inputs["permissionsBoundary"] == "arn:aws:iam::111122223333:policy/infra-boundary"
    assert role.inputs["path"] == "/infra/"
    assert statement["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    assert recorded.one("aws:cloudwatch/logGroup:LogGroup").inputs["retentionInDays"] == 30


def test_without_flow_logs_no_other_stack_is_read(run: Run) -> None:
    recorded = run("network", flow_logs="false", upstream={})
    assert recorded.of("aws:ec2/flowLog:FlowLog") == []
    assert recorded.outputs["vpc_id"] == "network-id"


def test_outputs(run: Run) -> None:
    outputs = run("network").outputs
    assert outputs == {
        "vpc_id": "network-id",
        "cidr": "10.20.0.0/16",
        "public_subnet_ids": ["network-public-1-id", "network-public-2-id"],
        "private_subnet_ids": ["network-private-1-id", "network-private-2-id"],
        "nat_public_ips": ["203.0.113.7"],
        "availability_zones": ["eu-west-1a", "eu-west-1b"],
    }


def test_a_network_of_two_zones_is_lean(run: Run) -> None:
    assert len([item for item in run("network").resources if item.type.startswith("aws:")]) == 20


def test_everything_belongs_to_a_component(run: Run) -> None:
    parents = {item.parent for item in run("network").resources if item.type.startswith("aws:")}
    assert parents == {"infra:network:Network", "infra:network:FlowLogs"}

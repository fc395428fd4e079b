"""A tenant's network: a VPC with a public and a private subnet in each of its zones."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Literal

import pulumi
import pulumi_aws as aws
from pulumi_aws import ec2

from pulumi_programs.components.addresses import ZoneSubnets, subnets
from pulumi_programs.components.flow_logs import FlowLogs, FlowLogsArgs

Nat = Literal["none", "single", "per_zone"]
"""How private subnets reach the internet: not at all; through one NAT gateway; through one in each zone, which survives a zone's loss."""

ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """`cidr`: the VPC's addresses. `zones`: how many availability zones, 1 to 3. `flow_logs`: None for none."""

    cidr: IPv4Network
    zones: int
    nat: Nat
    flow_logs: FlowLogsArgs | None = None


class Network(pulumi.ComponentResource):
    """VPC, subnets, gateways, routes and flow logs. Zones and subnets are numbered from 1; see `addresses` for how the block is cut."""

    vpc_id: pulumi.Output[str]
    public_subnet_ids: list[pulumi.Output[str]]
    private_subnet_ids: list[pulumi.Output[str]]
    nat_public_ips: list[pulumi.Output[str]]
    availability_zones: list[pulumi.Output[str]]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra:network:Network", name, {}, opts)
        self._name = name
        self._own = pulumi.ResourceOptions(parent=self)
        self.availability_zones = self._zones(args.zones)
        self._vpc = ec2.Vpc(
            name, cidr_block=str(args.cidr), enable_dns_support=True, enable_dns_hostnames=True, tags={"Name": name}, opts=self._own
        )
        self._gateway = ec2.InternetGateway(name, vpc_id=self._vpc.id, tags={"Name": name}, opts=self._own)
        plan = subnets(args.cidr, args.zones)
        public = self._public_subnets(plan)
        nats, self.nat_public_ips = self._nat_gateways(public, args.nat)
        private = self._private_subnets(plan, nats)
        if args.flow_logs:
            FlowLogs(f"{name}-flow", self._vpc.id, args.flow_logs, opts=self._own)
        self.vpc_id = self._vpc.id
        self.public_subnet_ids = [subnet.id for subnet in public]
        self.private_subnet_ids = [subnet.id for subnet in private]
        self.register_outputs({"vpcId": self.vpc_id, "privateSubnetIds": self.private_subnet_ids})

    def _zones(self, count: int) -> list[pulumi.Output[str]]:
        # Local and wavelength zones need an opt-in and have no NAT gateways. Sorted, so that a zone that AWS adds later comes last.
        regular = aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])
        found = aws.get_availability_zones_output(
            state="available", filters=[regular], opts=pulumi.InvokeOutputOptions(parent=self)
        ).names.apply(lambda names: pick_zones(names, count))
        return [found.apply(lambda names, index=index: names[index]) for index in range(count)]

    def _public_subnets(self, plan: Sequence[ZoneSubnets]) -> list[ec2.Subnet]:
        table = self._route_table("public")
        self._default_route("public", table, gateway_id=self._gateway.id)
        created: list[ec2.Subnet] = []
        for number, zone in enumerate(plan, start=1):
            subnet = self._subnet(f"public-{number}", number, zone.public)
            self._associate(f"public-{number}", subnet, table)
            created.append(subnet)
        return created

    def _private_subnets(self, plan: Sequence[ZoneSubnets], nats: Sequence[ec2.NatGateway]) -> list[ec2.Subnet]:
        # One route table per NAT gateway, and one without a way out where there is none.
        tables = [self._route_table(f"private-{number}") for number in range(1, max(len(nats), 1) + 1)]
        for number, (table, nat) in enumerate(zip(tables, nats, strict=False), start=1):
            self._default_route(f"private-{number}", table, nat_gateway_id=nat.id)
        created: list[ec2.Subnet] = []
        for number, zone in enumerate(plan, start=1):
            subnet = self._subnet(f"private-{number}", number, zone.private)
            self._associate(f"private-{number}", subnet, tables[min(number, len(tables)) - 1])
            created.append(subnet)
        return created

    def _nat_gateways(self, public: Sequence[ec2.Subnet], nat: Nat) -> tuple[list[ec2.NatGateway], list[pulumi.Output[str]]]:
        count = {"none": 0, "single": 1, "per_zone": len(public)}[nat]
        # AWS asks that both be created after the internet gateway (Amazon VPC user guide), and nothing in their inputs says so.
        after_gateway = pulumi.ResourceOptions(parent=self, depends_on=[self._gateway])
        nats: list[ec2.NatGateway] = []
        addresses: list[pulumi.Output[str]] = []
        for number, subnet in enumerate(public[:count], start=1):
            label = f"{self._name}-nat-{number}"
            address = ec2.Eip(label, domain="vpc", tags={"Name": label}, opts=after_gateway)
            nats.append(ec2.NatGateway(label, subnet_id=subnet.id, allocation_id=address.id, tags={"Name": label}, opts=after_gateway))
            addresses.append(address.public_ip)
        return nats, addresses

    def _subnet(self, label: str, zone: int, cidr: IPv4Network) -> ec2.Subnet:
        label = f"{self._name}-{label}"
        return ec2.Subnet(
            label,
            vpc_id=self._vpc.id,
            cidr_block=str(cidr),
            availability_zone=self.availability_zones[zone - 1],
            tags={"Name": label},
            opts=self._own,
        )

    def _route_table(self, label: str) -> ec2.RouteTable:
        label = f"{self._name}-{label}"
        return ec2.RouteTable(label, vpc_id=self._vpc.id, tags={"Name": label}, opts=self._own)

    def _default_route(
        self,
        label: str,
        table: ec2.RouteTable,
        *,
        gateway_id: pulumi.Output[str] | None = None,
        nat_gateway_id: pulumi.Output[str] | None = None,
    ) -> None:
        ec2.Route(
            f"{self._name}-{label}",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=gateway_id,
            nat_gateway_id=nat_gateway_id,
            opts=self._own,
        )

    def _associate(self, label: str, subnet: ec2.Subnet, table: ec2.RouteTable) -> None:
        ec2.RouteTableAssociation(f"{self._name}-{label}", subnet_id=subnet.id, route_table_id=table.id, opts=self._own)


def pick_zones(names: Sequence[str], count: int) -> list[str]:
    """Return the first `count` zones by name.

    Raises:
        pulumi.RunError: the region has fewer.
    """
    if len(names) < count:
        raise pulumi.RunError(f"network:zones: {count} zones are asked for, the region has {len(names)}: {', '.join(sorted(names))}")
    return sorted(names)[:count]

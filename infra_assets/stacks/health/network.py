"""`network`: the VPC is there, its NAT gateways work, and no route leads nowhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from infra_assets.stacks.health.looks import Answer, Finding, Look

Described = Mapping[str, Any]
"""Something as AWS describes it."""


def network(look: Look) -> list[Finding]:
    """Look at the VPC, its NAT gateways and its routes."""
    return look.findings({"vpc": _vpc, "nat_gateways": _nat_gateways, "routes": _routes})


def _vpc(look: Look) -> Answer:
    found = look.client("ec2").describe_vpcs(VpcIds=[look.output("vpc_id")])["Vpcs"]
    states = [str(vpc["State"]) for vpc in found]
    return states == ["available"], ", ".join(states) or "there is none"


def _nat_gateways(look: Look) -> Answer:
    """One that works for each of the stack's addresses: deleted ones are listed by AWS for an hour, and count for nothing."""
    addresses: Sequence[str] = look.output("nat_public_ips")
    if not addresses:
        return True, "the stack has none"
    gateways = list(_described(look, "describe_nat_gateways", "NatGateways", "Filter"))
    lacking = [said for address in addresses if (said := _lacking(address, gateways))]
    return not lacking, "; ".join([f"{len(addresses) - len(lacking)} of {len(addresses)} available", *lacking])


def _lacking(address: str, gateways: Iterable[Described]) -> str:
    """Return what is wrong with the gateway of an address, empty if nothing."""
    having = [each for each in gateways if any(held.get("PublicIp") == address for held in each.get("NatGatewayAddresses", ()))]
    if any(each["State"] == "available" for each in having):
        return ""
    if not having:
        return f"no gateway has {address}"
    newest = max(having, key=lambda each: each["CreateTime"])
    why = f": {newest['FailureCode']}: {newest.get('FailureMessage', '')}" if newest.get("FailureCode") else ""
    return f"{newest['NatGatewayId']} ({address}) is {newest['State']}{why}"


def _routes(look: Look) -> Answer:
    tables = list(_described(look, "describe_route_tables", "RouteTables", "Filters"))
    routes = [(str(table["RouteTableId"]), route) for table in tables for route in table["Routes"]]
    dead = [_told(table, route) for table, route in routes if route["State"] != "active"]
    counted = f"{len(routes) - len(dead)} of {len(routes)} active"
    return bool(routes) and not dead, "; ".join([counted, *dead])


def _told(table: str, route: Described) -> str:
    to = next((route[key] for key in ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId") if key in route), "?")
    by = next((route[key] for key in sorted(route) if key.endswith("Id") and key != "DestinationPrefixListId"), "?")
    return f"{table}: {to} by {by} is {route['State']}"


def _described(look: Look, operation: str, what: str, filters: str) -> Iterable[Described]:
    """Return everything of the VPC that a call describes; the parameter for filters has another name in each."""
    wanted = {filters: [{"Name": "vpc-id", "Values": [look.output("vpc_id")]}]}
    for page in look.client("ec2").get_paginator(operation).paginate(**wanted):
        yield from page[what]

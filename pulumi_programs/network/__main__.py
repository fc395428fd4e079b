"""A tenant's VPC: public and private subnets over the zones, gateways, routes, flow logs.

Reads `account`: boundary_arn, account_id (only where flow logs are on).

Outputs:
    vpc_id, cidr: the VPC and its addresses.
    public_subnet_ids, private_subnet_ids, availability_zones: one per zone, in the same order.
    nat_public_ips: the addresses under which private subnets reach the internet; empty without NAT gateways.
"""

import pulumi

from pulumi_programs.components.configuration import load
from pulumi_programs.components.flow_logs import FlowLogsArgs
from pulumi_programs.components.network import Network, NetworkArgs
from pulumi_programs.components.upstream import upstream
from pulumi_programs.network.config import NetworkConfig


async def flow_logs(config: NetworkConfig) -> FlowLogsArgs | None:
    """Return how traffic is recorded, None for not at all."""
    if not config.flow_logs:
        return None
    account = await upstream("account")
    return FlowLogsArgs(
        retention_days=config.flow_log_retention_days,
        boundary_arn=account.text("boundary_arn"),
        account_id=account.text("account_id"),
    )


async def main() -> dict[str, pulumi.Input[object]]:
    """Create the network; return the stack's outputs."""
    config = load(NetworkConfig)
    args = NetworkArgs(cidr=config.cidr, zones=config.zones, nat=config.nat, flow_logs=await flow_logs(config))
    network = Network("network", args)
    return {
        "vpc_id": network.vpc_id,
        "cidr": str(config.cidr),
        "public_subnet_ids": network.public_subnet_ids,
        "private_subnet_ids": network.private_subnet_ids,
        "nat_public_ips": network.nat_public_ips,
        "availability_zones": network.availability_zones,
    }


pulumi.run(main)

"""A tenant's ECS cluster on EC2 instances, in the private subnets of its network.

Reads `network`: vpc_id, private_subnet_ids; `account`: boundary_arn.

Outputs:
    cluster_arn, cluster_name: the cluster.
    capacity_provider: its default capacity provider, which scales the instances.
    asg_name: the Auto Scaling group of the instances.
    security_group_id: the instances' security group.
"""

import asyncio

import pulumi

from pulumi_programs.cluster.config import ClusterConfig
from pulumi_programs.components.cluster import Cluster, ClusterArgs
from pulumi_programs.components.configuration import load
from pulumi_programs.components.upstream import upstream


async def main() -> dict[str, pulumi.Input[object]]:
    """Create the cluster; return the stack's outputs."""
    config = load(ClusterConfig)
    network, account = await asyncio.gather(upstream("network"), upstream("account"))
    args = ClusterArgs(
        vpc_id=network.text("vpc_id"),
        subnet_ids=network.texts("private_subnet_ids"),
        boundary_arn=account.text("boundary_arn"),
        instance_type=config.instance_type,
        ami_parameter=config.ami_parameter,
        min_size=config.min_size,
        max_size=config.max_size,
        desired=config.desired,
        target_capacity=config.target_capacity,
    )
    cluster = Cluster("cluster", args)
    return {
        "cluster_arn": cluster.arn,
        "cluster_name": cluster.name,
        "capacity_provider": cluster.capacity_provider,
        "asg_name": cluster.group_name,
        "security_group_id": cluster.security_group_id,
    }


pulumi.run(main)

"""A tenant's ECS cluster, on instances of its own whose number follows the load."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import autoscaling, ec2, ecs

from pulumi_programs.components.instances import Instances, InstancesArgs


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Where a cluster stands and how large it is.

    `desired`: instances to run now; None leaves it to managed scaling. `target_capacity`: percent of the instances to keep in use.
    `ami_parameter`: name of the SSM parameter that holds the image's id. `boundary_arn`: the account's permissions boundary.
    """

    vpc_id: pulumi.Input[str]
    subnet_ids: pulumi.Input[Sequence[str]]
    boundary_arn: pulumi.Input[str]
    instance_type: str
    ami_parameter: str
    min_size: int
    max_size: int
    desired: int | None = None
    target_capacity: int = 100


class Cluster(pulumi.ComponentResource):
    """Cluster, instances in an Auto Scaling group, and the capacity provider that scales the group."""

    arn: pulumi.Output[str]
    name: pulumi.Output[str]
    capacity_provider: pulumi.Output[str]
    group_name: pulumi.Output[str]
    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra:cluster:Cluster", name, {}, opts)
        self._own = pulumi.ResourceOptions(parent=self)
        cluster = ecs.Cluster(name, opts=self._own)
        instances = Instances(
            f"{name}-instances",
            InstancesArgs(
                cluster_name=cluster.name,
                vpc_id=args.vpc_id,
                boundary_arn=args.boundary_arn,
                instance_type=args.instance_type,
                ami_parameter=args.ami_parameter,
            ),
            opts=self._own,
        )
        group = self._group(name, args, instances.template)
        provider = self._capacity_provider(name, args, cluster, group)
        self.arn = cluster.arn
        self.name = cluster.name
        self.capacity_provider = provider.name
        self.group_name = group.name
        self.security_group_id = instances.security_group_id
        self.register_outputs({"arn": self.arn, "groupName": self.group_name})

    def _group(self, name: str, args: ClusterArgs, template: ec2.LaunchTemplate) -> autoscaling.Group:
        return autoscaling.Group(
            name,
            min_size=args.min_size,
            max_size=args.max_size,
            desired_capacity=args.desired,
            vpc_zone_identifiers=args.subnet_ids,
            launch_template=autoscaling.GroupLaunchTemplateArgs(
                id=template.id,
                # A number and not $Latest, so that a new version is a change of the group and rolls its instances.
                version=template.latest_version.apply(str),
            ),
            instance_refresh=autoscaling.GroupInstanceRefreshArgs(strategy="Rolling"),
            health_check_type="EC2",
            tags=[
                autoscaling.GroupTagArgs(key="Name", value=name, propagate_at_launch=True),
                # ECS adds this tag itself when a capacity provider takes the group; undeclared, it would read as drift.
                autoscaling.GroupTagArgs(key="AmazonECSManaged", value="", propagate_at_launch=True),
            ],
            opts=self._own,
        )

    def _capacity_provider(self, name: str, args: ClusterArgs, cluster: ecs.Cluster, group: autoscaling.Group) -> ecs.CapacityProvider:
        scaling = ecs.CapacityProviderAutoScalingGroupProviderManagedScalingArgs(status="ENABLED", target_capacity=args.target_capacity)
        provider = ecs.CapacityProvider(
            name,
            auto_scaling_group_provider=ecs.CapacityProviderAutoScalingGroupProviderArgs(
                auto_scaling_group_arn=group.arn, managed_scaling=scaling, managed_termination_protection="DISABLED"
            ),
            opts=self._own,
        )
        ecs.ClusterCapacityProviders(
            name,
            cluster_name=cluster.name,
            capacity_providers=[provider.name],
            default_capacity_provider_strategies=[
                ecs.ClusterCapacityProvidersDefaultCapacityProviderStrategyArgs(capacity_provider=provider.name, weight=1)
            ],
            opts=self._own,
        )
        return provider

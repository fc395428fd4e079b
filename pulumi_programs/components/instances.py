"""What a cluster's instances are: launch template, role, security group."""

import base64
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, iam, vpc

from pulumi_programs.components.policies import ROLE_PATH, service_trust

AGENT_POLICY = "policy/service-role/AmazonEC2ContainerServiceforEC2Role"
"""AWS' own policy for the ECS agent (Amazon ECS developer guide, "Amazon ECS container instance IAM role")."""

ROOT_DEVICE, ROOT_GIB = "/dev/xvda", 30
"""The root device of the ECS-optimized Amazon Linux images, and the size that they are made with."""


@dataclass(frozen=True, kw_only=True)
class InstancesArgs:
    """`cluster_name`: the cluster that instances join. The rest: see ClusterArgs."""

    cluster_name: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    boundary_arn: pulumi.Input[str]
    instance_type: str
    ami_parameter: str


class Instances(pulumi.ComponentResource):
    """A launch template whose instances join the cluster, reach out, and accept traffic from each other only."""

    template: ec2.LaunchTemplate
    security_group_id: pulumi.Output[str]

    def __init__(self, name: str, args: InstancesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra:cluster:Instances", name, {}, opts)
        self._own = pulumi.ResourceOptions(parent=self)
        profile = self._profile(name, pulumi.Output.from_input(args.boundary_arn))
        security_group = self._security_group(name, args.vpc_id)
        self.template = self._template(name, args, profile, security_group)
        self.security_group_id = security_group.id
        self.register_outputs({"securityGroupId": self.security_group_id})

    def _profile(self, name: str, boundary_arn: pulumi.Output[str]) -> iam.InstanceProfile:
        role = iam.Role(
            name,
            path=ROLE_PATH,
            description="The ECS agent on the cluster's instances.",
            assume_role_policy=service_trust("ec2.amazonaws.com"),
            permissions_boundary=boundary_arn,
            opts=self._own,
        )
        attached = iam.RolePolicyAttachment(name, role=role.name, policy_arn=boundary_arn.apply(agent_policy_arn), opts=self._own)
        # An instance that starts before its role may do anything does not join the cluster, so the profile comes last.
        return iam.InstanceProfile(name, path=ROLE_PATH, role=role.name, opts=pulumi.ResourceOptions(parent=self, depends_on=[attached]))

    def _security_group(self, name: str, vpc_id: pulumi.Input[str]) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(name, vpc_id=vpc_id, description="The cluster's instances.", tags={"Name": name}, opts=self._own)
        vpc.SecurityGroupIngressRule(
            f"{name}-each-other",
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="-1",
            description="From each other.",
            opts=self._own,
        )
        vpc.SecurityGroupEgressRule(
            f"{name}-out", security_group_id=group.id, cidr_ipv4="0.0.0.0/0", ip_protocol="-1", description="To anywhere.", opts=self._own
        )
        return group

    def _template(
        self, name: str, args: InstancesArgs, profile: iam.InstanceProfile, security_group: ec2.SecurityGroup
    ) -> ec2.LaunchTemplate:
        disk = ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
            volume_size=ROOT_GIB, volume_type="gp3", encrypted="true", delete_on_termination="true"
        )
        return ec2.LaunchTemplate(
            name,
            # EC2 looks the image up at each launch. Read here, every image that AWS publishes would read as a change of every stack.
            image_id=f"resolve:ssm:{args.ami_parameter}",
            instance_type=args.instance_type,
            iam_instance_profile=ec2.LaunchTemplateIamInstanceProfileArgs(arn=profile.arn),
            vpc_security_group_ids=[security_group.id],
            block_device_mappings=[ec2.LaunchTemplateBlockDeviceMappingArgs(device_name=ROOT_DEVICE, ebs=disk)],
            # IMDSv2 only, and out of containers' reach: a task gets its own role, not the instance's.
            metadata_options=ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            user_data=pulumi.Output.from_input(args.cluster_name).apply(user_data),
            update_default_version=True,
            opts=self._own,
        )


def agent_policy_arn(boundary_arn: str) -> str:
    """Return the agent policy's ARN, in the partition of `boundary_arn`."""
    return f"arn:{boundary_arn.split(':')[1]}:iam::aws:{AGENT_POLICY}"


def user_data(cluster_name: str) -> str:
    """Return an instance's first-boot script, base64, by which it joins the cluster."""
    script = f"#!/bin/sh\necho ECS_CLUSTER={cluster_name} >> /etc/ecs/ecs.config\n"
    return base64.b64encode(script.encode()).decode()

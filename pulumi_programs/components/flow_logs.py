"""A record of the traffic in a network."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudwatch, ec2, iam

from pulumi_programs.components.policies import ROLE_PATH, flow_log_policy, service_trust

SERVICE = "vpc-flow-logs.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class FlowLogsArgs:
    """How traffic is recorded.

    `retention_days`: for which the record is kept. `boundary_arn`: the account's permissions boundary. `account_id`: its twelve digits.
    """

    retention_days: int
    boundary_arn: pulumi.Input[str]
    account_id: pulumi.Input[str]


class FlowLogs(pulumi.ComponentResource):
    """All traffic of a VPC, written to a log group of its own by a role that may do nothing else."""

    log_group_name: pulumi.Output[str]

    def __init__(self, name: str, vpc_id: pulumi.Input[str], args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra:network:FlowLogs", name, {}, opts)
        own = pulumi.ResourceOptions(parent=self)
        group = cloudwatch.LogGroup(name, retention_in_days=args.retention_days, opts=own)
        role = iam.Role(
            name,
            path=ROLE_PATH,
            description="Writes the network's flow logs.",
            assume_role_policy=pulumi.Output.from_input(args.account_id).apply(lambda known: service_trust(SERVICE, source_account=known)),
            permissions_boundary=args.boundary_arn,
            opts=own,
        )
        permissions = iam.RolePolicy(name, role=role.name, policy=group.arn.apply(flow_log_policy), opts=own)
        ec2.FlowLog(
            name,
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permissions]),
        )
        self.log_group_name = group.name
        self.register_outputs({"logGroupName": self.log_group_name})

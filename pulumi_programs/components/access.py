"""The ways into a tenant's account: the deploy role, the preview role, and the boundary that limits both and every role of programs."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from pulumi_programs.components.policies import (
    BOUNDARY,
    DEPLOY_ROLE,
    PREVIEW_ROLE,
    READ_ONLY,
    Account,
    boundary_policy,
    deploy_policy,
    entry_trust,
    preview_policy,
)


@dataclass(frozen=True, kw_only=True)
class AccessArgs:
    """Who may deploy and preview.

    `account`: the tenant's AWS account. `deployer_arn`: the principal that may assume the roles. `external_id`: what it must present.
    """

    account: pulumi.Input[Account]
    deployer_arn: str
    external_id: pulumi.Input[str]


class DeployAccess(pulumi.ComponentResource):
    """The role `infra-deploy`, whose trust policy asks for the external id, under the boundary `infra-boundary`."""

    role_arn: pulumi.Output[str]
    boundary_arn: pulumi.Output[str]

    def __init__(self, name: str, args: AccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra:account:DeployAccess", name, {}, opts)
        account = pulumi.Output.from_input(args.account)
        # Other accounts and stacks know both by name. AWS can't hold two of a name, so a replacement deletes first.
        fixed_name = pulumi.ResourceOptions(parent=self, delete_before_replace=True)
        boundary = iam.Policy(
            f"{name}-boundary",
            name=BOUNDARY,
            description="The most that the deploy role, and any role that it creates, may do.",
            policy=account.apply(boundary_policy),
            opts=fixed_name,
        )
        role = iam.Role(
            f"{name}-deploy",
            name=DEPLOY_ROLE,
            description="Assumed by the control plane to deploy this account's stacks.",
            assume_role_policy=pulumi.Output.from_input(args.external_id).apply(lambda given: entry_trust(args.deployer_arn, given)),
            permissions_boundary=boundary.arn,
            opts=fixed_name,
        )
        permissions = iam.RolePolicy(
            f"{name}-deploy", role=role.name, policy=account.apply(deploy_policy), opts=pulumi.ResourceOptions(parent=self)
        )
        # Whoever reads the role's ARN is about to use it, so it is known only once the role may do something.
        self.role_arn = pulumi.Output.all(role.arn, permissions.id).apply(lambda known: str(known[0]))
        self.boundary_arn = boundary.arn
        self.register_outputs({"roleArn": self.role_arn, "boundaryArn": self.boundary_arn})


class PreviewAccess(pulumi.ComponentResource):
    """The role `infra-preview`: it reads how things are configured, and no customer's data. Trust and boundary are the deploy role's."""

    role_arn: pulumi.Output[str]

    def __init__(self, name: str, args: AccessArgs, boundary_arn: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra:account:PreviewAccess", name, {}, opts)
        role = iam.Role(
            f"{name}-preview",
            name=PREVIEW_ROLE,
            description="Assumed by the control plane to look at what this account's stacks hold.",
            assume_role_policy=pulumi.Output.from_input(args.external_id).apply(lambda given: entry_trust(args.deployer_arn, given)),
            permissions_boundary=boundary_arn,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        denied = iam.RolePolicy(f"{name}-preview", role=role.name, policy=preview_policy(), opts=pulumi.ResourceOptions(parent=self))
        reading = iam.RolePolicyAttachment(
            f"{name}-preview",
            role=role.name,
            policy_arn=pulumi.Output.from_input(args.account).apply(lambda account: account.managed(READ_ONLY)),
            # There is no moment in which it may read everything.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[denied]),
        )
        self.role_arn = pulumi.Output.all(role.arn, reading.id).apply(lambda known: str(known[0]))
        self.register_outputs({"roleArn": self.role_arn})

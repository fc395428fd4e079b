"""What every tenant's account has before anything is deployed into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import pulumi
from pulumi_aws import cloudwatch, sns

from pulumi_programs.components.access import AccessArgs, DeployAccess, PreviewAccess
from pulumi_programs.components.policies import Account
from pulumi_programs.components.spending import Spending, SpendingArgs

LOG_GROUPS = ("system", "workloads")
"""`system`: what instances and agents write. `workloads`: what containers write."""


@dataclass(frozen=True, kw_only=True)
class BaselineArgs:
    """`log_retention_days`: for which logs are kept. The rest: see AccessArgs and SpendingArgs."""

    account: pulumi.Input[Account]
    deployer_arn: str
    external_id: pulumi.Input[str]
    budget_usd: Decimal
    budget_emails: Sequence[pulumi.Input[str]] = ()
    log_retention_days: int


class Baseline(pulumi.ComponentResource):
    """Deploy and preview role, their boundary, log groups, the topic for alarms of the account's own region, budget and billing alarm."""

    deploy_role_arn: pulumi.Output[str]
    preview_role_arn: pulumi.Output[str]
    boundary_arn: pulumi.Output[str]
    alarm_topic_arn: pulumi.Output[str]
    spending_topic_arn: pulumi.Output[str]
    log_groups: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: BaselineArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra:account:Baseline", name, {}, opts)
        own = pulumi.ResourceOptions(parent=self)
        entering = AccessArgs(account=args.account, deployer_arn=args.deployer_arn, external_id=args.external_id)
        access = DeployAccess(name, entering, opts=own)
        preview = PreviewAccess(name, entering, access.boundary_arn, opts=own)
        spending = Spending(
            f"{name}-spending",
            SpendingArgs(account=args.account, monthly_usd=args.budget_usd, emails=args.budget_emails),
            opts=own,
        )
        # The topic's default policy lets the account itself publish, which includes its alarms.
        alarms = sns.Topic(f"{name}-alarms", opts=own)
        self.deploy_role_arn = access.role_arn
        self.preview_role_arn = preview.role_arn
        self.boundary_arn = access.boundary_arn
        self.alarm_topic_arn = alarms.arn
        self.spending_topic_arn = spending.topic_arn
        self.log_groups = {
            group: cloudwatch.LogGroup(f"{name}-{group}", retention_in_days=args.log_retention_days, opts=own).name for group in LOG_GROUPS
        }
        self.register_outputs({"deployRoleArn": self.deploy_role_arn, "boundaryArn": self.boundary_arn})

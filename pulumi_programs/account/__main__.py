"""What every tenant's account has before anything else: ways in to deploy and to preview, log groups, alarms, and a limit to its cost.

Outputs:
    account_id: the AWS account, twelve digits.
    deploy_role_arn: the role that deploys all other projects of the tenant; asks for the external id.
    preview_role_arn: the role that only reads, for previews and drift checks of these; asks for the external id as well.
    boundary_arn: the permissions boundary that every role of the tenant carries.
    alarm_topic_arn: the SNS topic for alarms, in the account's own region.
    spending_topic_arn: the SNS topic for budget and billing, in us-east-1.
    log_groups: the names of the log groups by purpose: `system`, `workloads`.
"""

import pulumi
import pulumi_aws as aws

from pulumi_programs.account.config import AccountConfig
from pulumi_programs.components.baseline import Baseline, BaselineArgs
from pulumi_programs.components.configuration import load
from pulumi_programs.components.policies import Account

config = load(AccountConfig)
caller = aws.get_caller_identity_output()

baseline = Baseline(
    "account",
    BaselineArgs(
        account=caller.apply(lambda found: Account.of(found.arn, found.account_id)),
        deployer_arn=config.deployer_arn,
        external_id=config.external_id.output(),
        budget_usd=config.budget_usd,
        budget_emails=[config.budget_email.output()] if config.budget_email else [],
        log_retention_days=config.log_retention_days,
    ),
)

pulumi.export("account_id", caller.account_id)
pulumi.export("deploy_role_arn", baseline.deploy_role_arn)
pulumi.export("preview_role_arn", baseline.preview_role_arn)
pulumi.export("boundary_arn", baseline.boundary_arn)
pulumi.export("alarm_topic_arn", baseline.alarm_topic_arn)
pulumi.export("spending_topic_arn", baseline.spending_topic_arn)
pulumi.export("log_groups", baseline.log_groups)

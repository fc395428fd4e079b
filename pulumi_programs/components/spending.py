"""What an account may cost: a monthly budget and a billing alarm, and the topic that both report to."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import pulumi
from pulumi_aws import budgets, cloudwatch, sns

from pulumi_programs.components.policies import Account, publish_policy

BILLING_REGION = "us-east-1"
"""Billing metrics exist in this region only, and an alarm reports to topics of its own region only (CloudWatch user guide)."""

THRESHOLDS = (80, 100)
"""Percent of the budget at which it reports."""

SIX_HOURS_S = 6 * 60 * 60
"""The billing metric gets a new value a few times a day."""


@dataclass(frozen=True, kw_only=True)
class SpendingArgs:
    """`monthly_usd`: the budget, US dollars a calendar month. `emails`: told as well as the topic."""

    account: pulumi.Input[Account]
    monthly_usd: Decimal
    emails: Sequence[pulumi.Input[str]] = ()


class Spending(pulumi.ComponentResource):
    """Reports at 80 and 100 % of the month's budget, and when the estimated charges pass it."""

    topic_arn: pulumi.Output[str]

    def __init__(self, name: str, args: SpendingArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("infra:account:Spending", name, {}, opts)
        own = pulumi.ResourceOptions(parent=self)
        topic = sns.Topic(f"{name}-topic", region=BILLING_REGION, opts=own)
        account = pulumi.Output.from_input(args.account)
        permission = sns.TopicPolicy(
            f"{name}-topic",
            arn=topic.arn,
            region=BILLING_REGION,
            policy=pulumi.Output.all(arn=topic.arn, account=account).apply(
                lambda known: publish_policy(known["arn"], known["account"].id, ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"])
            ),
            opts=own,
        )
        # Both report to the topic, which refuses them until its policy is there.
        reporting = pulumi.ResourceOptions(parent=self, depends_on=[permission])
        self._budget(name, args, topic, reporting)
        self._alarm(name, args, topic, reporting)
        self.topic_arn = topic.arn
        self.register_outputs({"topicArn": self.topic_arn})

    def _budget(self, name: str, args: SpendingArgs, topic: sns.Topic, opts: pulumi.ResourceOptions) -> None:
        notifications = [
            budgets.BudgetNotificationArgs(
                comparison_operator="GREATER_THAN",
                notification_type="ACTUAL",
                threshold=percent,
                threshold_type="PERCENTAGE",
                subscriber_sns_topic_arns=[topic.arn],
                subscriber_email_addresses=args.emails or None,
            )
            for percent in THRESHOLDS
        ]
        budgets.Budget(
            f"{name}-budget",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.monthly_usd),
            limit_unit="USD",
            notifications=notifications,
            opts=opts,
        )

    def _alarm(self, name: str, args: SpendingArgs, topic: sns.Topic, opts: pulumi.ResourceOptions) -> None:
        cloudwatch.MetricAlarm(
            f"{name}-charges",
            region=BILLING_REGION,
            alarm_description=f"The month's estimated charges are above {args.monthly_usd} USD.",
            namespace="AWS/Billing",
            metric_name="EstimatedCharges",
            dimensions={"Currency": "USD"},
            statistic="Maximum",
            period=SIX_HOURS_S,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=float(args.monthly_usd),
            alarm_actions=[topic.arn],
            opts=opts,
        )

"""Settings of the project `account`."""

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from pulumi_programs.components.configuration import Configuration, Sensitive, SensitiveText
from pulumi_programs.components.fields import Retention, matching


def _external_id(given: Sensitive) -> Sensitive:
    if not matching(r"[\w+=,.@:/-]{2,1224}", given.value):
        raise ValueError("must have 2 to 1224 letters, digits or any of _+=,.@:/-")
    return given


class AccountConfig(Configuration):
    """Who may deploy into the account, and what it may cost."""

    external_id: Annotated[SensitiveText, AfterValidator(_external_id)] = Field(
        description="What the deployer must present to assume the deploy role. One per tenant, chosen by the control plane.",
        examples=["acme-prod-4f1c"],
    )
    deployer_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:(iam|sts)::\d{12}:\S+$",
        description="The principal that may assume the deploy role: the control plane's own role or user.",
        examples=["arn:aws:iam::123456789012:role/control-plane"],
    )
    budget_usd: Decimal = Field(
        Decimal(500),
        gt=0,
        max_digits=12,
        decimal_places=2,
        description="US dollars a month; budget and billing alarm report there.",
        examples=[500],
    )
    budget_email: SensitiveText | None = Field(
        None, description="Told by the budget, besides the topic.", examples=["platform@example.com"]
    )
    log_retention_days: Retention = Field(30, description="Days for which the account's log groups keep their records.", examples=[30])

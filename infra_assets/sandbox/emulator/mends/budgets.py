"""Budgets (https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_Operations_AWS_Budgets.html)."""

import json
from collections.abc import Mapping
from typing import Any

from moto.budgets.exceptions import NotFoundException
from moto.budgets.responses import BudgetsResponse
from moto.core.utils import unix_time

from infra_assets.sandbox.emulator.mends.registry import mend

# moto's classes by another name, because they are given what they do not declare.
RESPONSE: Any = BudgetsResponse
IDENTITY = ("NotificationType", "ComparisonOperator", "Threshold", "ThresholdType")


@mend("budgets")
def has_tags() -> None:
    """Give a budget its tags: ListTagsForResource, TagResource, UntagResource, ResourceTags of CreateBudget; moto knows none of them.

    aws:budgets/budget:Budget reads them after each change.
    """
    RESPONSE.list_tags_for_resource = _list_tags
    RESPONSE.tag_resource = _tag
    RESPONSE.untag_resource = _untag
    RESPONSE.create_budget = _creating_tags(RESPONSE.create_budget)


@mend("budgets")
def updates_budgets() -> None:
    """Have UpdateBudget, which replaces a budget's definition and keeps its notifications; moto lacks it.

    aws:budgets/budget:Budget, when its limit changes.
    """
    RESPONSE.update_budget = _update_budget


@mend("budgets")
def lists_subscribers() -> None:
    """Have DescribeSubscribersForNotification, which tells who is notified; moto lacks it.

    aws:budgets/budget:Budget with notifications reads it at each refresh.
    """
    RESPONSE.describe_subscribers_for_notification = _describe_subscribers


def _tags(response: Any, arn: str) -> dict[str, str]:
    by_arn: dict[str, dict[str, str]] = response.backend.__dict__.setdefault("tags_by_arn", {})
    return by_arn.setdefault(arn, {})


def _list_tags(self: Any) -> str:
    tags = _tags(self, self._get_param("ResourceARN"))
    return json.dumps({"ResourceTags": [{"Key": key, "Value": value} for key, value in tags.items()]})


def _tag(self: Any) -> str:
    _tags(self, self._get_param("ResourceARN")).update({tag["Key"]: tag["Value"] for tag in self._get_param("ResourceTags")})
    return "{}"


def _untag(self: Any) -> str:
    tags = _tags(self, self._get_param("ResourceARN"))
    for key in self._get_param("ResourceTagKeys"):
        tags.pop(key, None)
    return "{}"


def _creating_tags(create: Any) -> Any:
    def create_budget(self: Any) -> str:
        answer: str = create(self)
        account, name = self._get_param("AccountId"), self._get_param("Budget")["BudgetName"]
        tags = _tags(self, f"arn:{self.partition}:budgets::{account}:budget/{name}")
        # One of the same name may have been here before.
        tags.clear()
        given: list[dict[str, str]] = self._get_param("ResourceTags") or []
        tags.update({tag["Key"]: tag["Value"] for tag in given})
        return answer

    return create_budget


def _budget(self: Any, name: str) -> Any:
    budgets = self.backend.budgets[self._get_param("AccountId")]
    if name not in budgets:
        raise NotFoundException(f"Unable to find budget: {name} - the budget doesn't exist.")
    return budgets[name]


def _update_budget(self: Any) -> str:
    wanted: dict[str, Any] = self._get_param("NewBudget")
    budget = _budget(self, wanted["BudgetName"])
    budget.budget = {"TimePeriod": budget.budget["TimePeriod"]} | wanted | {"LastUpdatedTime": unix_time()}
    return "{}"


def _describe_subscribers(self: Any) -> str:
    budget, wanted = _budget(self, self._get_param("BudgetName")), _identity(self._get_param("Notification"))
    for notification in budget.notifications:
        if _identity(notification.details) == wanted:
            return json.dumps({"Subscribers": notification.subscribers})
    raise NotFoundException("Unable to find the notification.")


def _identity(details: Mapping[str, Any]) -> tuple[Any, ...]:
    # PERCENTAGE is what a threshold is when nothing is said.
    return tuple(details.get(key, "PERCENTAGE" if key == "ThresholdType" else None) for key in IDENTITY)

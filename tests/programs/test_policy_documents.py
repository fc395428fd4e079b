"""What policies allow and refuse, read as documents."""

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from pulumi_programs.components import policies
from pulumi_programs.components.policies import Account

ACCOUNT = Account.of("arn:aws:sts::111122223333:assumed-role/setup/session", "111122223333")


def statements(document: str) -> dict[str, policies.Statement]:
    return {item["Sid"]: item for item in json.loads(document)["Statement"]}


def published(name: str) -> list[str]:
    """Return the actions of one of AWS' own policies, as AWS publishes it."""
    return [action for item in json.loads(aws_managed_policies_data)[name]["Document"]["Statement"] for action in item["Action"]]


@pytest.mark.parametrize("document", [policies.deploy_policy(ACCOUNT), policies.boundary_policy(ACCOUNT)])
def test_roles_are_managed_under_the_own_path_only(document: str) -> None:
    found = statements(document)["OwnRoles"]
    assert found["Resource"] == ["arn:aws:iam::111122223333:role/infra/*", "arn:aws:iam::111122223333:instance-profile/infra/*"]
    # Neither the roles of the control plane nor the organization's access role lie there.
    assert not any(role in resource for resource in found["Resource"] for role in (policies.DEPLOY_ROLE, policies.PREVIEW_ROLE))


@pytest.mark.parametrize("document", [policies.deploy_policy(ACCOUNT), policies.boundary_policy(ACCOUNT)])
def test_nothing_allows_everything(document: str) -> None:
    for statement in json.loads(document)["Statement"]:
        assert statement["Effect"] == "Deny" or not {"*", "iam:*", "sts:*", "organizations:*"} & set(statement["Action"])


def test_a_role_without_the_boundary_can_be_neither_made_nor_given_rights() -> None:
    found = statements(policies.boundary_policy(ACCOUNT))
    assert {"iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy"} <= set(found["NoRoleWithoutBoundary"]["Action"])
    assert found["BoundaryStays"]["Action"] == ["iam:DeleteRolePermissionsBoundary"]


def test_the_boundary_covers_what_the_deploy_role_does() -> None:
    deploy, boundary = statements(policies.deploy_policy(ACCOUNT)), statements(policies.boundary_policy(ACCOUNT))
    assert set(deploy["Deploy"]["Action"]) <= set(boundary["Services"]["Action"])
    assert deploy["OwnRoles"] == boundary["OwnRoles"]


NO_CONTENT = statements(policies.preview_policy())["NoContent"]
REFRESHED = [
    "autoscaling:DescribeAutoScalingGroups", "budgets:DescribeNotificationsForBudget", "budgets:ViewBudget", "cloudwatch:DescribeAlarms",
    "ec2:DescribeLaunchTemplateVersions", "ec2:GetEbsEncryptionByDefault", "ecs:DescribeCapacityProviders", "ecs:ListTagsForResource",
    "elasticloadbalancing:DescribeTags", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "logs:DescribeLogGroups",
    "logs:ListTagsForResource", "sns:GetTopicAttributes", "ssm:GetParameter", "s3:GetBucketPolicy", "secretsmanager:DescribeSecret",
    "kms:DescribeKey", "sqs:GetQueueAttributes", "ecr:GetRepositoryPolicy",
]  # fmt: skip
"""What the provider reads of resources such as the programs', a few of each service."""
READ = [
    "s3:GetObject", "s3:GetObjectVersion", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "secretsmanager:GetSecretValue",
    "kms:Decrypt", "logs:GetLogEvents", "logs:FilterLogEvents", "logs:StartQuery", "sqs:ReceiveMessage", "kinesis:GetRecords",
    "athena:GetQueryResults", "rds-data:ExecuteStatement", "ec2:GetConsoleOutput",
]  # fmt: skip
"""What reads data."""


def matches(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in patterns)


@pytest.mark.parametrize("action", REFRESHED)
def test_a_preview_may_read_how_things_are_configured(action: str) -> None:
    allowed = [item for item in statements(policies.boundary_policy(ACCOUNT)).values() if item["Effect"] == "Allow"]
    assert any(item["Resource"] == "*" and matches(action, item["Action"]) for item in allowed)
    assert matches(action, published(policies.READ_ONLY))
    assert not matches(action, NO_CONTENT["Action"])


@pytest.mark.parametrize("action", READ)
def test_a_preview_may_not_read_data(action: str) -> None:
    assert (NO_CONTENT["Effect"], NO_CONTENT["Resource"]) == ("Deny", "*")
    assert matches(action, NO_CONTENT["Action"])


def test_a_preview_is_refused_nothing_that_only_describes_or_lists() -> None:
    assert not [action for action in NO_CONTENT["Action"] if action.endswith((":Describe*", ":List*", ":Get*"))]


def test_inline_policies_fit_into_what_aws_takes() -> None:
    # 10,240 characters without white space, all of a role's together (IAM user guide, quotas).
    assert len(policies.preview_policy().replace(" ", "")) < 10240


def test_managed_policies_fit_into_what_aws_takes() -> None:
    # 6,144 characters without white space (IAM user guide, quotas).
    assert len(policies.boundary_policy(ACCOUNT).replace(" ", "")) < 6144


def test_the_partition_is_the_callers() -> None:
    china = Account.of("arn:aws-cn:sts::111122223333:assumed-role/setup/session", "111122223333")
    assert china.iam("role/infra-deploy") == "arn:aws-cn:iam::111122223333:role/infra-deploy"
    assert china.managed("ReadOnlyAccess") == "arn:aws-cn:iam::aws:policy/ReadOnlyAccess"


def test_the_trust_policy_lets_nobody_in_without_the_external_id() -> None:
    [statement] = json.loads(policies.entry_trust("arn:aws:iam::123456789012:role/cp", "acme"))["Statement"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "acme"}}
    assert statement["Principal"] != "*"

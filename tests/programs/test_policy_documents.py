"""What policies allow and refuse, read as documents."""

import json

import pytest

from pulumi_programs.components import policies
from pulumi_programs.components.policies import Account

ACCOUNT = Account.of("arn:aws:sts::111122223333:assumed-role/setup/session", "111122223333")


def statements(document: str) -> dict[str, policies.Statement]:
    return {item["Sid"]: item for item in json.loads(document)["Statement"]}


@pytest.mark.parametrize("document", [policies.deploy_policy(ACCOUNT), policies.boundary_policy(ACCOUNT)])
def test_roles_are_managed_under_the_own_path_only(document: str) -> None:
    found = statements(document)["OwnRoles"]
    assert found["Resource"] == ["arn:aws:iam::111122223333:role/infra/*", "arn:aws:iam::111122223333:instance-profile/infra/*"]
    # Neither the deploy role nor the organization's access role lies there.
    assert not any(policies.DEPLOY_ROLE in resource for resource in found["Resource"])


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


def test_managed_policies_fit_into_what_aws_takes() -> None:
    # 6,144 characters without white space (IAM user guide, quotas).
    assert len(policies.boundary_policy(ACCOUNT).replace(" ", "")) < 6144


def test_the_partition_is_the_callers() -> None:
    china = Account.of("arn:aws-cn:sts::111122223333:assumed-role/setup/session", "111122223333")
    assert china.iam("role/infra-deploy") == "arn:aws-cn:iam::111122223333:role/infra-deploy"


def test_the_trust_policy_lets_nobody_in_without_the_external_id() -> None:
    [statement] = json.loads(policies.deploy_trust("arn:aws:iam::123456789012:role/cp", "acme"))["Statement"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": "acme"}}
    assert statement["Principal"] != "*"

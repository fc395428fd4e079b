"""Who may enter an account: what Organizations and the roles' trust policies say."""

import json

import pytest

from infra_assets.sandbox.emulator import Emulator
from infra_assets.sandbox.emulator.mends.trust import allows
from tests.sandbox.emulator.clients import OPERATIONS, Clients, operations
from tests.sandbox.emulator.programs import policy

ROLE = "OrganizationAccountAccessRole"


@pytest.fixture(scope="module")
def account(running: Emulator) -> str:
    organizations = operations(running)("organizations")
    organizations.create_organization(FeatureSet="ALL")
    return organizations.create_account(Email="a@example.com", AccountName="acme-prod")["CreateAccountStatus"]["AccountId"]


def with_role(clients: Clients, account: str, name: str, external_id: str) -> None:
    trust = policy(
        "sts:AssumeRole",
        Principal={"AWS": f"arn:aws:iam::{OPERATIONS}:root"},
        Condition={"StringEquals": {"sts:ExternalId": external_id}},
    )
    clients.assume(account, ROLE)("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)


def test_the_management_account_enters_a_new_account(running: Emulator, account: str):
    inside = operations(running).assume(account, ROLE)
    assert inside("sts").get_caller_identity()["Account"] == account


def test_another_tenant_does_not(running: Emulator, account: str):
    with pytest.raises(Exception, match="AccessDenied"):
        operations(running).assume("222222222222").assume(account, ROLE)


def test_a_role_that_does_not_exist_is_not_entered(running: Emulator, account: str):
    with pytest.raises(Exception, match=r"AccessDenied.*not authorized to perform: sts:AssumeRole on resource: .*/nothing"):
        operations(running).assume(account, "nothing")


def test_the_external_id_must_be_the_roles(running: Emulator, account: str):
    with_role(operations(running), account, "deploy", "the-right-one")
    assert operations(running).assume(account, "deploy", "the-right-one")
    with pytest.raises(Exception, match="AccessDenied"):
        operations(running).assume(account, "deploy", "another-one")


@pytest.mark.parametrize(
    ("principal", "condition", "external_id", "expected"),
    [
        ({"AWS": "111111111111"}, None, None, True),
        ({"AWS": "arn:aws:iam::111111111111:user/ci"}, None, None, True),
        ({"AWS": ["arn:aws:iam::222222222222:root", "111111111111"]}, None, None, True),
        ("*", None, None, True),
        ({"AWS": "arn:aws:iam::222222222222:root"}, None, None, False),
        ({"Service": "ec2.amazonaws.com"}, None, None, False),
        ({"AWS": "111111111111"}, {"StringEquals": {"sts:ExternalId": ["x", "y"]}}, "y", True),
        ({"AWS": "111111111111"}, {"StringEquals": {"sts:ExternalId": "x"}}, None, False),
        ({"AWS": "111111111111"}, {"StringEquals": {"sts:externalid": "x"}}, "y", False),
    ],
)
def test_a_trust_policy(principal, condition, external_id, expected):
    extra = {"Condition": condition} if condition else {}
    document = json.loads(policy("sts:AssumeRole", Principal=principal, **extra))
    assert allows(document, "111111111111", external_id) is expected


def test_a_trust_policy_for_another_action_lets_nobody_in():
    assert not allows(json.loads(policy("sts:AssumeRoleWithWebIdentity", Principal="*")), "111111111111", None)
    assert not allows({}, "111111111111", None)

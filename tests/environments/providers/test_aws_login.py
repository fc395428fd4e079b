"""Logging in to AWS: given keys, roles assumed with an external id, and tokens of an identity provider."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra_assets.environments.language.model import ExecutionContext, Plain, ProviderError, Value
from infra_assets.environments.layers import READ_ONLY
from infra_assets.environments.providers import BuiltinProviders, Credentials, caller_account
from infra_assets.environments.providers.aws_login import session_name
from infra_assets.sandbox import emulator
from infra_assets.sandbox.cloud import Aws
from infra_assets.sandbox.emulator import Emulator, Fault
from tests.environments.providers.asking import ACCOUNT, OPERATIONS, client, context, opened, tenant

ROLE = f"arn:aws:iam::{ACCOUNT}:role/infra-deploy"
STATIC = {"accessKeyId": "AKIAEXAMPLE", "secretAccessKey": "the-secret-key", "sessionToken": "the-token"}
ORGANIZATION = {"organization": {"login": "contoso"}, "user": {"login": "person-a"}}


class Tokens:
    """Signs nothing, and notes what it is asked for."""

    fixed = False

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def token(self, audience: str, subject: str) -> str:
        self.asked.append((audience, subject))
        return "header.claims.signature"


def identity(aws: Aws, value: Value) -> dict[str, Any]:
    return client(aws, Credentials.from_value(value), "sts").get_caller_identity()


def lasts(value: Value) -> float:
    expires = Credentials.from_value(value).expires_at
    assert expires is not None
    return round((expires - datetime.now(UTC)) / timedelta(minutes=1))


@pytest.fixture(scope="module")
def deploy_role(aws: Aws) -> str:
    """A role in the tenant's account that lets the operations account in, with an external id."""
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{OPERATIONS}:root"},
        "Condition": {"StringEquals": {"sts:ExternalId": "of-acme"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    client(aws, tenant(aws), "iam").create_role(RoleName="infra-deploy", AssumeRolePolicyDocument=policy)
    return ROLE


def test_static_credentials_pass_through_as_secrets(providers: BuiltinProviders):
    value = opened(providers.provider("aws-login"), {"static": STATIC})
    assert value.plain(reveal=True) == STATIC
    assert value.plain() == dict.fromkeys(STATIC, "[secret]")


def test_a_session_token_may_be_missing(providers: BuiltinProviders):
    value = opened(providers.provider("aws-login"), {"static": {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": None}})
    assert value.plain(reveal=True) == {"accessKeyId": "a", "secretAccessKey": "b"}


def test_a_role_is_assumed_from_the_operations_account(providers: BuiltinProviders, aws: Aws, deploy_role: str):
    wanted = {"roleArn": deploy_role, "externalId": "of-acme", "sessionName": "rollout", "duration": "30m", "policyArns": [READ_ONLY]}
    value = opened(providers.provider("aws-login"), {"assumeRole": wanted})
    assert identity(aws, value)["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/infra-deploy/rollout"
    assert lasts(value) == pytest.approx(30, abs=1)
    assert set(value.plain()) == {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"}
    assert [name for name, shown in value.plain().items() if shown != "[secret]"] == ["expiration"]


def test_a_session_is_named_after_the_environment_and_lasts_an_hour(providers: BuiltinProviders, aws: Aws, deploy_role: str):
    value = opened(providers.provider("aws-login"), {"assumeRole": {"roleArn": deploy_role, "externalId": "of-acme"}})
    assert identity(aws, value)["Arn"].endswith("/infra-tenants-acme-prod")
    assert lasts(value) == pytest.approx(60, abs=1)


@pytest.mark.parametrize("external_id", [None, "of-another-tenant"])
def test_another_external_id_is_refused(providers: BuiltinProviders, deploy_role: str, external_id: str | None):
    wanted = {"roleArn": deploy_role, "externalId": external_id}
    with pytest.raises(ProviderError, match=r"role/infra-deploy cannot be assumed: AccessDenied: .*not authorized"):
        opened(providers.provider("aws-login"), {"assumeRole": wanted})


def test_a_role_is_assumed_from_given_keys(providers: BuiltinProviders, aws: Aws, running: Emulator):
    source = tenant(aws, "333333333333")
    before = emulator.calls(running)[-1].n
    value = opened(
        providers.provider("aws-login"), {"static": source.as_value().plain(reveal=True), "assumeRole": {"roleArn": ROLE + "-chained"}}
    )
    (call,) = emulator.calls(running, before)
    assert (call.action, call.account, call.access_key_id) == ("AssumeRole", "333333333333", source.access_key_id)
    assert caller_account(aws, Credentials.from_value(value)) == ACCOUNT


def test_a_role_may_be_kept_from_an_environment(aws: Aws):
    asked: list[tuple[str, str]] = []

    def may_assume(context: ExecutionContext, arn: str) -> bool:
        asked.append((context.root_environment, arn))
        return False

    provider = BuiltinProviders(aws, may_assume=may_assume).provider("aws-login")
    with pytest.raises(ProviderError, match=r"tenants/acme-prod may not assume arn:.*infra-deploy"):
        opened(provider, {"assumeRole": {"roleArn": ROLE}})
    assert asked == [("tenants/acme-prod", ROLE)]


def test_a_token_is_shown_for_a_role(aws: Aws):
    tokens = Tokens()
    wanted = {"roleArn": ROLE, "sessionName": "pulumi-esc", "duration": "1h30m", "subjectAttributes": ["rootEnvironment.name"]}
    value = opened(BuiltinProviders(aws, tokens=tokens).provider("aws-login"), {"oidc": wanted}, context(**ORGANIZATION))
    assert identity(aws, value)["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/infra-deploy/pulumi-esc"
    assert lasts(value) == pytest.approx(90, abs=1)
    assert tokens.asked == [
        ("aws:contoso", "pulumi:environments:pulumi.organization.login:contoso:rootEnvironment.name:tenants/acme-prod"),
    ]


@pytest.mark.parametrize(
    ("attributes", "root", "current", "expected"),
    [
        ([], "tenants/acme", "aws/login", ("aws:contoso", "")),
        (
            ["currentEnvironment.name", "pulumi.user.login"],
            "tenants/acme",
            "aws/login",
            ("aws:contoso", ":currentEnvironment.name:aws/login:pulumi.user.login:person-a"),
        ),
        (["currentEnvironment.name"], "tenants/acme", "default/login", ("contoso", ":currentEnvironment.name:login")),
        (["pulumi.organization.login"], "<yaml>", "aws/login", ("aws:contoso", "")),
    ],
)
def test_the_claims_are_the_official_ones(attributes: list[str], root: str, current: str, expected: tuple[str, str], aws: Aws):
    tokens = Tokens()
    inputs = {"oidc": {"roleArn": ROLE, "sessionName": "s-1", "subjectAttributes": attributes}}
    value = opened(BuiltinProviders(aws, tokens=tokens).provider("aws-login"), inputs, context(root, current, **ORGANIZATION))
    audience, subject = expected
    assert tokens.asked == [(audience, f"pulumi:environments:pulumi.organization.login:contoso{subject}")]
    assert lasts(value) == pytest.approx(120, abs=1)


def test_without_an_identity_provider_it_says_what_to_do(providers: BuiltinProviders):
    inputs: dict[str, Plain] = {"oidc": {"roleArn": ROLE, "sessionName": "s-1"}}
    with pytest.raises(ProviderError, match="none is configured: set INFRA_OIDC_TOKEN_FILE, or use assumeRole"):
        opened(providers.provider("aws-login"), inputs, context(**ORGANIZATION))


def test_without_an_organization_there_is_no_token(aws: Aws):
    inputs: dict[str, Plain] = {"oidc": {"roleArn": ROLE, "sessionName": "s-1"}}
    with pytest.raises(ProviderError, match=r"context\.pulumi\.organization\.login"):
        opened(BuiltinProviders(aws, tokens=Tokens()).provider("aws-login"), inputs)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "one of oidc, static and assumeRole is needed"),
        ({"static": STATIC, "oidc": {}}, "static and oidc are both given"),
        ({"static": {"accessKeyId": "a"}}, r"static\.secretAccessKey is missing"),
        ({"assumeRole": {}}, r"assumeRole\.roleArn is missing"),
        ({"assumeRole": {"roleArn": "arn:aws:iam::222222222222:user/somebody"}}, r"assumeRole\.roleArn is not the ARN of a role"),
        ({"assumeRole": {"roleArn": ROLE, "duration": "10m"}}, r"assumeRole\.duration: from 15m to 12h"),
        ({"assumeRole": {"roleArn": ROLE, "duration": "13h"}}, r"assumeRole\.duration: from 15m to 12h"),
        ({"assumeRole": {"roleArn": ROLE, "duration": "an hour"}}, r"assumeRole\.duration is not a duration"),
        ({"assumeRole": {"roleArn": ROLE, "duration": 3600}}, r"assumeRole\.duration is not a string"),
        ({"assumeRole": {"roleArn": ROLE, "sessionName": "two words"}}, r"assumeRole\.sessionName: 2 to 64"),
    ],
)
def test_inputs_that_do_not_fit(providers: BuiltinProviders, inputs: dict[str, Plain], message: str):
    with pytest.raises(ProviderError, match=message):
        opened(providers.provider("aws-login"), inputs, context(**ORGANIZATION))


def test_a_name_for_a_session_is_made_to_fit():
    assert session_name("infra-tenants/acme prod") == "infra-tenants-acme-prod"
    assert session_name("x" * 80) == "x" * 64
    assert len(session_name("x")) == 2


def test_a_throttled_call_is_tried_again(providers: BuiltinProviders, running: Emulator, deploy_role: str):
    emulator.add_faults(running, [Fault("sts", "AssumeRole", status=400, code="Throttling", times=2)])
    assert opened(providers.provider("aws-login"), {"assumeRole": {"roleArn": deploy_role, "externalId": "of-acme"}}).value


def test_nothing_of_the_process_is_used(aws: Aws, deploy_role: str, monkeypatch: pytest.MonkeyPatch):
    provider = BuiltinProviders(aws).provider("aws-login")
    wanted: dict[str, Plain] = {"static": tenant(aws).as_value().plain(reveal=True), "assumeRole": {"roleArn": ROLE + "-2"}}
    for name, value in {
        "AWS_PROFILE": "no-such-profile",
        "AWS_ACCESS_KEY_ID": "AKIAAMBIENT",
        "AWS_SECRET_ACCESS_KEY": "ambient",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    value = opened(provider, wanted)
    assert caller_account(aws, Credentials.from_value(value)) == ACCOUNT


def test_credentials_go_on_as_variables(aws: Aws):
    credentials = Credentials("AKIAEXAMPLE", "the-secret-key", "the-token")
    assert credentials.as_environment() == {
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "the-secret-key",
        "AWS_SESSION_TOKEN": "the-token",
    }
    assert "AWS_SESSION_TOKEN" not in Credentials("AKIAEXAMPLE", "the-secret-key").as_environment()
    assert Credentials.from_value(credentials.as_value()) == credentials
    assert "the-" not in repr(credentials)


@pytest.mark.parametrize("value", [Value(None), Value("text"), Value({}, unknown=True), Value({"accessKeyId": Value("a")})])
def test_what_holds_no_credentials_is_refused(value: Value):
    with pytest.raises(ProviderError):
        Credentials.from_value(value)


def test_whose_the_operations_credentials_are(aws: Aws):
    assert caller_account(aws, Credentials("sandbox", "sandbox")) == OPERATIONS

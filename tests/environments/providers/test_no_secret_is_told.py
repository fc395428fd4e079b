"""No error of a provider holds a secret that was used, whatever AWS says."""

import base64
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra_assets.environments.language.model import ExecutionContext, ProviderError, Value
from infra_assets.environments.providers import BuiltinProviders, Credentials, caller_account
from infra_assets.environments.providers.refusals import reason
from infra_assets.sandbox import emulator
from infra_assets.sandbox.cloud import Aws
from infra_assets.sandbox.emulator import Emulator, Fault
from tests.environments.providers.asking import REGION, context, opened, rotated, values

SECRET, SESSION, TOKEN = "canary-secret-key-4711", "canary-session-token/+=4712", "canary.web.identity-4713"
CANARIES = (SECRET, SESSION, TOKEN)
LOGIN = {"accessKeyId": "AKIAEXAMPLE", "secretAccessKey": SECRET, "sessionToken": SESSION}
ROLE = "arn:aws:iam::222222222222:role/infra-deploy"
USER = "arn:aws:iam::123456789012:user/somebody"
ORGANIZATION = context(organization={"login": "contoso"})


class Tokens:
    """An identity provider."""

    fixed = False

    def token(self, audience: str, subject: str) -> str:
        return TOKEN


def rotate(providers: BuiltinProviders) -> Value:
    return rotated(providers.rotator("aws-iam"), {"login": LOGIN, "userArn": USER}, None)


def asks(name: str, inputs: dict[str, Any], of: ExecutionContext = ORGANIZATION) -> Callable[[BuiltinProviders], Any]:
    return lambda providers: opened(providers.provider(name), inputs, of)


CALLS: dict[tuple[str, str], Callable[[BuiltinProviders], Any]] = {
    ("sts", "AssumeRole"): asks("aws-login", {"static": LOGIN, "assumeRole": {"roleArn": ROLE}}),
    ("sts", "AssumeRoleWithWebIdentity"): asks("aws-login", {"oidc": {"roleArn": ROLE, "sessionName": "s-1"}}),
    ("secretsmanager", "GetSecretValue"): asks("aws-secrets", {"region": REGION, "login": LOGIN, "get": {"x": {"secretId": "x"}}}),
    ("ssm", "GetParameters"): asks("aws-parameter-store", {"region": REGION, "login": LOGIN, "get": {"x": {"name": "x"}}}),
    ("sts", "GetCallerIdentity"): rotate,
    ("iam", "ListAccessKeys"): rotate,
    ("iam", "CreateAccessKey"): rotate,
}


def told(error: BaseException) -> Iterator[str]:
    yield from (str(error), repr(error), "".join(traceback.format_exception(error)))


def assert_silent(error: BaseException) -> None:
    for text in told(error):
        for canary in CANARIES:
            for form in (canary, base64.b64encode(canary.encode()).decode(), canary[:12], canary[-12:]):
                assert form not in text, text


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "ValidationError", "AccessDenied"])
@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[1])
def test_what_aws_echoes_is_not_told(call: tuple[str, str], code: str, aws: Aws, running: Emulator):
    service, action = call
    message = f"Value '{TOKEN}' of {SECRET[:-3]} in x-amz-security-token:{SESSION}"
    emulator.add_faults(running, [Fault(service, action, status=403, code=code, message=message)])
    if action == "CreateAccessKey":
        emulator.add_faults(running, [Fault("iam", "ListAccessKeys", status=403, code=code, message=message)])
    with pytest.raises(ProviderError, match=code) as raised:
        CALLS[call](BuiltinProviders(aws, tokens=Tokens()))
    assert_silent(raised.value)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[1])
def test_an_aws_that_does_not_answer_tells_nothing(call: tuple[str, str], running: Emulator):
    variables = emulator.environment(running) | {
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    with pytest.raises(ProviderError, match="ProxyConnectionError") as raised:
        CALLS[call](BuiltinProviders(Aws(variables), tokens=Tokens()))
    assert_silent(raised.value)


def test_inputs_in_the_wrong_place_are_not_told(aws: Aws):
    providers = BuiltinProviders(aws, tokens=Tokens())
    wrong: list[Callable[[], Any]] = [
        lambda: opened(providers.provider("aws-login"), {"assumeRole": {"roleArn": SECRET}}),
        lambda: opened(providers.provider("aws-login"), {"assumeRole": {"roleArn": ROLE, "duration": SECRET}}),
        lambda: opened(providers.provider("aws-login"), {"assumeRole": {"roleArn": ROLE, "sessionName": f"{SECRET} {SESSION}"}}),
        lambda: opened(providers.provider("aws-login"), {"static": SECRET}),
        lambda: opened(providers.provider("aws-login"), {"static": {**LOGIN, "sessionToken": [SESSION]}}),
        lambda: opened(providers.provider("aws-secrets"), {"region": REGION, "login": SECRET, "get": {}}),
        lambda: opened(providers.provider("pulumi-stacks"), {"stacks": {"a": {"stack": SECRET}}}),
        lambda: rotated(providers.rotator("aws-iam"), {"login": LOGIN, "userArn": SECRET}, None),
        lambda: rotated(providers.rotator("password"), {"length": SECRET}, None),
        lambda: providers.rotator("aws-iam").open({}, values({"current": SECRET}), ORGANIZATION),
        lambda: Credentials.from_value(Value({**values(LOGIN), "expiration": Value(SECRET)})),
    ]
    for ask in wrong:
        with pytest.raises(ProviderError) as raised:
            ask()
        assert_silent(raised.value)


def test_objects_do_not_show_what_they_hold(aws: Aws):
    credentials = Credentials("AKIAEXAMPLE", SECRET, SESSION)
    assert SECRET not in repr(credentials)
    assert SESSION not in repr(credentials)
    with pytest.raises(ProviderError) as raised:
        caller_account(aws, credentials, "no such region")
    assert_silent(raised.value)


def test_a_reason_without_secrets_is_told_whole():
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "the role may not"}}, "AssumeRole")
    assert reason(refused, ["another"]) == "AccessDenied: the role may not"
    assert reason(refused, ["role may"]) == "AccessDenied"
    assert reason(refused, ["abc", None, ""]) == "AccessDenied: the role may not"
    assert reason(refused, ["the"]) == "AccessDenied"

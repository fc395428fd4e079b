"""Secrets of Secrets Manager and parameters of the Parameter Store."""

from collections.abc import Sequence
from typing import Any

import pytest

from infra_assets.environments.language.model import Plain, ProviderError, Value
from infra_assets.environments.providers import BuiltinProviders
from infra_assets.environments.providers.aws_parameter_store import Wanted, batches
from infra_assets.sandbox import emulator
from infra_assets.sandbox.cloud import Aws
from infra_assets.sandbox.emulator import Emulator, Fault
from tests.environments.providers.asking import REGION, client, login, opened, tenant


@pytest.fixture(scope="module")
def held(aws: Aws) -> dict[str, Any]:
    """What stands in the tenant's account."""
    credentials = tenant(aws)
    secrets = client(aws, credentials, "secretsmanager")
    first = secrets.create_secret(Name="app/api-key", SecretString="the first key")
    secrets.put_secret_value(SecretId="app/api-key", SecretString="the second key")
    secrets.create_secret(Name="app/certificate", SecretBinary=b"\x00\xff binary")
    parameters = client(aws, credentials, "ssm")
    for name, kind, value in (
        ("/app/plain", "String", "eu"),
        ("/app/list", "StringList", "a,b,c"),
        ("/app/secure", "SecureString", "the secure one"),
        ("bare", "String", "without a path"),
    ):
        parameters.put_parameter(Name=name, Type=kind, Value=value)
    parameters.put_parameter(Name="/app/plain", Type="String", Value="us", Overwrite=True)
    parameters.label_parameter_version(Name="/app/plain", ParameterVersion=1, Labels=["stable"])
    for number in range(23):
        parameters.put_parameter(Name=f"/many/{number}", Type="String", Value=str(number))
    return {"login": login(credentials), "first": first["VersionId"], "arn": first["ARN"]}


def ask(providers: BuiltinProviders, name: str, held: dict[str, Any], get: dict[str, Plain]) -> Value:
    return opened(providers.provider(name), {"region": REGION, "login": held["login"], "get": get})


def actions(running: Emulator, since: int) -> Sequence[str]:
    return [call.action for call in emulator.calls(running, since)]


def test_secrets_come_by_name_version_and_stage(providers: BuiltinProviders, held: dict[str, Any]):
    value = ask(
        providers,
        "aws-secrets",
        held,
        {
            "current": {"secretId": "app/api-key"},
            "by-arn": {"secretId": held["arn"]},
            "first": {"secretId": "app/api-key", "versionId": held["first"]},
            "previous": {"secretId": "app/api-key", "versionStage": "AWSPREVIOUS"},
            "certificate": {"secretId": "app/certificate"},
        },
    )
    assert value.plain(reveal=True) == {
        "current": "the second key",
        "by-arn": "the second key",
        "first": "the first key",
        "previous": "the first key",
        "certificate": "AP8gYmluYXJ5",
    }
    assert set(value.plain().values()) == {"[secret]"}


def test_a_secret_that_is_missing_is_named(providers: BuiltinProviders, held: dict[str, Any]):
    with pytest.raises(ProviderError, match=r"^aws-secrets: get\.key\.secretId: secretId app/nothing in eu-central-1: there is none$"):
        ask(providers, "aws-secrets", held, {"key": {"secretId": "app/nothing"}})


def test_parameters_come_as_what_they_are(providers: BuiltinProviders, held: dict[str, Any]):
    value = ask(
        providers,
        "aws-parameter-store",
        held,
        {
            "newest": {"name": "/app/plain"},
            "first": {"name": "/app/plain:1"},
            "stable": {"name": "/app/plain:stable"},
            "list": {"name": "/app/list"},
            "secure": {"name": "/app/secure", "decrypt": True},
            "bare": {"name": "bare"},
        },
    )
    expected = {"newest": "us", "first": "eu", "stable": "eu", "list": ["a", "b", "c"], "bare": "without a path"}
    assert value.plain(reveal=True) == expected | {"secure": "the secure one"}
    assert value.plain() == expected | {"secure": "[secret]"}


def test_a_secure_parameter_is_not_decrypted_unasked(providers: BuiltinProviders, held: dict[str, Any]):
    value = ask(providers, "aws-parameter-store", held, {"secure": {"name": "/app/secure"}})
    assert value.plain(reveal=True)["secure"] != "the secure one"
    assert value.plain() == {"secure": "[secret]"}


def test_parameters_are_asked_for_ten_at_a_time(providers: BuiltinProviders, held: dict[str, Any], running: Emulator):
    before = emulator.calls(running)[-1].n
    names = {f"p{number}": {"name": f"/many/{number}"} for number in range(23)} | {"again": {"name": "/many/0"}}
    value = ask(providers, "aws-parameter-store", held, names)
    assert value.plain() == {f"p{number}": str(number) for number in range(23)} | {"again": "0"}
    assert actions(running, before) == ["GetParameters"] * 3


def test_versions_of_one_parameter_are_asked_for_apart():
    wanted = [Wanted("/a:1", False), Wanted("/a:2", False), Wanted("/b", False), Wanted("/c", True), Wanted("/b", False)]
    assert batches(wanted) == [[wanted[0], wanted[2]], [wanted[1]], [wanted[3]]]
    arn = "arn:aws:ssm:eu-central-1:222222222222:parameter"
    assert [Wanted(f"{arn}/{name}", False).base for name in ("x:3", "x")] == [f"{arn}/x"] * 2


def test_parameters_that_are_missing_are_all_named(providers: BuiltinProviders, held: dict[str, Any]):
    get: dict[str, Plain] = {"a": {"name": "/no/a"}, "b": {"name": "/app/plain"}, "c": {"name": "/app/plain:9"}}
    with pytest.raises(ProviderError, match=r"no parameter /app/plain:9 \(get\.c\), /no/a \(get\.a\) in eu-central-1$"):
        ask(providers, "aws-parameter-store", held, get)


@pytest.mark.parametrize(
    ("name", "service", "action"),
    [("aws-secrets", "secretsmanager", "GetSecretValue"), ("aws-parameter-store", "ssm", "GetParameters")],
)
def test_a_refusal_says_what_aws_says(
    name: str, service: str, action: str, providers: BuiltinProviders, held: dict[str, Any], running: Emulator
):
    emulator.add_faults(running, [Fault(service, action, status=400, code="AccessDeniedException", message="the role may not read it")])
    get: dict[str, Plain] = {"key": {"secretId": "app/api-key", "name": "/app/plain"}}
    with pytest.raises(ProviderError, match=r"(app/api-key|/app/plain) in eu-central-1: AccessDeniedException: the role may not read it"):
        ask(providers, name, held, get)


@pytest.mark.parametrize("name", ["aws-secrets", "aws-parameter-store"])
def test_inputs_that_do_not_fit(name: str, providers: BuiltinProviders):
    keys = {"accessKeyId": "a", "secretAccessKey": "b"}
    for inputs, message in (
        ({}, "region is missing"),
        ({"region": REGION}, "login is missing"),
        ({"region": REGION, "login": "text"}, "login is not an object"),
        ({"region": REGION, "login": keys, "get": {"x": {}}}, r"get\.x\.(secretId|name) is (missing|empty)"),
        ({"region": REGION, "login": keys, "get": {"x": {"secretId": 1, "name": 1}}}, r"get\.x\.(secretId|name) is not a string"),
        ({"region": "no such/region", "login": keys, "get": {}}, "'no such/region'"),
    ):
        with pytest.raises(ProviderError, match=message):
            opened(providers.provider(name), inputs)

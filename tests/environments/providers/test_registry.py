"""Which providers there are, and what it costs to have them."""

import subprocess
import sys

import pytest

from infra_assets.environments.language.model import ProviderError
from infra_assets.environments.providers import BuiltinProviders
from infra_assets.errors import NotRunningError
from tests.environments.providers.asking import opened

PROVIDERS = ("aws-login", "aws-parameter-store", "aws-secrets", "pulumi-stacks")
ROTATORS = ("aws-iam", "password")


def test_an_unknown_name_is_named_with_the_known_ones():
    with pytest.raises(ProviderError, match=r"unknown provider 'vault-login': aws-login, aws-parameter-store, aws-secrets, pulumi-stacks$"):
        BuiltinProviders().provider("vault-login")
    with pytest.raises(ProviderError, match=r"unknown rotator 'mysql': aws-iam, password$"):
        BuiltinProviders().rotator("mysql")


def test_each_has_schemas_of_objects():
    every = [BuiltinProviders().provider(name) for name in PROVIDERS] + [BuiltinProviders().rotator(name) for name in ROTATORS]
    assert all(each.inputs["type"] == each.outputs["type"] == "object" for each in every)


def test_only_managing_credentials_are_for_rotations_alone():
    properties = BuiltinProviders().rotator("aws-iam").inputs["properties"]
    assert [name for name, schema in properties.items() if schema.get("rotateOnly")] == ["region", "login"]


def test_having_them_imports_no_boto3():
    program = (
        "import sys; from infra_assets.environments.providers import BuiltinProviders; BuiltinProviders(); print('boto3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_aws_is_reached_only_when_it_is_needed():
    def down() -> None:
        raise NotRunningError("the sandbox is not running", remedy="infra sandbox up starts it.")

    providers = BuiltinProviders(down)
    static = {"accessKeyId": "a", "secretAccessKey": "b"}
    assert opened(providers.provider("aws-login"), {"static": static}).value
    with pytest.raises(ProviderError, match="the sandbox is not running\ninfra sandbox up starts it"):
        opened(providers.provider("aws-secrets"), {"region": "eu-central-1", "login": static, "get": {"x": {"secretId": "x"}}})


def test_without_aws_it_says_so():
    with pytest.raises(ProviderError, match="AWS is not reached here"):
        opened(BuiltinProviders().provider("aws-login"), {"assumeRole": {"roleArn": "arn:aws:iam::222222222222:role/infra-deploy"}})

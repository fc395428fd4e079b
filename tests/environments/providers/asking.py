"""How the tests ask a provider: plain inputs in, the value out, as an evaluator would do it."""

from typing import Any

import boto3

from infra_assets.environments.language.model import ExecutionContext, Plain, Value, value_of
from infra_assets.environments.providers import Credentials
from infra_assets.sandbox.cloud import Aws

REGION = "eu-central-1"
OPERATIONS = "123456789012"
ACCOUNT = "222222222222"
CONTEXT = ExecutionContext("tenants/acme-prod", "shared/login")


def values(inputs: dict[str, Plain]) -> dict[str, Value]:
    return {name: value_of(plain) for name, plain in inputs.items()}


def context(root: str = "tenants/acme-prod", current: str = "shared/login", **pulumi: Plain) -> ExecutionContext:
    return ExecutionContext(root, current, values({"pulumi": pulumi}))


def opened(provider: Any, inputs: dict[str, Plain], of: ExecutionContext = CONTEXT) -> Value:
    return provider.open(values(inputs), of)


def rotated(rotator: Any, inputs: dict[str, Plain], state: Value | None) -> Value:
    return rotator.rotate(values(inputs), state.value if state else None, CONTEXT)


def tenant(aws: Aws, account: str = ACCOUNT) -> Credentials:
    """Return credentials in a tenant's account, for setting things up."""
    held = aws.session(role_arn=f"arn:aws:iam::{account}:role/setup").get_credentials()
    return Credentials(held.access_key, held.secret_key, held.token)


def login(credentials: Credentials) -> dict[str, Plain]:
    return credentials.as_value().plain(reveal=True)


def client(aws: Aws, credentials: Credentials, service: str, region: str = REGION) -> Any:
    """Return a boto3 client with these credentials, as a person would have it."""
    session = boto3.Session(
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
    )
    return aws.client(session, service, region)

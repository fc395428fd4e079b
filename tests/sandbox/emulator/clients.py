"""boto3 clients that go through the emulator's proxy, as the operations account or as a role in a tenant's account."""

from typing import Any

import boto3
from botocore.config import Config

from infra_assets.sandbox import emulator
from infra_assets.sandbox.emulator import Emulator

OPERATIONS = "123456789012"
REGION = "eu-west-1"


class Clients:
    def __init__(self, running: Emulator, session: boto3.Session) -> None:
        self._running = running
        self._session = session

    def __call__(self, service: str) -> Any:
        variables = emulator.environment(self._running)
        config = Config(proxies={"https": variables["HTTPS_PROXY"]}, retries={"total_max_attempts": 1})
        return self._session.client(service, config=config, verify=variables["AWS_CA_BUNDLE"])

    def assume(self, account: str, role: str = "cicd", external_id: str = "acme") -> "Clients":
        arn = f"arn:aws:iam::{account}:role/{role}"
        granted = self("sts").assume_role(RoleArn=arn, RoleSessionName="test", ExternalId=external_id)["Credentials"]
        return Clients(self._running, _session(granted["AccessKeyId"], granted["SecretAccessKey"], granted["SessionToken"]))


def operations(running: Emulator) -> Clients:
    return Clients(running, _session("sandbox", "the-secret-key-of-operations", None))


def _session(key: str, secret: str, token: str | None) -> boto3.Session:
    return boto3.Session(aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token, region_name=REGION)

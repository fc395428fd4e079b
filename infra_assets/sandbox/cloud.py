"""How AWS is reached from here: the one place that knows whether it is the sandbox or the real thing.

The answer is a set of environment variables for children (the engine, the provider) and a boto3 session for ourselves.
The ambient `AWS_*` variables, profiles and instance metadata are never used.
"""

import os
from collections.abc import Mapping
from typing import Any

from infra_assets.errors import InfraError, NotRunningError
from infra_assets.sandbox import emulator
from infra_assets.sandbox.sessions import isolated_session
from infra_assets.settings import Settings

# What a child may inherit of how this host reaches the network; anything else about AWS comes from the settings.
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")
SANDBOX_KEY = "sandbox"


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables with which a child reaches AWS as the operations account.

    Raises:
        NotRunningError: the sandbox is not up.
        InfraError: AWS is wanted, but the operations account's credentials are not set.
    """
    if settings.cloud == "sandbox":
        found = emulator.find(settings.home / "sandbox")
        if found is None:
            raise NotRunningError("the sandbox is not running", remedy="infra sandbox up starts it.")
        keys = {"AWS_ACCESS_KEY_ID": SANDBOX_KEY, "AWS_SECRET_ACCESS_KEY": SANDBOX_KEY}
        return emulator.environment(found) | keys
    if settings.aws_access_key_id is None or settings.aws_secret_access_key is None:
        raise InfraError(
            "no credentials of the operations account",
            remedy="Set INFRA_AWS_ACCESS_KEY_ID and INFRA_AWS_SECRET_ACCESS_KEY (and INFRA_AWS_SESSION_TOKEN).",
        )
    keys = {
        "AWS_ACCESS_KEY_ID": settings.aws_access_key_id.get_secret_value(),
        "AWS_SECRET_ACCESS_KEY": settings.aws_secret_access_key.get_secret_value(),
    }
    if settings.aws_session_token is not None:
        keys["AWS_SESSION_TOKEN"] = settings.aws_session_token.get_secret_value()
    return {name: os.environ[name] for name in PROXIES if name in os.environ} | keys


class Aws:
    """Asks AWS ourselves, through the same door as the engine."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def session(self, *, role_arn: str = "", external_id: str = "", name: str = "infra") -> Any:
        """Return a boto3 session of the operations account, or of a role assumed from it."""
        session = isolated_session(
            aws_access_key_id=self._variables.get("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=self._variables.get("AWS_SECRET_ACCESS_KEY"),
            aws_session_token=self._variables.get("AWS_SESSION_TOKEN"),
        )
        if not role_arn:
            return session
        extra = {"ExternalId": external_id} if external_id else {}
        granted = self.client(session, "sts", "us-east-1").assume_role(RoleArn=role_arn, RoleSessionName=name, **extra)["Credentials"]
        return isolated_session(
            aws_access_key_id=granted["AccessKeyId"],
            aws_secret_access_key=granted["SecretAccessKey"],
            aws_session_token=granted["SessionToken"],
        )

    def client(self, session: Any, service: str, region: str) -> Any:  # boto3 makes its clients' types at run time
        """Return a boto3 client that goes the way the variables say."""
        from botocore.config import Config

        proxy = self._variables.get("HTTPS_PROXY")
        config = Config(proxies={"https": proxy} if proxy else None, retries={"mode": "standard", "max_attempts": 3}, connect_timeout=5)
        return session.client(service, region_name=region, config=config, verify=self._variables.get("AWS_CA_BUNDLE"))

"""The one door to AWS of providers and rotators: clients with credentials that were given, and with nothing of the process' own."""

import threading
from collections.abc import Callable
from typing import Any

from infra_assets.environments.language.model import ProviderError
from infra_assets.environments.providers.credentials import Credentials
from infra_assets.environments.providers.refusals import reason
from infra_assets.errors import InfraError
from infra_assets.sandbox.cloud import Aws, isolated_session

HOME_REGION = "us-east-1"
"""Where STS and IAM are asked."""


class Clients:
    """Makes boto3 clients. One session is shared: each of its own would read botocore's data again."""

    def __init__(self, aws: Aws | Callable[[], Aws] | None) -> None:
        self._given = aws
        self._lock = threading.Lock()
        self._shared: Any = None
        self._operations: Credentials | None = None

    def client(self, service: str, region: str, credentials: Credentials | None = None) -> Any:
        """Return a client with these credentials, or with the operations account's where there are none.

        Raises:
            ProviderError: AWS cannot be reached from here, or there is no such region.
        """
        from botocore.exceptions import BotoCoreError

        # boto3 makes clients one at a time; a client itself may be used by many threads.
        with self._lock:
            aws = self._aws()
            try:
                return aws.client(_Session(self._session(), credentials or self._of_operations(aws)), service, region)
            except (BotoCoreError, ValueError) as error:
                raise ProviderError(f"{service} in region {region!r}: {type(error).__name__}") from None

    def operations(self) -> Credentials:
        """Return the operations account's credentials.

        Raises:
            ProviderError: AWS cannot be reached from here.
        """
        with self._lock:
            return self._of_operations(self._aws())

    def _aws(self) -> Aws:
        if self._given is None:
            raise ProviderError("AWS is not reached here")
        if not isinstance(self._given, Aws):
            try:
                self._given = self._given()
            except InfraError as error:
                raise ProviderError(str(error)) from None
        return self._given

    def _session(self) -> Any:
        if self._shared is None:
            self._shared = isolated_session()
        return self._shared

    def _of_operations(self, aws: Aws) -> Credentials:
        if self._operations is None:
            held = aws.session().get_credentials().get_frozen_credentials()
            self._operations = Credentials(held.access_key, held.secret_key, held.token or "")
        return self._operations


class _Session:
    """What `Aws.client` takes for a session: the shared one, with credentials."""

    def __init__(self, shared: Any, credentials: Credentials) -> None:
        self._shared = shared
        self._keys = {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
            "aws_session_token": credentials.session_token or None,
        }

    def client(self, service: str, **parameters: Any) -> Any:
        return self._shared.client(service, **self._keys, **parameters)


def caller_account(aws: Aws | Callable[[], Aws] | Clients, credentials: Credentials, region: str = HOME_REGION) -> str:
    """Return the account that credentials belong to, as AWS says.

    Raises:
        ProviderError: AWS does not take the credentials, or does not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    clients = aws if isinstance(aws, Clients) else Clients(aws)
    sts = clients.client("sts", region, credentials)
    try:
        return str(sts.get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise ProviderError(f"AWS does not say whose the credentials are: {reason(error, credentials.secrets())}") from None

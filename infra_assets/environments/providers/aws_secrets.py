"""`fn::open::aws-secrets`: secrets of AWS Secrets Manager."""

import base64
from collections.abc import Mapping
from typing import Any

from infra_assets.environments.language.model import ExecutionContext, JsonSchema, ProviderError, Value
from infra_assets.environments.providers.aws import Clients
from infra_assets.environments.providers.credentials import LOGIN, Credentials
from infra_assets.environments.providers.inputs import Inputs
from infra_assets.environments.providers.refusals import code, reason
from infra_assets.environments.providers.schemas import map_of, object_of, text

MISSING = "ResourceNotFoundException"
VERSION = ("versionId", "versionStage")


class AwsSecrets:
    """The provider."""

    inputs: JsonSchema = object_of(
        {
            "region": text("The AWS region to use."),
            "login": {**LOGIN, "description": "The credentials to use to get secrets."},
            "get": map_of(
                object_of(
                    {
                        "secretId": text("The ID of the secret to get."),
                        "versionId": text("The version of the secret to get."),
                        "versionStage": text("The version stage of the secret to get."),
                    },
                    required=("secretId",),
                ),
                "The secrets to get.",
                minProperties=1,
            ),
        },
        required=("region", "login", "get"),
    )
    outputs: JsonSchema = map_of({"type": "string"}, "The secrets, by the names of get.")

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def open(self, inputs: Mapping[str, Value], context: ExecutionContext) -> Value:  # noqa: ARG002
        """Return the secrets by name; a binary one in base64.

        Raises:
            ProviderError: there is none of an id, or AWS refuses.
        """
        given = Inputs.of(inputs)
        region, credentials = given.text("region"), Credentials.from_inputs(given.part("login"))
        client = self._clients.client("secretsmanager", region, credentials)
        found: dict[str, Value] = {}
        for name, wanted in given.parts("get").items():
            found[name] = Value(_read(client, wanted, region, credentials), secret=True)
        return Value(found)


def _read(client: Any, wanted: Inputs, region: str, credentials: Credentials) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    asked = {"secretId": wanted.text("secretId")} | {name: value for name in VERSION if (value := wanted.text(name, ""))}
    place = f"aws-secrets: {wanted.place('secretId')}: {', '.join(f'{name} {value}' for name, value in asked.items())} in {region}"
    try:
        answer = client.get_secret_value(**{name[0].upper() + name[1:]: value for name, value in asked.items()})
    except (BotoCoreError, ClientError) as error:
        why = "there is none" if code(error) == MISSING else reason(error, credentials.secrets())
        raise ProviderError(f"{place}: {why}") from None
    # Binary data has no place in an environment; this is how AWS' own API shows it.
    return answer["SecretString"] if "SecretString" in answer else base64.b64encode(answer["SecretBinary"]).decode()

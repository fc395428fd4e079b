"""`fn::open::aws-parameter-store`: parameters of AWS Systems Manager."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra_assets.environments.language.model import ExecutionContext, JsonSchema, ProviderError, Value
from infra_assets.environments.providers.aws import Clients
from infra_assets.environments.providers.credentials import LOGIN, Credentials
from infra_assets.environments.providers.inputs import Inputs
from infra_assets.environments.providers.refusals import reason
from infra_assets.environments.providers.schemas import flag, map_of, object_of, text

AT_ONCE = 10
"""As many as AWS takes in one GetParameters."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One parameter; equal ones are asked for once."""

    name: str
    """With `:VERSION` or `:LABEL` where one is asked for."""
    decrypt: bool

    @property
    def base(self) -> str:
        """The name alone, or the ARN."""
        head, colon, tail = self.name.rpartition("/")
        return f"{head}{colon}{tail.partition(':')[0]}" if colon else self.name.partition(":")[0]


class AwsParameterStore:
    """The provider."""

    inputs: JsonSchema = object_of(
        {
            "region": text("The AWS region to use."),
            "login": {**LOGIN, "description": "The credentials to use to get parameters."},
            "get": map_of(
                object_of(
                    {
                        "name": text("The name of the parameter; name:VERSION or name:LABEL for another than the newest."),
                        "decrypt": flag("Whether to decrypt the value. Concerns values of type SecureString only."),
                    },
                    required=("name",),
                ),
                "The parameters to get.",
                minProperties=1,
            ),
        },
        required=("region", "login", "get"),
    )
    outputs: JsonSchema = map_of(True, "The parameters, by the names of get.")

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def open(self, inputs: Mapping[str, Value], context: ExecutionContext) -> Value:  # noqa: ARG002
        """Return the parameters by name: a StringList as a list, a SecureString as a secret.

        Raises:
            ProviderError: there is none of a name, or AWS refuses.
        """
        given = Inputs.of(inputs)
        region, credentials = given.text("region"), Credentials.from_inputs(given.part("login"))
        wanted = {name: Wanted(each.text("name"), each.flag("decrypt", False)) for name, each in given.parts("get").items()}
        client = self._clients.client("ssm", region, credentials)
        found: dict[Wanted, Value] = {}
        for batch in batches(wanted.values()):
            found |= _read(client, batch, region, credentials)
        if missing := sorted({f"{each.name} (get.{name})" for name, each in wanted.items() if each not in found}):
            raise ProviderError(f"aws-parameter-store: no parameter {', '.join(missing)} in {region}")
        return Value({name: found[each] for name, each in wanted.items()})


def batches(wanted: Iterable[Wanted]) -> list[list[Wanted]]:
    """Return what to ask for together.

    Decryption is asked for per call. Two versions of one parameter go into different calls: the answers differ in the name alone.
    """
    found: list[list[Wanted]] = []
    for each in dict.fromkeys(wanted):
        for batch in found:
            if len(batch) < AT_ONCE and batch[0].decrypt == each.decrypt and all(other.base != each.base for other in batch):
                batch.append(each)
                break
        else:
            found.append([each])
    return found


def _read(client: Any, batch: Sequence[Wanted], region: str, credentials: Credentials) -> dict[Wanted, Value]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client.get_parameters(Names=[each.name for each in batch], WithDecryption=batch[0].decrypt)
    except (BotoCoreError, ClientError) as error:
        names = ", ".join(each.name for each in batch)
        raise ProviderError(f"aws-parameter-store: {names} in {region}: {reason(error, credentials.secrets())}") from None
    answers = {key: parameter for parameter in answer["Parameters"] for key in (parameter["Name"], parameter.get("ARN"))}
    return {each: _value(answers[each.base]) for each in batch if each.base in answers}


def _value(parameter: Mapping[str, str]) -> Value:
    if parameter["Type"] == "StringList":
        return Value([Value(item) for item in parameter["Value"].split(",")])
    return Value(parameter["Value"], secret=parameter["Type"] == "SecureString")

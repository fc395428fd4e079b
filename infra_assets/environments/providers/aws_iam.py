"""`fn::rotate::aws-iam`: access keys of an IAM user. Two are valid at a time: the newest, and the one before it."""

import re
from collections.abc import Mapping
from typing import Any

from infra_assets.environments.language.model import ExecutionContext, JsonSchema, ProviderError, Value
from infra_assets.environments.providers.aws import HOME_REGION, Clients, caller_account
from infra_assets.environments.providers.credentials import LOGIN, Credentials, iso
from infra_assets.environments.providers.inputs import Inputs
from infra_assets.environments.providers.refusals import reason
from infra_assets.environments.providers.schemas import object_of, text

USER_ARN = re.compile(r"arn:aws[\w-]*:iam::(\d{12}):user/(?:[\x21-\x7e]*/)?([\w+=,.@-]{1,64})", re.ASCII)
KEYS_PER_USER = 2
"""AWS' limit."""
KEY = object_of(
    {
        "accessKeyId": text("The AWS access key ID."),
        "secretAccessKey": text("The AWS secret access key."),
        "createDate": text("Creation timestamp (in ISO 8601 format)."),
    },
    required=("accessKeyId", "secretAccessKey"),
)
STATE = object_of({"current": KEY, "previous": KEY})


class AwsIam:
    """The rotator."""

    inputs: JsonSchema = object_of(
        {
            "region": text("The AWS region to use.", rotateOnly=True),
            "login": {**LOGIN, "description": "The credentials that manage the user's keys.", "rotateOnly": True},
            "userArn": text("The ARN of the IAM user."),
        },
        required=("login", "userArn"),
    )
    state: JsonSchema = STATE
    outputs: JsonSchema = STATE

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def open(self, inputs: Mapping[str, Value], state: Mapping[str, Value], context: ExecutionContext) -> Value:  # noqa: ARG002
        """Return the keys `current` and, if there is one, `previous`; their `secretAccessKey` is secret. AWS is not asked.

        Raises:
            ProviderError: there is no key yet.
        """
        kept = Inputs.of(state or {}, "state.")
        if "current" not in kept:
            raise ProviderError("aws-iam: there is no key yet: rotate it first")
        return Value({name: _key(kept.part(name)) for name in ("current", "previous") if name in kept})

    def rotate(self, inputs: Mapping[str, Value], state: Mapping[str, Value] | None, context: ExecutionContext) -> Value:  # noqa: ARG002
        """Make a new key the current one, keep the current one as the previous one, and delete the previous one.

        Only keys of the state are ever deleted. An unknown key that takes the place of the new one is an error that names it:
        it may be of a rotation whose state was never written.

        Raises:
            ProviderError: there is no room for a key, or AWS refuses.
        """
        given, kept = Inputs.of(inputs), Inputs.of(state or {}, "state.")
        found = USER_ARN.fullmatch(given.text("userArn"))
        if found is None:
            raise ProviderError("aws-iam: userArn is not the ARN of a user: arn:aws:iam::123456789012:user/NAME")
        account, user = found.groups()
        credentials = Credentials.from_inputs(given.part("login"))
        region = given.text("region", HOME_REGION)
        caller = caller_account(self._clients, credentials, region)
        if caller != account:
            raise ProviderError(f"aws-iam: login is of account {caller}, the user of {account}")
        keys = _UserKeys(self._clients.client("iam", region, credentials), user, credentials)
        new = keys.rotate(kept)
        return Value({"current": _key(new)} | ({"previous": _key(kept.part("current"))} if "current" in kept else {}))


class _UserKeys:
    """The access keys of one user."""

    def __init__(self, client: Any, user: str, credentials: Credentials) -> None:
        self._client = client
        self._user = user
        self._credentials = credentials

    def rotate(self, kept: Inputs) -> Inputs:
        """Return a new key, after room was made for it; the state's previous key is deleted."""
        present = [key["AccessKeyId"] for key in self._call("list_access_keys")["AccessKeyMetadata"]]
        current, previous = (kept.part(name).text("accessKeyId") if name in kept else "" for name in ("current", "previous"))
        unknown = [key for key in present if key not in (current, previous)]
        outdated = [key for key in present if key == previous != current]
        if len(present) - len(outdated) >= KEYS_PER_USER:
            raise ProviderError(
                f"aws-iam: user {self._user} has {KEYS_PER_USER} keys already, of which the state does not know {', '.join(unknown)}: "
                "delete it, or write it into the state"
            )
        if len(present) >= KEYS_PER_USER:
            self._delete(outdated)
            outdated = []
        made = self._call("create_access_key")["AccessKey"]
        # Where there was room the old key goes last: until then the state that is written down is true.
        self._delete(outdated)
        created = {"createDate": iso(made["CreateDate"])} if "CreateDate" in made else {}
        return Inputs({"accessKeyId": made["AccessKeyId"], "secretAccessKey": made["SecretAccessKey"], **created})

    def _delete(self, keys: list[str]) -> None:
        for key in keys:
            self._call("delete_access_key", AccessKeyId=key)

    def _call(self, action: str, **parameters: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, action)(UserName=self._user, **parameters)
        except (BotoCoreError, ClientError) as error:
            raise ProviderError(f"aws-iam: {action} of user {self._user}: {reason(error, self._credentials.secrets())}") from None


def _key(kept: Inputs) -> Value:
    entries = {"accessKeyId": Value(kept.text("accessKeyId")), "secretAccessKey": Value(kept.text("secretAccessKey"), secret=True)}
    if created := kept.text("createDate", ""):
        entries["createDate"] = Value(created)
    return Value(entries)

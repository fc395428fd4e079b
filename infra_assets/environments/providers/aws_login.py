"""`fn::open::aws-login`: AWS credentials; given, or short-lived ones by an OpenID Connect token or by assuming a role.

Beyond the official inputs: `assumeRole`, on its own with the operations account's credentials, or from those of `static` or `oidc`.
"""

import re
from collections.abc import Mapping
from typing import Any

from infra_assets.environments.language.model import ExecutionContext, JsonSchema, ProviderError, Value
from infra_assets.environments.providers.aws import HOME_REGION, Clients
from infra_assets.environments.providers.claims import audience, subject
from infra_assets.environments.providers.credentials import LOGIN, Credentials
from infra_assets.environments.providers.inputs import Inputs
from infra_assets.environments.providers.ports import MayAssume, OidcTokens
from infra_assets.environments.providers.refusals import reason
from infra_assets.environments.providers.schemas import object_of, text, texts

SHORTEST_S = 15 * 60
LONGEST_S = 12 * 3600
OIDC_DURATION = "2h"
CHAINED_DURATION = "1h"
"""AWS allows no more where a role is assumed with a role's credentials."""
DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", re.ASCII)
ROLE_ARN = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
NOT_IN_SESSION_NAME = re.compile(r"[^\w+=,.@-]", re.ASCII)
SESSION_NAME_LENGTH = 64

_ROLE: Mapping[str, JsonSchema] = {
    "duration": text("The duration of the role session.", pattern="^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"),
    "policyArns": texts("ARNs for additional policies to apply to the role session.", minLength=20, maxLength=2048),
    "roleArn": text("The ARN of the role to assume.", minLength=20, maxLength=2048),
    "sessionName": text("The name of the role session.", minLength=2, maxLength=64, pattern=r"[\w+=,.@-]*"),
}


class AwsLogin:
    """The provider. `tokens` signs what `oidc` shows to AWS; `may_assume` bounds what is done with our token and our credentials."""

    inputs: JsonSchema = object_of(
        {
            "oidc": object_of(
                {**_ROLE, "subjectAttributes": texts("Subject attributes to be included in the OIDC token.")},
                required=("sessionName", "roleArn"),
                description="Options for temporary OIDC credentials.",
            ),
            "static": object_of(
                {name: schema for name, schema in LOGIN["properties"].items() if name != "expiration"},
                required=("accessKeyId", "secretAccessKey"),
                description="Options for static credentials.",
            ),
            "assumeRole": object_of(
                {**_ROLE, "externalId": text("What the role's trust policy asks for.", minLength=2, maxLength=1224)},
                required=("roleArn",),
                description="A role to assume with the credentials of static or oidc, or else with those of the operations account.",
                additionalProperties=False,
            ),
        }
    )
    outputs: JsonSchema = LOGIN

    def __init__(self, clients: Clients, tokens: OidcTokens | None = None, may_assume: MayAssume | None = None) -> None:
        self._clients = clients
        self._tokens = tokens
        self._may_assume = may_assume

    def open(self, inputs: Mapping[str, Value], context: ExecutionContext) -> Value:
        """Return `accessKeyId`, `secretAccessKey` and `sessionToken`, secret, and `expiration`.

        Raises:
            ProviderError: the inputs do not fit each other, or AWS refuses.
        """
        given = Inputs.of(inputs)
        if "static" in given and "oidc" in given:
            raise ProviderError("aws-login: static and oidc are both given: one of them")
        credentials = None
        if "static" in given:
            credentials = Credentials.from_inputs(given.part("static"))
        elif "oidc" in given:
            credentials = self._by_token(given.part("oidc"), context)
        if "assumeRole" in given:
            credentials = self._assume(given.part("assumeRole"), credentials, context)
        if credentials is None:
            raise ProviderError("aws-login: one of oidc, static and assumeRole is needed")
        return credentials.as_value()

    def _by_token(self, role: Inputs, context: ExecutionContext) -> Credentials:
        arn, wanted = role_arn(role), self._session(role, OIDC_DURATION, context)
        self._check(context, arn)
        if self._tokens is None:
            raise ProviderError(
                "aws-login: oidc needs an identity provider that signs tokens, and none is configured: set INFRA_OIDC_TOKEN_FILE, "
                "or use assumeRole"
            )
        claims = ("", "") if self._tokens.fixed else (audience(context), subject(context, role.texts("subjectAttributes")))
        token = self._tokens.token(*claims)
        # The call is not signed; any credentials keep botocore from looking for some.
        sts = self._clients.client("sts", HOME_REGION, Credentials("unsigned", "unsigned"))
        return _granted(sts.assume_role_with_web_identity, arn, [token], WebIdentityToken=token, **wanted)

    def _assume(self, role: Inputs, credentials: Credentials | None, context: ExecutionContext) -> Credentials:
        arn, wanted = role_arn(role), self._session(role, CHAINED_DURATION, context)
        if external_id := role.text("externalId", ""):
            wanted["ExternalId"] = external_id
        if credentials is None:
            self._check(context, arn)
        source = credentials or self._clients.operations()
        sts = self._clients.client("sts", HOME_REGION, source)
        return _granted(sts.assume_role, arn, source.secrets(), **wanted)

    def _check(self, context: ExecutionContext, arn: str) -> None:
        if self._may_assume is not None and not self._may_assume(context, arn):
            raise ProviderError(f"aws-login: {context.root_environment} may not assume {arn}")

    def _session(self, role: Inputs, duration: str, context: ExecutionContext) -> dict[str, Any]:
        name = role.text("sessionName", "") or session_name(f"infra-{context.root_environment}")
        if not SESSION_NAME.fullmatch(name):
            raise ProviderError(f"{role.place('sessionName')}: 2 to 64 letters, digits and _+=,.@-")
        wanted: dict[str, Any] = {
            "RoleSessionName": name,
            "DurationSeconds": seconds(role.text("duration", duration), role.place("duration")),
        }
        if arns := role.texts("policyArns"):
            wanted["PolicyArns"] = [{"arn": arn} for arn in arns]
        return wanted


def role_arn(role: Inputs) -> str:
    """Return the ARN of the role to assume.

    Raises:
        ProviderError: it is none of a role.
    """
    arn = role.text("roleArn")
    if not ROLE_ARN.fullmatch(arn):
        raise ProviderError(f"{role.place('roleArn')} is not the ARN of a role: arn:aws:iam::123456789012:role/NAME")
    return arn


def seconds(duration: str, place: str) -> int:
    """Return a Go duration in hours, minutes and seconds (`1h30m`) as seconds.

    Raises:
        ProviderError: it is none, or AWS would not take it.
    """
    found = DURATION.fullmatch(duration)
    if found is None or not duration:
        raise ProviderError(f"{place} is not a duration: 1h, 90m, 1h30m")
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    total = hours * 3600 + minutes * 60 + rest
    if not SHORTEST_S <= total <= LONGEST_S:
        raise ProviderError(f"{place}: from 15m to 12h")
    return total


def session_name(wish: str) -> str:
    """Return a name for a role session: what AWS does not take is replaced by `-`, what is too long is cut off."""
    return NOT_IN_SESSION_NAME.sub("-", wish)[:SESSION_NAME_LENGTH].ljust(2, "-")


def _granted(call: Any, arn: str, secrets: Any, **wanted: Any) -> Credentials:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return Credentials.from_sts(call(RoleArn=arn, **wanted)["Credentials"])
    except (BotoCoreError, ClientError) as error:
        raise ProviderError(f"aws-login: {arn} cannot be assumed: {reason(error, secrets)}") from None

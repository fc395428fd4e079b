"""AWS credentials as they go from `aws-login` to other providers, to the engine's provider, and to checks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from infra_assets.environments.language.model import ProviderError, Value
from infra_assets.environments.providers.inputs import Inputs
from infra_assets.environments.providers.schemas import object_of, text

LOGIN = object_of(
    {
        "accessKeyId": text("The AWS access key ID."),
        "secretAccessKey": text("The AWS secret access key."),
        "sessionToken": text("The AWS session token, if any."),
        "expiration": text("When the credentials expire, if they do."),
    },
    required=("accessKeyId", "secretAccessKey"),
)
"""The schema of what `aws-login` gives, and of what `login` takes."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key, and what belongs to it. Its repr shows no secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    expires_at: datetime | None = None

    @staticmethod
    def from_value(value: Value) -> "Credentials":
        """Return the credentials that a value holds, as `aws-login` gives them.

        Raises:
            ProviderError: it holds none; the message says which part is missing.
        """
        if value.unknown or not isinstance(value.value, dict):
            raise ProviderError("no AWS credentials: not what aws-login gives")
        return Credentials.from_inputs(Inputs.of(value.value))

    @staticmethod
    def from_inputs(inputs: Inputs) -> "Credentials":
        """Return the credentials that stand in a `login`.

        Raises:
            ProviderError: it holds none.
        """
        expires = inputs.text("expiration", "")
        try:
            expires_at = datetime.fromisoformat(expires) if expires else None
        except ValueError:
            raise ProviderError(f"{inputs.place('expiration')} is not a time as ISO 8601 has it") from None
        return Credentials(inputs.text("accessKeyId"), inputs.text("secretAccessKey"), inputs.text("sessionToken", ""), expires_at)

    @staticmethod
    def from_sts(granted: Mapping[str, object]) -> "Credentials":
        """Return the credentials that STS has granted."""
        expires = granted.get("Expiration")
        return Credentials(
            str(granted["AccessKeyId"]),
            str(granted["SecretAccessKey"]),
            str(granted["SessionToken"]),
            expires if isinstance(expires, datetime) else None,
        )

    def as_value(self) -> Value:
        """Return what `aws-login` gives: all secret but when they expire."""
        entries = {"accessKeyId": Value(self.access_key_id, secret=True), "secretAccessKey": Value(self.secret_access_key, secret=True)}
        if self.session_token:
            entries["sessionToken"] = Value(self.session_token, secret=True)
        if self.expires_at is not None:
            entries["expiration"] = Value(iso(self.expires_at))
        return Value(entries)

    def as_environment(self) -> dict[str, str]:
        """Return the variables with which the engine's provider or a tool takes them."""
        found = {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}
        return found | ({"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {})

    def secrets(self) -> tuple[str, ...]:
        """Return what must be in no message."""
        return tuple(filter(None, (self.secret_access_key, self.session_token)))


def iso(moment: datetime) -> str:
    """Return a moment as `2026-01-31T12:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

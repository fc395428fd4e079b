"""What AWS says when it refuses, without the secrets that were used."""

from collections.abc import Iterable
from typing import Any, cast

LONGEST = 400
WINDOW = 6
"""Characters in a row of a secret that a message must not hold."""
ECHOING = "Signature"
"""AWS puts the whole request, the session token with it, into what it says of a signature that does not match."""


def reason(error: Exception, secrets: Iterable[str | None] = ()) -> str:
    """Return why a call failed: AWS' code and message, the code alone where the message holds a part of one of the `secrets`."""
    response: Any = getattr(error, "response", None)
    if not isinstance(response, dict):
        # botocore's own errors quote arguments and addresses: those of the kind below say nothing that their names do not.
        return type(error).__name__ if type(error).__module__.startswith("botocore") else str(error)
    said = cast("dict[str, dict[str, str]]", response).get("Error", {})
    code, message = said.get("Code", "no reason given"), said.get("Message", "")
    if not message or ECHOING in code or any(_shows(message, secret) for secret in secrets if secret):
        return code
    return f"{code}: {message[:LONGEST]}"


def code(error: Exception) -> str:
    """Return AWS' code for what went wrong, empty where AWS did not answer."""
    response: Any = getattr(error, "response", None)
    return str(cast("dict[str, Any]", response).get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def _shows(message: str, secret: str) -> bool:
    return any(secret[at : at + WINDOW] in message for at in range(max(1, len(secret) - WINDOW + 1)))

"""Who may send webhooks: whoever knows the secret. The raw body is what counts; nothing in it is ever read.

| scheme | its signature | what is signed |
| --- | --- | --- |
| GitHub | `X-Hub-Signature-256: sha256=HEX` | the body |
| Pulumi Cloud | `Pulumi-Webhook-Signature: HEX` | the body |
| generic | `X-Infra-Signature: sha256=HEX` | the body; with `X-Infra-Timestamp`: `timestamp.body` |
| Standard Webhooks, as of GitLab | `webhook-signature: v1,BASE64` | `id.timestamp.body` |

All are HMAC-SHA256 with the secret; Standard Webhooks' with what `whsec_…` is the base64 of.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CLOCKS_APART_S = 300
"""How far a timestamp may be from now, in either direction."""
WHSEC = "whsec_"


class SignatureError(Exception):
    """A delivery is not signed with our secret, or too long ago. The message is for its sender: it tells nothing of what was expected."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that is signed."""

    source: str
    event: str
    """What its sender says that happened; unsigned, and empty where nothing is said."""
    names: tuple[str, ...]
    """What it is known again by. The sender's id is mostly not signed: an old body could come under a new one."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """In which headers a sender puts what."""

    source: str
    signature: str
    id: str
    event: str = ""
    timestamp: str = ""
    prefix: str = ""
    standard: bool = False
    """As Standard Webhooks has it: id and timestamp must be there and are signed too, and there may be several signatures."""

    def check(self, headers: Mapping[str, str], body: bytes, secret: str, now: float) -> Delivery:
        """Return the delivery.

        Raises:
            SignatureError: its signature is not good.
        """
        name, timestamp = headers.get(self.id, ""), headers.get(self.timestamp) if self.timestamp else None
        signed = body if timestamp is None else timestamp.encode() + b"." + body
        if self.standard:
            signed = name.encode() + b"." + signed
        code = hmac.new(_key(secret) if self.standard else secret.encode(), signed, hashlib.sha256).digest()
        if not self._matches(headers[self.signature], code):
            raise SignatureError("the signature is not good")
        if timestamp is not None or self.standard:
            _check_time(timestamp or "", now)
        # Of what was signed, not of how: the same body in another scheme's headers is no other delivery.
        names = (f"signed {code.hex()}", *([f"{self.source} {name}"] if name else []))
        return Delivery(self.source, headers.get(self.event, "") if self.event else "", names)

    def _matches(self, given: str, code: bytes) -> bool:
        if not self.standard:
            return _same(given, self.prefix + code.hex())
        right = f"v1,{base64.b64encode(code).decode()}"
        return any(_same(one, right) for one in given.split(" "))


GITHUB = Scheme("github", "X-Hub-Signature-256", "X-GitHub-Delivery", event="X-GitHub-Event", prefix="sha256=")
PULUMI = Scheme("pulumi", "Pulumi-Webhook-Signature", "Pulumi-Webhook-ID", event="Pulumi-Webhook-Kind")
GENERIC = Scheme("generic", "X-Infra-Signature", "X-Infra-Delivery", timestamp="X-Infra-Timestamp", prefix="sha256=")
STANDARD = Scheme("standard", "webhook-signature", "webhook-id", timestamp="webhook-timestamp", standard=True)


def check(schemes: Sequence[Scheme], headers: Mapping[str, str], body: bytes, secret: str, now: float) -> Delivery:
    """Return the delivery, signed in one of these schemes; `headers` finds its names in any case, `now` is in seconds since 1970.

    Raises:
        SignatureError: it has no signature, or one that is not good.
    """
    for scheme in schemes:
        if scheme.signature in headers:
            return scheme.check(headers, body, secret, now)
    raise SignatureError(f"not signed: none of {', '.join(scheme.signature for scheme in schemes)}")


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(WHSEC), validate=True) if secret.startswith(WHSEC) else secret.encode()
    except binascii.Error:
        return secret.encode()


def _check_time(timestamp: str, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= len("1000000000000")):
        raise SignatureError("the timestamp is not in seconds since 1970")
    if abs(now - int(timestamp)) > CLOCKS_APART_S:
        raise SignatureError(f"the timestamp is more than {CLOCKS_APART_S} s away from now")

"""What comes of handing an announcement to a channel, and the one way in which we post something ourselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

import httpx

Channel = Literal["slack", "pagerduty", "webhook"]
CHANNELS: tuple[Channel, ...] = ("slack", "pagerduty", "webhook")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of one channel."""

    channel: Channel
    ok: bool
    error: str = ""
    """Why not, for people; without secrets."""


class DeliveryError(Exception):
    """A channel has not taken an announcement.

    `again`: it certainly has not seen it, or asks for another try; a second one at once makes no second message.
    """

    def __init__(self, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.again = again


def post(url: str, *, content: bytes, headers: Mapping[str, str], timeout_s: float) -> None:
    """Post something and see that it is taken.

    Raises:
        DeliveryError: nobody is there, nobody answers in `timeout_s` seconds (for each step), or the answer is no.
    """
    try:
        # Redirects are not followed: they would carry what is posted somewhere else.
        status = httpx.post(url, content=content, headers=dict(headers), timeout=timeout_s).status_code
    except httpx.TimeoutException:
        raise DeliveryError(no_answer(timeout_s)) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise DeliveryError(f"cannot be reached ({type(error).__name__})", again=isinstance(error, httpx.ConnectError)) from None
    check(status)


def check(status: int) -> None:
    """Take what an answer's status says.

    Raises:
        DeliveryError: not that it was taken.
    """
    if not HTTPStatus(200) <= status < HTTPStatus(300):
        raise DeliveryError(f"HTTP {status}", again=status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS)


def no_answer(timeout_s: float) -> str:
    """Return what is said of a channel that keeps silent."""
    return f"no answer in {timeout_s:g} s"

"""Calls of Pulumi Cloud: each with time-outs, tried again where that helps, and with errors that a person can act on.

Only the official client's raw answers are used: its models refuse definitions that are legal.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import tenacity
from pulumi_esc_sdk.api.esc_api import EscApi
from pulumi_esc_sdk.api_client import ApiClient
from pulumi_esc_sdk.configuration import Configuration
from pulumi_esc_sdk.exceptions import ApiException
from urllib3.exceptions import HTTPError

from infra_assets.environments.sources.protocol import SourceError

LONGEST_WAIT_S = 60.0
ROOT = "/api"
JSON = "application/json"
YAML = "application/x-yaml"
_CHUNK = 65536
_LONGEST_ANSWER = 50_000_000
_LOOK = "look whether it was changed before trying again"
_LOCAL = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a success, or 400, 404, 409, which mean something different for each call."""

    status: int
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether it is a success."""
        return self.status < 300


class ForbiddenError(SourceError):
    """The access token's owner may not do this."""


class _TryAgainError(Exception):
    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class CloudApi:
    """The service's API for one organization.

    `timeout_s` is for the connection, for each pause in an answer, and twice of it for a whole answer.

    Raises:
        SourceError: the URL would send the token in clear over a network, or the organization's name is none.
    """

    def __init__(
        self,
        organization: str,
        token: str,
        url: str,
        *,
        timeout_s: float = 15.0,
        attempts: int = 5,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not 3 <= len(organization) <= 40:
            raise SourceError(f"organization {organization!r} of Pulumi Cloud: a name has 3 to 40 characters")
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in _LOCAL:
            raise SourceError(f"Pulumi Cloud at {parts.scheme}://{parts.hostname}: only https keeps the token to itself")
        self._url = url.rstrip("/")
        configuration = Configuration(host=f"{self._url}{ROOT}/esc", access_token=token)
        configuration.retries = False  # pyright: ignore[reportAttributeAccessIssue]  # the client's own know neither 429 nor a pause
        client = ApiClient(configuration)
        self._client: Any = client
        self.api = EscApi(client)
        self.place = f"{organization} on {parts.hostname}"
        self._organization = organization
        self._timeout_s = float(timeout_s)
        self._attempts = attempts
        self._sleep = sleep

    def call(self, what: str, method: Callable[..., Any], *arguments: Any, changes: bool = False, **options: Any) -> Answer:
        """Call a `…_without_preload_content` method; `what` is told in errors: `environment shared/app`.

        A call that changes something is tried again only where it was turned away unread.

        Raises:
            SourceError: no answer, or one that says that this cannot work.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgainError),
            stop=tenacity.stop_after_attempt(self._attempts),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, what, method, arguments, options, changes)
        except _TryAgainError as error:
            raise SourceError(f"{what} ({self.place}): {error}, {self._attempts} times") from None

    def get(
        self, what: str, path: str, parts: Mapping[str, str], query: Mapping[str, str] = MappingProxyType({}), *, accept: str = JSON
    ) -> Answer:
        """Read what the service has and the official client not; in `path` stand `{organization}` and the names of `parts`.

        Raises:
            SourceError: no answer, or one that says that this cannot work.
        """

        def method(organization: str, *, _request_timeout: tuple[float, float]) -> Any:
            request = self._client.param_serialize(
                method="GET",
                resource_path=path,
                path_params={"organization": organization, **parts},
                query_params=list(query.items()),
                header_params={"Accept": accept},
                auth_settings=["Authorization"],
                _host=f"{self._url}{ROOT}",
            )
            return self._client.call_api(*request, _request_timeout=_request_timeout).response

        return self.call(what, method)

    def _once(self, what: str, method: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any], changes: bool) -> Answer:
        timeouts = (self._timeout_s, self._timeout_s)
        try:
            response = method(self._organization, *arguments, _request_timeout=timeouts, **options)
            answer = Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, self._body(response))
        except ApiException:
            raise SourceError(f"{what} ({self.place}): no safe connection; look at the certificates") from None
        except (HTTPError, OSError) as error:
            # The error's own text may hold what was sent.
            reason = f"no whole answer ({type(error).__name__})"
            if changes:
                raise SourceError(f"{what} ({self.place}): {reason}; {_LOOK}") from None
            raise _TryAgainError(reason) from None
        return self._judged(what, answer, changes=changes)

    def _judged(self, what: str, answer: Answer, *, changes: bool) -> Answer:
        status = answer.status
        if answer.ok or status in {400, 404, 409}:
            return answer
        if status == 401:
            raise SourceError(f"{what} ({self.place}): the access token is not accepted (401): set another as INFRA_PULUMI_ACCESS_TOKEN")
        if status == 403:
            raise ForbiddenError(
                f"{what} ({self.place}): the access token's owner may not do this (403): ask an administrator for the right"
            )
        if status == 429:
            raise _TryAgainError("too many requests (429)", _retry_after(answer))
        if status >= 500 and changes:
            raise SourceError(f"{what} ({self.place}): the service fails ({status}); {_LOOK}")
        if status >= 500:
            raise _TryAgainError(f"the service fails ({status})", _retry_after(answer))
        raise SourceError(f"{what} ({self.place}): an answer that Pulumi Cloud does not give ({status}): look at the URL and at proxies")

    def _body(self, response: Any) -> bytes:
        body = bytearray()
        end = time.monotonic() + 2 * self._timeout_s
        with closing(response):
            # What trickles in keeps no time-out waiting: the whole has one too.
            while chunk := response.read1(_CHUNK):
                body += chunk
                if len(body) > _LONGEST_ANSWER or time.monotonic() > end:
                    raise TimeoutError
            response.release_conn()
        return bytes(body)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, _TryAgainError) else None
    return min(asked if asked is not None else 0.5 * 2 ** (state.attempt_number - 1), LONGEST_WAIT_S)


def _retry_after(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "")
    if text.isdigit():
        return float(text)
    try:
        return max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None

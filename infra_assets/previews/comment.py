"""One comment on a pull request on GitHub, written once and then kept up to date.

REST API: "Issue comments"; a pull request is an issue there.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx
import tenacity
from pydantic import SecretStr

from infra_assets.errors import InfraError
from infra_assets.previews.pull_request import PullRequest, from_environment
from infra_assets.reports.markdown import LIMIT
from infra_assets.stacks.masking import Masker

MARKER = "<!-- infra-preview -->"
"""The first line of our comment; nobody sees it."""
TIMEOUT_S = 15.0
TRIES = 4
LONGEST_WAIT_S = 30.0
PAGES = 50
"""Of a hundred comments each."""
_READ_ONLY = "The job needs `permissions: pull-requests: write`. A fork's token never has it: there, use the job's summary."


@dataclass(frozen=True, slots=True)
class Published:
    """Where the comment is."""

    address: str
    created: bool
    """Or it was there, and says something else now."""


def publish(body: str, *, number: int | None = None, environ: Mapping[str, str] | None = None, marker: str = MARKER) -> Published:
    """Write the comment that begins with the marker, over the one that there is.

    Raises:
        UsageError: the variables do not say which pull request, or with which token.
        InfraError: GitHub cannot be reached, or refuses.
    """
    return write(from_environment(os.environ if environ is None else environ, number), body, marker=marker)


def write(where: PullRequest, body: str, *, marker: str = MARKER, pause_s: float = 1.0) -> Published:
    """Write the comment on a known pull request; like `publish`."""
    text = body if body.startswith(marker) else f"{marker}\n{body}"
    if len(text) > LIMIT:
        raise InfraError(f"the comment has {len(text):,} characters, GitHub takes {LIMIT:,}", remedy="as_comment cuts a report to fit.")
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_TryAgainError),
        stop=tenacity.stop_after_attempt(TRIES),
        wait=lambda state: _wait(state, pause_s),
        reraise=True,
    )
    with httpx.Client(base_url=where.api, headers=_headers(where.token), timeout=TIMEOUT_S) as client:
        try:
            # All of it again: a comment that was made although no answer came is found, and not made twice.
            return retrying(_Comments(client, where, marker).write, text)
        except _TryAgainError as error:
            raise InfraError(
                f"{where.name}: {error}, {TRIES} times", remedy="Run it again; https://www.githubstatus.com tells more."
            ) from None


class _TryAgainError(Exception):
    """GitHub may do it at another try."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class _Comments:
    """The comments of one pull request."""

    def __init__(self, client: httpx.Client, where: PullRequest, marker: str) -> None:
        self._client = client
        self._where = where
        self._marker = marker
        self._repository = f"/repos/{where.repository}"
        self._mask = Masker([where.token.get_secret_value()]).text

    def write(self, text: str) -> Published:
        found = self._own()
        if found is not None:
            answer = self._ask("PATCH", f"{self._repository}/issues/comments/{found}", missing=True, body=text)
            if answer is not None:
                return Published(_address(answer), created=False)
            # It was deleted since we have seen it.
        answer = self._ask("POST", f"{self._repository}/issues/{self._where.number}/comments", body=text)
        return Published(_address(answer), created=True)

    def _own(self) -> int | None:
        """Return the id of our comment: anybody can write the marker, so that who wrote it counts too."""
        me: str | None = None
        for comment in self._all():
            if not str(comment.get("body") or "").startswith(self._marker):
                continue
            author: Mapping[str, Any] = comment.get("user") or {}
            if author.get("type") == "Bot":
                return int(comment["id"])
            me = self._me() if me is None else me
            if me and author.get("login") == me:
                return int(comment["id"])
        return None

    def _all(self) -> Iterator[Mapping[str, Any]]:
        for page in range(1, PAGES + 1):
            # Counted by ourselves: an address that an answer names would get the token.
            path = f"{self._repository}/issues/{self._where.number}/comments?per_page=100&page={page}"
            response = self._response("GET", path, None)
            yield from cast("list[Mapping[str, Any]]", self._read(self._checked(response)))
            if "next" not in response.links:
                return

    def _me(self) -> str:
        """Return whose the token is; "" for that of a workflow, which is no person's."""
        response = self._response("GET", "/user", None)
        if response.status_code in (403, 404):
            return ""
        return str(self._read(self._checked(response)).get("login") or "")

    def _ask(self, method: str, path: str, *, missing: bool = False, body: str) -> Any:
        """Return the answer; None where what is to be changed is `missing`."""
        response = self._response(method, path, {"body": body})
        if missing and response.status_code == 404:
            return None
        return self._read(self._checked(response))

    def _response(self, method: str, path: str, content: Mapping[str, str] | None) -> httpx.Response:
        try:
            return self._client.request(method, path, json=content)
        except httpx.TimeoutException:
            raise _TryAgainError(f"no answer in {TIMEOUT_S:g} s") from None
        except httpx.TransportError as error:
            # Its own text may hold what was sent.
            raise _TryAgainError(f"{self._where.api} cannot be reached ({type(error).__name__})") from None

    def _checked(self, response: httpx.Response) -> httpx.Response:
        status = response.status_code
        if response.is_success:
            return response
        if status >= 500 or status == 429 or (status == 403 and _is_throttled(response)):
            raise _TryAgainError(f"GitHub answers {status}", _retry_after(response))
        said = f"{self._where.name}: GitHub answers {status}{self._said(response)}"
        raise InfraError(said, remedy=self._remedy(status))

    def _said(self, response: httpx.Response) -> str:
        try:
            message = str(response.json()["message"])
        except (ValueError, KeyError, TypeError):
            return ""
        return f" ({self._mask(message)[:200]})" if message.isprintable() else ""

    def _remedy(self, status: int) -> str:
        match status:
            case 401:
                return "GITHUB_TOKEN is not accepted: it is wrong or has expired. In a workflow it is `${{ github.token }}`."
            case 403:
                return f"GITHUB_TOKEN may not comment. {_READ_ONLY}"
            case 404:
                return f"There is no such pull request, or GITHUB_TOKEN may not see {self._where.repository}: look at both."
            case 422:
                return "GitHub does not take this comment, or the conversation is locked. --output keeps the report in a file."
            case _:
                return "Look at GITHUB_API_URL and GITHUB_REPOSITORY: the repository may have moved."

    def _read(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError:
            raise InfraError(
                f"{self._where.api}: an answer that is not GitHub's", remedy="Look at GITHUB_API_URL and at proxies."
            ) from None


def _headers(token: SecretStr) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token.get_secret_value()}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "infra-assets",
    }


def _address(answer: Any) -> str:
    return str(answer.get("html_url") or "")


def _is_throttled(response: httpx.Response) -> bool:
    return "retry-after" in response.headers or response.headers.get("x-ratelimit-remaining") == "0"


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _wait(state: tenacity.RetryCallState, pause_s: float) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_s if isinstance(error, _TryAgainError) else None
    return min(asked if asked is not None else pause_s * 2 ** (state.attempt_number - 1), LONGEST_WAIT_S)

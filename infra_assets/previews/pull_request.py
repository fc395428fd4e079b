"""Which pull request a check is about, and with which token: from the variables that GitHub Actions sets."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

from infra_assets.errors import UsageError

API = "https://api.github.com"
_LOCAL = ("127.0.0.1", "::1", "localhost")
_REPOSITORY = re.compile(r"[A-Za-z0-9_-][\w.-]*/(?!\.{1,2}$)[\w.-]+", re.ASCII)
_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request on GitHub, and how to get there."""

    api: str
    """`https://api.github.com`."""
    repository: str
    """`acme/infra`."""
    number: int
    token: SecretStr

    @property
    def name(self) -> str:
        """`acme/infra#12`."""
        return f"{self.repository}#{self.number}"


def from_environment(environ: Mapping[str, str], number: int | None = None) -> PullRequest:
    """Return the pull request of GITHUB_REPOSITORY that is given, or that the workflow runs for.

    Raises:
        UsageError: a variable is missing, or holds what it cannot hold.
    """
    return PullRequest(_api(environ), _repository(environ), number or _number(environ), _token(environ))


def links(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the address of the run of GitHub Actions that this is a part of, which has the whole report; nothing elsewhere."""
    server, repository, run = (environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    return {"the whole report, with this run": f"{server}/{repository}/actions/runs/{run}"} if server and repository and run else {}


def _api(environ: Mapping[str, str]) -> str:
    address = (environ.get("GITHUB_API_URL") or API).rstrip("/")
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if not parts.hostname or parts.username is not None or not (parts.scheme == "https" or _is_local(parts.scheme, parts.hostname)):
        raise UsageError("GITHUB_API_URL is no address of GitHub's API", remedy=f"It begins with https:// and is {API} if it is not set.")
    return address


def _is_local(scheme: str, host: str) -> bool:
    return scheme == "http" and host in _LOCAL


def _repository(environ: Mapping[str, str]) -> str:
    name = environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(name):
        raise UsageError(f"GITHUB_REPOSITORY {name!r}: no repository", remedy="It is OWNER/NAME, and GitHub Actions sets it.")
    return name


def _token(environ: Mapping[str, str]) -> SecretStr:
    token = environ.get("GITHUB_TOKEN", "").strip()
    # Anything else would be refused by the client, with the token in its error.
    if not _TOKEN.fullmatch(token):
        said = "holds characters that no token has" if token else "is not set"
        raise UsageError(f"GITHUB_TOKEN {said}", remedy="In a workflow: `env: GITHUB_TOKEN: ${{ github.token }}`.")
    return SecretStr(token)


def _number(environ: Mapping[str, str]) -> int:
    event = _event(environ.get("GITHUB_EVENT_PATH", ""))
    for found in (_within(event, "pull_request"), event.get("number"), _within(event, "issue")):
        if isinstance(found, int) and not isinstance(found, bool) and found > 0:
            return found
    raise UsageError("which pull request?", remedy="--pull-request N says it; a workflow that runs for one has it in GITHUB_EVENT_PATH.")


def _event(path: str) -> Mapping[str, Any]:
    try:
        found: Any = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError) as error:
        raise UsageError(f"GITHUB_EVENT_PATH {path}: cannot be read ({type(error).__name__})") from None
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _within(event: Mapping[str, Any], name: str) -> Any:
    found = event.get(name)
    return cast("Mapping[str, Any]", found).get("number") if isinstance(found, dict) else None

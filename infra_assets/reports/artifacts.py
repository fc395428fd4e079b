"""Where reports are kept: a folder or an S3 bucket.

The files of one check belong together: `20261129T020000Z-ab12cd/report.html`, and the ids sort by time. Reports tell of accounts and of
what stands in them: in a folder nobody but the user may read them.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from infra_assets.errors import UsageError
from infra_assets.fleet.database import now
from infra_assets.reports.artifacts_bucket import Bucket
from infra_assets.reports.artifacts_folder import Folder
from infra_assets.sandbox.cloud import Aws

REPORT_ID = re.compile(r"(\d{8}T\d{6}Z)-[A-Za-z0-9]+")
REGION = "us-east-1"
_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}"
_NAME = re.compile(rf"{_PART}(?:/{_PART})*")
_TAKES = "It takes file:///folder, an absolute path, or s3://bucket/prefix?region=REGION."


class Artifact(NamedTuple):
    """One file that is kept."""

    name: str
    """`20261129T020000Z-ab12cd/report.html`."""
    modified: datetime
    size: int


class Keeping(Protocol):
    """What keeps files by name."""

    def put(self, name: str, content: bytes, content_type: str) -> None:
        """Keep a file, whole or not at all."""
        ...

    def get(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        ...

    def list(self) -> list[tuple[str, datetime, int]]:
        """Return names, times of writing and sizes."""
        ...

    def delete(self, name: str) -> None:
        """Delete a file; nothing where there is none."""
        ...


class Artifacts:
    """Keeps reports. Every method raises an InfraError where that cannot be done, and says what to do about it."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping

    def put(self, name: str, content: bytes, content_type: str) -> None:
        """Keep a file; whoever reads it meanwhile gets the old one or the new one.

        Raises:
            UsageError: it is no name.
        """
        self._keeping.put(_checked(name), content, content_type)

    def get(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none.

        Raises:
            UsageError: it is no name.
        """
        return self._keeping.get(_checked(name))

    def delete(self, name: str) -> None:
        """Delete a file; nothing where there is none.

        Raises:
            UsageError: it is no name.
        """
        self._keeping.delete(_checked(name))

    def prune(self, keep: timedelta, at_least: int) -> list[str]:
        """Delete the checks that are older than `keep`, but for the newest `at_least`; returns their ids, oldest first."""
        files: dict[str, list[str]] = {}
        for artifact in self.list():
            files.setdefault(artifact.name.partition("/")[0], []).append(artifact.name)
        # Only what is named as a check is ours to delete.
        checks = sorted((made, check) for check in files if (made := made_at(check)) is not None)
        limit = now() - keep
        old = [check for made, check in checks[: max(0, len(checks) - at_least)] if made < limit]
        for check in old:
            for name in files[check]:
                self._keeping.delete(name)
        return old

    def list(self) -> list[Artifact]:
        """Return what is kept, by name; what somebody else put there under a name that is none of ours is left out."""
        return sorted(Artifact(*found) for found in self._keeping.list() if _NAME.fullmatch(found[0]))


def made_at(report_id: str) -> datetime | None:
    """Return the time in a report's id, None if it is no such id."""
    found = REPORT_ID.fullmatch(report_id)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def open_artifacts(url: str, aws: Callable[[], Aws]) -> Artifacts:
    """Return what keeps reports at a URL; a folder needs no AWS.

    Raises:
        UsageError: it is of another kind.
        InfraError: AWS cannot be reached from here.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc:
        region = parse_qs(parts.query).get("region", [REGION])[0]
        prefix = unquote(parts.path).strip("/")
        if prefix and not _NAME.fullmatch(prefix):
            raise UsageError(f"reports at {url}: {prefix!r} is no prefix", remedy=_TAKES)
        reached = aws()
        return Artifacts(Bucket(parts.netloc, prefix, reached.client(reached.session(), "s3", region)))
    path = unquote(parts.path) if parts.scheme == "file" and parts.netloc in ("", "localhost") else url
    if not Path(path).is_absolute():
        raise UsageError(f"reports at {url}: nothing that they can be kept in", remedy=_TAKES)
    return Artifacts(Folder(Path(path)))


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a report's file", remedy="Names read 20261129T020000Z-ab12cd/report.html.")
    return name

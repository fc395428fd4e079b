"""Reads a stack's state where it lies, without a call of the CLI.

Only what a gate before an operation needs: whether the stack exists, how many resources it holds, what an interrupted operation
left behind, who holds its lock. Layout of the file and S3 backends: `pkg/backend/diy/store.go` of Pulumi.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from infra_assets.errors import InfraError
from infra_assets.sandbox.cloud import Aws

ORGANIZATION = "organization"


@dataclass(frozen=True, slots=True)
class Pending:
    """An operation that began and whose end is not recorded."""

    urn: str
    operation: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A stack's state, as far as we look into it."""

    resources: int
    """Providers and the stack itself not counted."""
    pending: tuple[Pending, ...]
    secrets_provider: Mapping[str, Any]
    """What a stack's settings need so that its secrets can be read: `encryptionsalt` or `encryptedkey`."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Who holds a stack."""

    id: str
    owner: str
    host: str = ""
    pid: int = 0


class Store(Protocol):
    """The files of a state backend."""

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        ...

    def list(self, folder: str) -> list[str]:
        """Return the paths of the files in a folder."""
        ...

    def delete(self, path: str) -> None:
        """Delete a file."""
        ...


class FolderStore:
    """A `file://` backend."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        file = self._folder / path
        return file.read_bytes() if file.is_file() else None

    def list(self, folder: str) -> list[str]:
        """Return the paths of the files in a folder."""
        found = self._folder / folder
        return [f"{folder}/{file.name}" for file in sorted(found.iterdir())] if found.is_dir() else []

    def delete(self, path: str) -> None:
        """Delete a file."""
        (self._folder / path).unlink()
        (self._folder / f"{path}.attrs").unlink(missing_ok=True)  # which the backend's library keeps beside it


class BucketStore:
    """An `s3://bucket?region=…` backend."""

    def __init__(self, bucket: str, client: Any) -> None:
        self._bucket = bucket
        self._client = client

    def read(self, path: str) -> bytes | None:
        """Return an object's content, None if there is none."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=path)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None

    def list(self, folder: str) -> list[str]:
        """Return the keys below a prefix."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{folder}/")
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def delete(self, path: str) -> None:
        """Delete an object."""
        self._client.delete_object(Bucket=self._bucket, Key=path)


def open_store(url: str, aws: Aws) -> Store:
    """Return the store behind a backend's URL.

    Raises:
        InfraError: it is of a kind that we cannot look into.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderStore(Path(parts.path))
    if parts.scheme == "s3" and parts.path.strip("/") == "":
        region = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair).get("region", "us-east-1")
        return BucketStore(parts.netloc, aws.client(aws.session(), "s3", region))
    raise InfraError(f"state backend {url}: not supported", remedy="INFRA_STATE_BACKEND takes file:///folder or s3://bucket?region=REGION.")


def checkpoint_path(project: str, stack: str) -> str:
    """Return where a stack's checkpoint lies in its backend."""
    return f".pulumi/stacks/{project}/{stack}.json"


def read_checkpoint(store: Store, project: str, stack: str) -> Checkpoint | None:
    """Return a stack's checkpoint, None if the stack does not exist.

    Raises:
        InfraError: the checkpoint is damaged; it is never mended by itself.
    """
    path = checkpoint_path(project, stack)
    content = store.read(path)
    if content is None:
        return None
    try:
        latest: dict[str, Any] = json.loads(content)["checkpoint"]["latest"] or {}
        provider: dict[str, Any] = latest.get("secrets_providers") or {}
        resources: list[dict[str, Any]] = latest.get("resources") or []
        operations: list[dict[str, Any]] = latest.get("pending_operations") or []
        own = [resource for resource in resources if not resource["type"].startswith("pulumi:")]
        pending = [Pending(item["resource"]["urn"], item["type"]) for item in operations]
    except (ValueError, KeyError, TypeError):
        raise InfraError(
            f"state of {project}/{stack} is damaged ({path})",
            remedy=f"Restore it from .pulumi/backups/{project}/{stack} of the state backend; nothing was changed.",
        ) from None
    return Checkpoint(len(own), tuple(pending), _settings_of(provider))


def read_locks(store: Store, project: str, stack: str) -> list[Lock]:
    """Return who holds a stack; a lock file that cannot be read still counts as a lock."""
    locks: list[Lock] = []
    for path in store.list(_locks(project, stack)):
        if not path.endswith(".json"):
            continue
        name = path.rsplit("/", 1)[-1].removesuffix(".json")
        try:
            held = json.loads(store.read(path) or b"")
            owner = f"{held['username']}@{held['hostname']} (process {held['pid']}) since {held['timestamp']}"
            locks.append(Lock(name, owner, held["hostname"], int(held["pid"])))
        except (ValueError, KeyError, TypeError):
            locks.append(Lock(name, "unknown: the lock file is damaged"))
    return locks


def delete_lock(store: Store, project: str, stack: str, lock: Lock) -> None:
    """Take a lock away; see `unlock.unlock` for when that may be done."""
    store.delete(f"{_locks(project, stack)}/{lock.id}.json")


def _locks(project: str, stack: str) -> str:
    return f".pulumi/locks/{ORGANIZATION}/{project}/{stack}"


def _settings_of(provider: Mapping[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = provider.get("state") or {}
    if provider.get("type") == "passphrase":
        return {"encryptionsalt": state["salt"]}
    if provider.get("type") == "cloud":
        return {"secretsprovider": state["url"], "encryptedkey": state["encryptedkey"]}
    return {}

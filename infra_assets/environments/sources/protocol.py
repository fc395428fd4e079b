"""What a source of environments can do, whatever it is."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from infra_assets.environments.language.model import Document, LoadError
from infra_assets.environments.names import LATEST
from infra_assets.errors import InfraError

MAX_BYTES = 1_000_000
"""The longest definition that a source takes or gives."""
NEW = ""
"""As `expected`: the environment must not exist yet."""


class SourceError(LoadError, InfraError):
    """A source cannot give or take an environment; one line that names the environment and the place."""


class MissingEnvironmentError(SourceError):
    """There is no such environment where it was looked for."""


class MissingRevisionError(MissingEnvironmentError):
    """The environment exists, or may exist, but not this revision or tag of it."""


class ConflictError(SourceError):
    """Somebody else has written the environment since it was read."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of an environment, in a source that keeps them."""

    revision: str
    created_at: datetime
    author: str
    deleted: bool
    """Whether this is where the environment was taken away."""
    tags: tuple[str, ...]


class Source(Protocol):
    """Where environments are read from."""

    def list(self) -> Mapping[str, str]:
        """Return the current revision of every environment by canonical name; cheap, and the same object where nothing changed.

        Raises:
            SourceError: the source does not answer.
        """
        ...

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment by its canonical name, at a revision or as it is now.

        Raises:
            MissingEnvironmentError: it is not there; says where it was looked for.
            SourceError: it cannot be had.
        """
        ...

    def tag(self, name: str, tag: str) -> str:
        """Return the revision that a tag means; `latest` is the current one everywhere.

        Raises:
            MissingRevisionError: no such tag, or a source without tags.
            SourceError: it cannot be had.
        """
        ...


class WritableSource(Source, Protocol):
    """A source that takes changes too."""

    def write(self, name: str, source: bytes, *, expected: str | None = None, author: str = "") -> str:
        """Store a definition and return its revision.

        `expected` is the revision that the change was based on, NEW for an environment that must not exist yet, None for any.

        Raises:
            ConflictError: the current revision is another one.
            SourceError: it cannot be stored.
        """
        ...


def blob_id(source: bytes) -> str:
    """Return the id that git gives to this content."""
    return hashlib.sha1(b"blob %d\0" % len(source) + source, usedforsecurity=False).hexdigest()


def check_size(place: str, size: int) -> None:
    """Refuse what is too long.

    Raises:
        SourceError: more than MAX_BYTES.
    """
    if size > MAX_BYTES:
        raise SourceError(f"{place} has {size} bytes; an environment has at most {MAX_BYTES}")


def check_expected(name: str, current: str | None, expected: str | None) -> None:
    """Refuse a change that is based on something else than what is there.

    Raises:
        ConflictError: `current`, None where there is none, is not `expected`.
    """
    if expected is None or expected == (current or NEW):
        return
    if expected == NEW:
        raise ConflictError(f"{name} exists already, at revision {current}")
    now = f"is at revision {current}" if current else "does not exist any more"
    raise ConflictError(f"{name} was changed meanwhile: the change is based on revision {expected}, and it {now}")


def without_tags(source: Source, name: str, tag: str, kind: str) -> str:
    """Resolve a tag for a source that has none but `latest`.

    Raises:
        MissingRevisionError: it is another one.
    """
    if tag != LATEST:
        raise MissingRevisionError(f"{name}@{tag}: {kind} has no tags but `{LATEST}`")
    return source.read(name).revision

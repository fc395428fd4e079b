"""A source with some of its environments as a proposal would make them; all others as they are."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from infra_assets.environments.language.model import Document
from infra_assets.environments.names import LATEST
from infra_assets.environments.sources.protocol import MissingEnvironmentError, Source, SourceError

CONFLICT = "conflict"
"""In a list, the revision of an environment that cannot be read because both sides changed it."""
_Messages = list[str]


class Changes(Protocol):
    """What a proposal does to the environments of one source."""

    @property
    def label(self) -> str:
        """What a person calls the proposal."""
        ...

    @property
    def names(self) -> Collection[str]:
        """The environments that it adds, changes or deletes; always the same ones."""
        ...

    def after(self, name: str, live: Document | None) -> Document | None:
        """Return what would be live afterwards, None for nothing; `live` is what is there now.

        Raises:
            SourceError: both changed it, and not to the same.
        """
        ...

    def at(self, name: str, revision: str) -> Document:
        """Return a revision that is the proposal's own.

        Raises:
            MissingEnvironmentError: it has none such.
        """
        ...


class Replaced:
    """What a source would be with a proposal in it."""

    def __init__(self, below: Source, changes: Changes) -> None:
        self._below = below
        self._changes = changes
        self._names = frozenset(changes.names)
        self._seen: Mapping[str, str] | None = None
        self._listed: Mapping[str, str] = MappingProxyType({})
        self._conflicts: Sequence[str] = ()

    def list(self) -> Mapping[str, str]:
        """Return the revision of every environment as it would be; CONFLICT for what cannot be read.

        Raises:
            SourceError: the source does not answer.
        """
        below = self._below.list()
        if below is not self._seen:
            listed = {name: revision for name, revision in below.items() if name not in self._names}
            conflicts: _Messages = []
            for name in sorted(self._names):
                revision = self._revision(name, conflicts)
                if revision is not None:
                    listed[name] = revision
            self._seen, self._listed, self._conflicts = below, MappingProxyType(listed), conflicts
        return self._listed

    def problems(self) -> Sequence[str]:
        """Return what is no environment in the source, and what both sides changed."""
        self.list()
        return [*getattr(self._below, "problems", _Messages)(), *self._conflicts]

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment as it would be; at a revision, of the proposal or of the source.

        Raises:
            MissingEnvironmentError: it is not there, or the proposal deletes it.
            SourceError: it cannot be had, or both sides changed it.
        """
        if name not in self._names:
            return self._below.read(name, revision)
        if revision is not None:
            return self._at(name, revision)
        after = self._changes.after(name, self._live(name))
        if after is None:
            raise MissingEnvironmentError(f"there is no environment {name}: {self._changes.label} deletes it")
        return after

    def tag(self, name: str, tag: str) -> str:
        """Return the revision that a tag means: `latest` the proposed one, all others what they mean now.

        Raises:
            MissingRevisionError: no such tag.
            SourceError: it cannot be had.
        """
        if name in self._names and tag == LATEST:
            return self.read(name).revision
        return self._below.tag(name, tag)

    def _live(self, name: str) -> Document | None:
        try:
            return self._below.read(name)
        except MissingEnvironmentError:
            return None

    def _revision(self, name: str, conflicts: _Messages) -> str | None:
        try:
            after = self._changes.after(name, self._live(name))
        except SourceError as error:
            conflicts.append(str(error))
            return CONFLICT
        return after.revision if after else None

    def _at(self, name: str, revision: str) -> Document:
        try:
            after = self._changes.after(name, self._live(name))
        except SourceError:
            after = None  # an older revision can be read all the same
        if after is not None and after.revision == revision:
            return after
        try:
            return self._below.read(name, revision)
        except MissingEnvironmentError:
            return self._changes.at(name, revision)

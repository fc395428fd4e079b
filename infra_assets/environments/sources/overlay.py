"""One source laid over another, so that a change can be looked at before it is live: a branch over what is."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeGuard

from infra_assets.environments.language.model import Document
from infra_assets.environments.sources.protocol import MissingEnvironmentError, MissingRevisionError, Source, SourceError, WritableSource


class Overlay:
    """Takes an environment whole from the first source that has it."""

    def __init__(self, top: Source, *below: Source) -> None:
        self._sources: Sequence[Source] = (top, *below)
        self._lists: Sequence[Mapping[str, str]] = ()
        self._union: Mapping[str, str] = MappingProxyType({})

    def list(self) -> Mapping[str, str]:
        """Return the current revision of every environment of all sources.

        Raises:
            SourceError: one of them does not answer.
        """
        lists = [source.list() for source in self._sources]
        unchanged = len(lists) == len(self._lists) and all(new is old for new, old in zip(lists, self._lists, strict=True))
        if not unchanged:
            union: dict[str, str] = {}
            for names in reversed(lists):
                union.update(names)
            self._lists, self._union = lists, MappingProxyType(union)
        return self._union

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment from the first source that has it; at a revision, first from the one whose current revision that is.

        Raises:
            MissingEnvironmentError: none has it; says where it was looked for.
            SourceError: a source that comes before does not answer.
        """
        missing: list[str] = []
        for source in self._in_order(name, revision):
            try:
                return source.read(name, revision)
            except MissingEnvironmentError as error:
                missing.append(str(error))
        said = "; ".join([*missing[:1], *(text.removeprefix(f"there is no environment {name}: ") for text in missing[1:])])
        raise (MissingEnvironmentError if revision is None else MissingRevisionError)(said)

    def tag(self, name: str, tag: str) -> str:
        """Return the revision that a tag means in the first source that knows it.

        Raises:
            MissingRevisionError: none knows it.
            SourceError: a source that comes before does not answer.
        """
        missing: list[str] = []
        for source in self._sources:
            try:
                return source.tag(name, tag)
            except MissingEnvironmentError as error:
                missing.append(str(error))
        raise MissingRevisionError("; ".join(missing))

    def write(self, name: str, source: bytes, *, expected: str | None = None, author: str = "") -> str:
        """Write an environment where it is, a new one to the first source that can be written.

        Raises:
            ConflictError: the current revision is not `expected`.
            SourceError: where it is nothing can be written, or nowhere.
        """
        holder = next((each for each in self._sources if _has(each, name)), None)
        target = holder or next((each for each in self._sources if _writable(each)), None)
        if target is None or not _writable(target):
            raise SourceError(f"{name} cannot be written: {'it is' if holder else 'all sources are'} read-only")
        return target.write(name, source, expected=expected, author=author)

    def problems(self) -> Sequence[str]:
        """Return what looks like an environment and is none, in all sources."""
        return [problem for source in self._sources for problem in getattr(source, "problems", list[str])()]

    def writable(self, name: str) -> bool:
        """Say whether `write` has somewhere to write this environment to."""
        holder = next((each for each in self._sources if _has(each, name)), None)
        return _writable(holder) if holder else any(map(_writable, self._sources))

    def _in_order(self, name: str, revision: str | None) -> Sequence[Source]:
        if revision is None or not self._lists:
            return self._sources
        # The same number may mean another revision in each source.
        pairs = zip(self._sources, self._lists, strict=True)
        return [source for source, _ in sorted(pairs, key=lambda pair: pair[1].get(name) != revision)]


def _has(source: Source, name: str) -> bool:
    try:
        source.read(name)
    except MissingEnvironmentError:
        return False
    return True


def _writable(source: Source) -> TypeGuard[WritableSource]:
    return callable(getattr(source, "write", None))

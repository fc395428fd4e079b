"""Environments at a commit, read from git's object store without a checkout."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pygit2

from infra_assets.environments.language.model import Document, LoadError
from infra_assets.environments.names import canonical_name
from infra_assets.environments.sources.folder import SUFFIX
from infra_assets.environments.sources.history import blob_in_history, content
from infra_assets.environments.sources.protocol import MissingEnvironmentError, SourceError, without_tags

_Problems = list[str]


class GitSource:
    """The environments in a folder of a commit, read-only; a revision is a blob id.

    A branch or a tag is followed only on `refresh`: until then it means the commit that it meant first.

    Raises:
        SourceError: there is no such repository, ref or folder.
    """

    def __init__(self, repository: Path, ref: str, path: str = "environments") -> None:
        try:
            self._repository = pygit2.Repository(str(repository))
        except pygit2.GitError as error:
            raise SourceError(f"{repository} is no git repository: {error}") from None
        self._ref = ref
        self._path = path.strip("/")
        self._place = f"{ref}:{self._path}" if self._path else f"{ref}:"
        self._head = self._resolve()
        self._listed: Mapping[str, str] | None = None
        self._problems: _Problems = []
        self._folder()

    @property
    def commit(self) -> str:
        """The id of the commit that is read."""
        return str(self._head.id)

    def refresh(self) -> bool:
        """Look again at what the ref means; returns whether it is another commit now.

        Raises:
            SourceError: the ref is gone, or has no such folder any more; the commit stays what it was.
        """
        before, self._head = self._head, self._resolve()
        if before.id == self._head.id:
            return False
        try:
            self._folder()
        except SourceError:
            self._head = before
            raise
        self._listed = None
        return True

    def list(self) -> Mapping[str, str]:
        """Return the blob id of every environment of the commit.

        Raises:
            SourceError: the object store is damaged.
        """
        if self._listed is None:
            problems: _Problems = []
            listed = dict(self._environments(problems))
            self._problems, self._listed = problems, MappingProxyType(listed)
        return self._listed

    def problems(self) -> Sequence[str]:
        """Return what in the folder is no environment and looks like one, with the reason."""
        self.list()
        return self._problems

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment; at a revision that it has in this commit or had in one before it.

        Raises:
            MissingEnvironmentError: the commit has no such file, or no commit up to it this content of it.
            SourceError: it is a link or a folder, or too long.
        """
        canonical_name(name)
        path = f"{self._path}/{name}{SUFFIX}" if self._path else f"{name}{SUFFIX}"
        place = f"{self._ref}:{path}"
        current = self.list().get(name)
        if revision is not None and revision != current:
            source = blob_in_history(self._repository, self._head, path, revision, name)
            return Document(name, revision, source, place=f"{place} at {revision[:10]}")
        # By its id: libgit2 reads the folder's whole tree for each look-up by path.
        entry = self._repository[current] if current is not None else self._entry(path)
        if entry is None:
            raise MissingEnvironmentError(f"there is no environment {name}: no {place} (commit {self.commit[:10]})")
        return Document(name, str(entry.id), content(entry, place), place=place)

    def tag(self, name: str, tag: str) -> str:
        """Return the current revision for `latest`.

        Raises:
            MissingRevisionError: another tag; git's tags are not an environment's.
        """
        return without_tags(self, name, tag, "a commit")

    def beside(self, file: str) -> bytes | None:
        """Return a file that stands beside the environments' projects in the commit, None where there is none."""
        entry = self._entry(f"{self._path}/{file}" if self._path else file)
        return content(entry, f"{self._place}/{file}") if entry is not None else None

    def _resolve(self) -> pygit2.Commit:
        try:
            return self._repository.revparse_single(self._ref).peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError):
            where = self._repository.workdir or self._repository.path
            raise SourceError(f"the git repository {where} has no branch, tag or commit {self._ref!r}") from None

    def _folder(self) -> pygit2.Tree:
        found = self._entry(self._path) if self._path else self._head.tree
        if not isinstance(found, pygit2.Tree):
            raise SourceError(f"{self._place} is no folder of commit {self.commit[:10]}")
        return found

    def _entry(self, path: str) -> pygit2.Object | None:
        try:
            return self._head.tree[path]
        except (KeyError, pygit2.GitError):
            return None

    def _environments(self, problems: _Problems) -> Iterator[tuple[str, str]]:
        for project in self._folder():
            if not isinstance(project, pygit2.Tree) or str(project.name).startswith("."):
                continue
            for entry in project:
                file = str(entry.name)
                if not file.endswith(SUFFIX) or file.startswith("."):
                    continue
                name = f"{project.name}/{file.removesuffix(SUFFIX)}"
                try:
                    canonical_name(name)
                    if not isinstance(entry, pygit2.Blob) or entry.filemode == pygit2.enums.FileMode.LINK:
                        raise SourceError("not a file")
                    yield name, str(entry.id)
                except LoadError as error:
                    problems.append(f"{self._place}/{name}{SUFFIX}: {error}")

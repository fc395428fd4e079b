"""What a person calls a commit: a branch, a tag, an id."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import pygit2

from infra_assets.environments.sources.protocol import SourceError

_BRANCHES = "refs/heads/"
_REMOTES = "refs/remotes/"
_TAGS = "refs/tags/"
_KINDS = (_BRANCHES, _TAGS, _REMOTES)


class MissingRefError(SourceError):
    """A repository has no such branch, tag or commit."""


def repository_at(folder: Path) -> pygit2.Repository | None:
    """Return the repository that a folder stands in, None where it stands in none that has files."""
    try:
        found = pygit2.discover_repository(str(folder))
        repository = pygit2.Repository(found) if found else None
    except pygit2.GitError:
        return None
    return repository if repository is not None and repository.workdir else None


def commit_of(repository: pygit2.Repository, ref: str) -> pygit2.Commit:
    """Return the commit that a ref means.

    Raises:
        MissingRefError: it means none; names those that may have been meant.
    """
    try:
        return repository.revparse_single(ref).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError):
        near = _near(repository, ref)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise MissingRefError(f"the git repository {_where(repository)} has no branch, tag or commit {ref!r}{hint}") from None


def is_named(folder: Path, ref: str) -> bool:
    """Say whether a branch or a tag of a repository has this name, which a folder may have too."""
    repository = repository_at(folder)
    return repository is not None and any(name in repository.references for name in (ref, *(f"{kind}{ref}" for kind in _KINDS)))


def merge_base(repository: pygit2.Repository, one: pygit2.Commit, other: pygit2.Commit) -> pygit2.Commit | None:
    """Return the commit from which two went apart, None where they have nothing in common.

    Raises:
        SourceError: the repository holds too little of its history to tell.
    """
    try:
        found = repository.merge_base(one.id, other.id)
    except (KeyError, pygit2.GitError):
        found = None
    if found is not None:
        return repository[found].peel(pygit2.Commit)
    if repository.is_shallow:
        raise SourceError(
            f"the git repository {_where(repository)} is shallow: where {str(one.id)[:8]} and {str(other.id)[:8]} went apart is not in it",
            remedy="Fetch all of it: git fetch --unshallow; in a CI job, a checkout with fetch-depth: 0.",
        )
    return None


def _near(repository: pygit2.Repository, ref: str) -> Sequence[str]:
    names = [str(name) for name in repository.references]
    short = [name.removeprefix(kind) for kind in _KINDS for name in names if name.startswith(kind) and not name.endswith("/HEAD")]
    # A branch that nobody has checked out here is known by its remote's name only.
    return [name for name in short if name.endswith(f"/{ref}")][:3] or get_close_matches(ref, short, n=3)


def _where(repository: pygit2.Repository) -> str:
    return str(repository.workdir or repository.path)

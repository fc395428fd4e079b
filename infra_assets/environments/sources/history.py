"""Older contents of a file, from git's object store.

A revision is read only where it was the content of that very file: else an import of one environment at another one's revision would be a
way around what it may import.
"""

import re
from pathlib import Path

import pygit2

from infra_assets.environments.sources.protocol import MissingRevisionError, SourceError, check_size

_BLOB = re.compile("[0-9a-f]{40}")


def blob_of_file(file: Path, revision: str, name: str) -> bytes:
    """Return what a file was at a revision, if a commit that HEAD reaches has it.

    Raises:
        MissingRevisionError: the file stands in no repository, or no commit has this content of it.
    """
    try:
        found = pygit2.discover_repository(str(file.parent.resolve()))
        repository = pygit2.Repository(found) if found else None
        if repository is None or repository.head_is_unborn or not repository.workdir:
            raise MissingRevisionError(f"{name}@{revision}: {file} is not that, and there is no git history to look in")
        path = (file.parent.resolve() / file.name).relative_to(Path(repository.workdir).resolve())
        head = repository.head.peel(pygit2.Commit)
    except pygit2.GitError as error:
        raise MissingRevisionError(f"{name}@{revision}: the git history of {file} cannot be read: {error}") from None
    return blob_in_history(repository, head, path.as_posix(), revision, name)


def blob_in_history(repository: pygit2.Repository, commit: pygit2.Commit, path: str, revision: str, name: str) -> bytes:
    """Return what `path` was at a revision, if `commit` or a commit before it has that.

    Raises:
        MissingRevisionError: none has it.
        SourceError: it is no plain file, or too long.
    """
    blob = repository.get(revision) if _BLOB.fullmatch(revision) else None
    if not isinstance(blob, pygit2.Blob) or not _was_at(repository, commit, path, blob.id):
        raise MissingRevisionError(f"{name}@{revision}: no commit up to {str(commit.id)[:10]} has this content of {path}")
    return content(blob, f"{name}@{revision}")


def content(entry: pygit2.Object, place: str) -> bytes:
    """Return a blob's content.

    Raises:
        SourceError: it is no plain file, or too long.
    """
    if not isinstance(entry, pygit2.Blob) or entry.filemode == pygit2.enums.FileMode.LINK:
        raise SourceError(f"{place} is not a file")
    check_size(place, entry.size)
    return entry.data


def _was_at(repository: pygit2.Repository, commit: pygit2.Commit, path: str, blob: pygit2.Oid) -> bool:
    folder, _, file = path.rpartition("/")
    seen: set[pygit2.Oid] = set()
    for each in repository.walk(commit.id, pygit2.enums.SortMode.NONE):
        try:
            tree = each.tree[folder] if folder else each.tree
            # Most commits leave the folder as it is, and a folder with thousands of files takes a millisecond to look into.
            if tree.id in seen:
                continue
            seen.add(tree.id)
            if isinstance(tree, pygit2.Tree) and tree[file].id == blob:
                return True
        except KeyError:
            continue
    return False

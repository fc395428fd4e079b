"""Reading commits from a repository's object store."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import pygit2

PROGRAMS = "pulumi_programs"
_ID = re.compile("[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, for people."""

    id: str
    subject: str
    """The first line of its message."""
    author: str
    at: datetime
    """When it was committed, in UTC."""


def is_id(text: str) -> bool:
    """Return whether this is a full commit id."""
    return _ID.fullmatch(text) is not None


def find(repository: pygit2.Repository, commit: str) -> pygit2.Commit | None:
    """Return a commit by its full id, None where there is none."""
    found = repository.get(commit) if is_id(commit) else None
    return found.peel(pygit2.Commit) if found is not None and found.type == pygit2.enums.ObjectType.COMMIT else None


def described(commit: pygit2.Commit) -> Commit:
    """Return what people want to know of a commit."""
    subject = commit.message.strip().partition("\n")[0]
    return Commit(str(commit.id), subject, commit.author.name, datetime.fromtimestamp(commit.commit_time, UTC))


def between(repository: pygit2.Repository, old: str, new: str, limit: int) -> list[Commit]:
    """Return the commits that `new` reaches and `old` does not, newest first, at most `limit`; an unknown `old` reaches none."""
    head, base = find(repository, new), find(repository, old)
    if head is None:
        return []
    walker = repository.walk(head.id, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.TIME)
    if base is not None:
        walker.hide(base.id)
    return [described(commit) for commit in islice(walker, limit)]


def reaches(repository: pygit2.Repository, old: str, new: str) -> bool:
    """Return whether `old` is `new` or one of those before it."""
    head, base = find(repository, new), find(repository, old)
    if head is None or base is None:
        return False
    return head.id == base.id or repository.descendant_of(head.id, base.id)


def programs(commit: pygit2.Commit) -> pygit2.Tree | None:
    """Return a commit's `pulumi_programs`, None where it has no such folder."""
    try:
        found = commit.tree[PROGRAMS]
    except KeyError:
        return None
    return found if isinstance(found, pygit2.Tree) else None


def differing(repository: pygit2.Repository, old: str, new: str) -> list[str]:
    """Return the files of `pulumi_programs` that differ between two commits, sorted; of an unknown commit there are none."""
    before, after = (found and programs(found) for found in (find(repository, old), find(repository, new)))
    return sorted({f"{PROGRAMS}/{path}" for path in _paths(before, after)})


def _paths(before: pygit2.Tree | None, after: pygit2.Tree | None) -> Iterator[str]:
    tree = after or before
    if tree is None:
        return
    # Against nothing, libgit2 compares with the empty tree.
    diff = tree.diff_to_tree(before) if after and before else tree.diff_to_tree()
    for delta in diff.deltas:
        yield from (delta.old_file.path, delta.new_file.path)

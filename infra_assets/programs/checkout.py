"""Writes a commit's `pulumi_programs` into a folder: bytes as they are in the object store, no filters, nothing of what is around it."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pygit2
from pygit2.enums import FileMode

from infra_assets.errors import InfraError
from infra_assets.programs.commits import PROGRAMS, programs
from infra_assets.programs.links import leads_outside

_RESERVED = ("", ".", "..", ".git")


def check_out(commit: pygit2.Commit, folder: Path) -> None:
    """Write `folder/pulumi_programs`, and see to it that it outlives a crash of the machine.

    Raises:
        InfraError: the commit has no such folder, or holds there what is not checked out: a submodule, a link that leads outside.
        KeyError: an object of the commit is missing.
    """
    tree = programs(commit)
    if tree is None:
        raise InfraError(f"commit {commit.id} has no folder {PROGRAMS}")
    root = folder / PROGRAMS
    root.mkdir()
    links: dict[str, str] = {}
    seen: set[PurePosixPath] = set()
    for path, entry in _entries(tree, PurePosixPath(PROGRAMS)):
        problem = "stands in it twice" if path in seen else _problem(path, entry)
        if problem:
            raise InfraError(f"commit {commit.id}: {path}: {problem}")
        seen.add(path)
        if isinstance(entry, pygit2.Tree):
            (folder / path).mkdir()
        elif isinstance(entry, pygit2.Blob) and entry.filemode == FileMode.LINK:
            links[str(path)] = os.fsdecode(entry.data)
        elif isinstance(entry, pygit2.Blob):
            _write(folder / path, entry.data, executable=entry.filemode == FileMode.BLOB_EXECUTABLE)
    # Last, so that nothing is written through one.
    for path, target in links.items():
        (folder / path).symlink_to(target)
    for path in links:
        if leads_outside(folder / path, root):
            raise InfraError(f"commit {commit.id}: {path}: is a symbolic link that leads out of {PROGRAMS}")


def _entries(tree: pygit2.Tree, place: PurePosixPath) -> Iterator[tuple[PurePosixPath, pygit2.Object]]:
    for entry in tree:
        path = place / str(entry.name)
        yield path, entry
        if isinstance(entry, pygit2.Tree):
            yield from _entries(entry, path)


def _problem(path: PurePosixPath, entry: pygit2.Object) -> str:
    if path.name in _RESERVED or path.name != str(entry.name):
        return "is no name of a file"
    return "is a submodule" if entry.filemode == FileMode.COMMIT else ""


def _write(path: Path, content: bytes, *, executable: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o777 if executable else 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())

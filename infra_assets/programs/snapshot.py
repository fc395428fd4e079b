"""What lies in `ROOT/pulumi_programs` as a commit: HEAD where that is what HEAD has, else one that is written into the mirror.

Files are compared by content, as they would be deployed, not by what git's index says of them.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from infra_assets.errors import InfraError, UsageError
from infra_assets.programs import commits
from infra_assets.programs.commits import PROGRAMS
from infra_assets.programs.links import leads_outside
from infra_assets.programs.mirror import Mirror

LEFT_OUT = ("__pycache__", ".pulumi")
_AUTHOR = ("infra", "infra@localhost")


def snapshot(root: Path, mirror: Mirror) -> str:
    """Return the commit of what lies in `root/pulumi_programs`; the same files on the same HEAD are the same commit.

    Raises:
        UsageError: there is no such folder, or it holds what cannot be deployed: a link that leads out of it, a repository of its own.
        InfraError: a file or the repository that `root` lies in cannot be read.
    """
    folder = root.resolve() / PROGRAMS
    if folder.is_symlink() or not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder")
    checkout = _Checkout.around(folder)
    head = checkout.head if checkout else None
    if checkout and head:
        mirror.take(checkout.folder, str(head.id))
    repository = mirror.repository()
    try:
        tree = _Writer(folder, repository, checkout).write(folder)
    except OSError as error:
        raise InfraError(f"{error.filename or folder}: {error.strerror}", remedy="Was it changed while it was read? Try again.") from None
    at_head = commits.programs(head) if head else None
    if head and at_head is not None and at_head.id == tree:
        return str(head.id)
    return _commit(mirror, repository, tree, head)


@dataclass(frozen=True)
class _Checkout:
    """The git repository that a folder of programs lies in."""

    repository: pygit2.Repository
    folder: Path
    """Where its work tree begins."""
    programs: Path

    @classmethod
    def around(cls, programs: Path) -> "_Checkout | None":
        """Return the repository around the programs, None if there is none or it ignores them."""
        found = pygit2.discover_repository(str(programs.parent))
        try:
            repository = pygit2.Repository(found) if found else None
            if repository is None or not repository.workdir:
                return None
            folder = Path(repository.workdir).resolve()
            ignored = repository.path_is_ignored(programs.relative_to(folder).as_posix())
        except pygit2.GitError as error:
            raise InfraError(f"{found}: the git repository cannot be read: {error}") from None
        return None if ignored else cls(repository, folder, programs)

    @property
    def head(self) -> pygit2.Commit | None:
        """The commit that is checked out; None before the first one, or where ROOT is not the top of its repository."""
        if self.folder != self.programs.parent or self.repository.head_is_unborn:
            return None
        return self.repository.head.peel(pygit2.Commit)

    def ignores(self, path: Path) -> bool:
        """Return whether git would leave a file or folder alone."""
        name = path.relative_to(self.folder).as_posix()
        return name not in self._tracked and self.repository.path_is_ignored(name)

    def tracks(self, path: Path) -> bool:
        """Return whether git follows a file, or one in a folder."""
        return path.relative_to(self.folder).as_posix() in self._tracked

    @cached_property
    def _tracked(self) -> frozenset[str]:
        files = [str(self.repository.index[place].path) for place in range(len(self.repository.index))]
        return frozenset({*files, *(str(parent) for file in files for parent in Path(file).parents)})


@dataclass(frozen=True)
class _Writer:
    """Writes a folder into a repository's object store, file by file, as it is."""

    programs: Path
    repository: pygit2.Repository
    checkout: _Checkout | None

    def write(self, folder: Path) -> pygit2.Oid:
        """Write a folder and return its tree; what is there already costs reading it."""
        builder = self.repository.TreeBuilder()
        for path in self._wanted(folder):
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                below = self.write(path)
                if len(self._tree(below)):
                    builder.insert(path.name, below, FileMode.TREE)
            else:
                builder.insert(path.name, self._blob(path, mode), _file_mode(mode))
        return builder.write()

    def _wanted(self, folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if path.name == ".git":
                raise UsageError(
                    f"{folder}: is a git repository of its own", remedy="Programs stand in one repository, without submodules."
                )
            if path.name in LEFT_OUT and not (self.checkout and self.checkout.tracks(path)):
                continue
            if self.checkout is None or not self.checkout.ignores(path):
                yield path

    def _blob(self, path: Path, mode: int) -> pygit2.Oid:
        if stat.S_ISLNK(mode):
            if leads_outside(path, self.programs):
                raise UsageError(f"{path}: is a symbolic link that leads out of {PROGRAMS}")
            return self.repository.create_blob(os.fsencode(path.readlink()))
        if not stat.S_ISREG(mode):
            raise UsageError(f"{path}: is no file and no folder")
        return self.repository.create_blob(path.read_bytes())

    def _tree(self, tree: pygit2.Oid) -> pygit2.Tree:
        found = self.repository[tree]
        assert isinstance(found, pygit2.Tree)
        return found


def _file_mode(mode: int) -> FileMode:
    if stat.S_ISLNK(mode):
        return FileMode.LINK
    return FileMode.BLOB_EXECUTABLE if mode & stat.S_IXUSR else FileMode.BLOB


def _commit(mirror: Mirror, repository: pygit2.Repository, tree: pygit2.Oid, head: pygit2.Commit | None) -> str:
    builder = repository.TreeBuilder()
    builder.insert(PROGRAMS, tree, FileMode.TREE)
    # Of the content alone: asked for twice, it is one commit.
    author = pygit2.Signature(*_AUTHOR, head.commit_time if head else 0, 0)
    message = f"What lies in {PROGRAMS}, on {str(head.id)[:10]}\n" if head else f"What lies in {PROGRAMS}\n"
    commit = str(repository.create_commit(None, author, author, message, builder.write(), [head.id] if head else []))
    mirror.keep(commit)
    return commit

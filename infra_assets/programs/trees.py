"""Work trees: the programs of a commit, each commit in a folder of its own, so that code of two commits never mixes."""

import shutil
import tempfile
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import pygit2
from filelock import FileLock

from infra_assets.errors import InfraError
from infra_assets.programs import commits
from infra_assets.programs.checkout import check_out
from infra_assets.programs.mirror import Mirror

UNUSED_S = 86400.0
_USED = ".used"
_PARTIAL = ".partial-"


class Trees:
    """The folders `folder/trees/<commit>`, each with `pulumi_programs/` of that commit in it; every process may use them."""

    def __init__(self, folder: Path, mirror: Mirror) -> None:
        self._folder = folder / "trees"
        self._mirror = mirror

    def path(self, commit: str) -> Path:
        """Return the folder of a commit, checked out on first use.

        Raises:
            InfraError: the commit is unknown also after a fetch, has no programs, or holds what is not checked out.
        """
        tree = self._folder / commit
        if self._take(tree):
            return tree
        found = self._find(commit)
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self._folder))
        try:
            self._check_out(found, partial)
            partial.chmod(0o755)  # as any folder of a checkout; tempfile's are their owner's alone
            with self._locked(), suppress(OSError):  # another process was first: its tree is the same
                partial.rename(tree)
            if not self._take(tree):
                raise InfraError(f"commit {commit} cannot be checked out into {tree}")
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return tree

    def collect(self, keep: Collection[str], *, unused_s: float = UNUSED_S) -> list[str]:
        """Remove the trees that are not in `keep` and were not asked for in that many seconds; returns their commits."""
        if not self._folder.is_dir():
            return []
        before = time.time() - unused_s
        for leftover in self._folder.glob(f"{_PARTIAL}*"):  # of a process that was killed
            if leftover.stat().st_mtime < before:
                shutil.rmtree(leftover, ignore_errors=True)
        idle = [used.name.removesuffix(_USED) for used in sorted(self._folder.glob(f"*{_USED}"))]
        return [commit for commit in idle if commit not in keep and self._remove(commit, before)]

    def _take(self, tree: Path) -> bool:
        """Return whether a tree is there, and note that it is used, in one step that `collect` cannot come between."""
        if not tree.is_dir() or not commits.is_id(tree.name):
            return False
        with self._locked():
            if not tree.is_dir():
                return False
            tree.with_name(f"{tree.name}{_USED}").touch()
            return True

    def _remove(self, commit: str, before: float) -> bool:
        used, tree = self._folder / f"{commit}{_USED}", self._folder / commit
        going = self._folder / f"{_PARTIAL}{commit}"
        with self._locked():
            if used.stat().st_mtime >= before:
                return False
            with suppress(FileNotFoundError):
                tree.rename(going)
            used.unlink()
        shutil.rmtree(going, ignore_errors=True)
        return True

    def _find(self, commit: str) -> pygit2.Commit:
        found = commits.find(self._mirror.repository(), commit)
        if found is None:
            try:
                self._mirror.fetch()
            except InfraError as error:
                raise InfraError(f"commit {commit} is not here, and {error.message}", remedy=error.remedy) from None
            found = commits.find(self._mirror.repository(), commit)
        if found is None:
            raise InfraError(f"the programs' repository has no commit {commit}", remedy="Its branch may have been forced elsewhere.")
        return found

    def _check_out(self, commit: pygit2.Commit, folder: Path) -> None:
        try:
            check_out(commit, folder)
        except (KeyError, pygit2.GitError):  # the mirror has the commit, and not all that is in it
            self._mirror.repair()
            shutil.rmtree(folder)
            folder.mkdir()
            self._check_out_again(str(commit.id), folder)

    def _check_out_again(self, commit: str, folder: Path) -> None:
        try:
            check_out(self._find(commit), folder)
        except (KeyError, pygit2.GitError) as error:
            raise InfraError(f"commit {commit} is damaged in the programs' repository: {error}") from None

    def _locked(self) -> FileLock:
        return FileLock(self._folder / ".lock")

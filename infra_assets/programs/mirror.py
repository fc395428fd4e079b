"""The programs' repository, fetched into a bare repository of our own.

The mirror is a cache: what it was fetched from is the truth, and a damaged one is made anew. What was fetched stays, also when its branch
was forced elsewhere or deleted, because a rollout may be pinned to it.
"""

import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pygit2
from filelock import FileLock, Timeout

from infra_assets.errors import InfraError, UsageError
from infra_assets.programs import commits
from infra_assets.programs.address import Address, parse
from infra_assets.programs.commits import Commit
from infra_assets.programs.git import TIMEOUT_S, Said, git

BRANCHES = "refs/remotes/origin/"
HEADS = "refs/infra/heads/"
SNAPSHOTS = "refs/infra/snapshots/"
_REMOTE_HEADS = "refs/heads/"
_NO_TAGS = ("--no-tags", "--force", "--no-recurse-submodules", "--no-write-fetch-head", "--update-shallow")
_LOCAL = pygit2.enums.RepositoryOpenFlag.NO_SEARCH


class Mirror:
    """The bare repository `folder/mirror.git` of what lies at `url`.

    Nothing is kept open and every process may use it: readers never wait, fetching is one process' at a time.
    """

    def __init__(self, folder: Path, url: str, *, allow: Sequence[str], root: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._folder = folder
        self._url = url
        self._allow = tuple(allow)
        self._root = root
        self._timeout_s = timeout_s
        self.path = folder / "mirror.git"

    def fetch(self) -> Mapping[str, str]:
        """Fetch all branches and return the commit of each; where none has moved this costs one question.

        Raises:
            UsageError: the address is none, or not allowed.
            InfraError: the repository cannot be reached, refuses, or does not answer in time; the branches stay what they were.
        """
        address = self._address()
        there = self._heads(address)
        if not self._holds(there):
            with self._locked():
                if not self._holds(there):
                    self._fetch(address)
        return self.branches()

    def branches(self) -> Mapping[str, str]:
        """Return the commit of each branch as of the last fetch."""
        return _references(self.repository(), BRANCHES)

    def commit(self, commit: str) -> Commit:
        """Describe a commit.

        Raises:
            InfraError: the mirror has none of that id.
        """
        found = commits.find(self.repository(), commit)
        if found is None:
            raise InfraError(f"the programs' repository has no commit {commit}", remedy="Its branch may have been forced elsewhere.")
        return commits.described(found)

    def is_ancestor(self, old: str, new: str) -> bool:
        """Return whether `old` is `new` or one of the commits before it; of commits that are not there it is not."""
        return commits.reaches(self.repository(), old, new)

    def log(self, old: str, new: str, limit: int = 20) -> list[Commit]:
        """Return the commits that `new` has more than `old`, newest first; all of them where `old` is unknown."""
        return commits.between(self.repository(), old, new, limit)

    def changed(self, old: str, new: str) -> list[str]:
        """Return the files below `pulumi_programs` that differ, sorted; all of them where `old` is unknown."""
        return commits.differing(self.repository(), old, new)

    def link(self, old: str, new: str) -> str:
        """Return a page that shows what changed between two commits, or one commit where `old` is empty; "" where there is none."""
        with suppress(UsageError):
            snapshots = _references(self.repository(), SNAPSHOTS)
            if new not in snapshots and old not in snapshots:
                return parse(self._url, self._root).link(old, new)
        return ""

    def take(self, repository: Path, commit: str) -> None:
        """Fetch one commit from a repository on this machine that needs no permission: the one that ROOT lies in.

        Raises:
            InfraError: it cannot be read.
        """
        if commits.find(self.repository(), commit):
            return
        address = parse(str(repository), self._root)
        with self._locked():
            said = self._fetch_from(address, "origin", f"+{commit}:{HEADS}{commit}")
        if not said.done:
            raise InfraError(f"{address.shown}: commit {commit} cannot be fetched: {said.reason}")

    def keep(self, commit: str) -> None:
        """Keep a commit of the mirror, whatever becomes of its branch."""
        self.repository().references.create(f"{SNAPSHOTS}{commit}", commit, force=True)

    def repair(self) -> None:
        """Make the mirror anew if it is damaged: fetch all branches, and take over which snapshots can still be read.

        Raises:
            UsageError: the address is none, or not allowed.
            InfraError: the repository cannot be fetched.
        """
        address = self._address()
        with self._locked():
            if not self._sound():
                self._heads(address)  # what is damaged is better than nothing, if there is nothing else
                self._rebuild()
                self._fetch(address)

    def repository(self) -> pygit2.Repository:
        """Open the mirror; it is made on first use, and anew if it cannot be opened."""
        with suppress(pygit2.GitError):
            return pygit2.Repository(str(self.path), _LOCAL)
        with self._locked():
            with suppress(pygit2.GitError):  # another process was first
                return pygit2.Repository(str(self.path), _LOCAL)
            self._rebuild()
            return pygit2.Repository(str(self.path), _LOCAL)

    def _address(self) -> Address:
        address = parse(self._url, self._root)
        if not address.allowed(self._allow, self._root):
            raise UsageError(
                f"targets.yaml: programs: {address.shown} may not be fetched", remedy="Put it, or a glob that matches it, under `allow`."
            )
        return address

    def _heads(self, address: Address) -> Mapping[str, str]:
        """Return the repository's branches as they are now: read here where it is on this machine, else asked for."""
        if address.folder is not None:
            with suppress(pygit2.GitError):
                return _references(pygit2.Repository(str(address.folder), _LOCAL), _REMOTE_HEADS)
        self.repository()
        said = git(self.path, address, "ls-remote", "--heads", "origin", timeout_s=self._timeout_s)
        if not said.done:
            raise _unreachable(address, said)
        pairs = (line.split("\t", 1) for line in said.lines if f"\t{_REMOTE_HEADS}" in line)
        return {name.removeprefix(_REMOTE_HEADS): commit for commit, name in pairs}

    def _holds(self, heads: Mapping[str, str]) -> bool:
        try:
            repository = self.repository()
            return _references(repository, BRANCHES) == heads and all(commits.find(repository, commit) for commit in heads.values())
        except pygit2.GitError:
            return False

    def _fetch(self, address: Address) -> None:
        said = self._fetch_branches(address)
        if not said.done and said.code is not None and not self._sound():
            self._rebuild()
            said = self._fetch_branches(address)
        if not said.done:
            raise _unreachable(address, said)

    def _fetch_branches(self, address: Address) -> Said:
        said = self._fetch_from(address, "--prune", "origin", f"+{_REMOTE_HEADS}*:{BRANCHES}*")
        if said.done and self._damaged.is_dir():
            # Snapshots were fetched from nowhere: those that can still be read, on top of what has just come.
            git(self.path, parse(str(self._damaged), self._root), "fetch", *_NO_TAGS, "origin", f"+{SNAPSHOTS}*:{SNAPSHOTS}*")
            shutil.rmtree(self._damaged, ignore_errors=True)
        return said

    def _fetch_from(self, address: Address, *arguments: str) -> Said:
        # Commits that once came from a shallow clone end where it ended, until they are asked for again.
        deeper = ("--unshallow",) if (self.path / "shallow").is_file() else ()
        return git(self.path, address, "fetch", *_NO_TAGS, *deeper, *arguments, timeout_s=self._timeout_s)

    def _sound(self) -> bool:
        with suppress(pygit2.GitError):
            pygit2.Repository(str(self.path), _LOCAL)
            return git(self.path, None, "fsck", "--connectivity-only", "--no-dangling", "--no-progress").done
        return False

    @property
    def _damaged(self) -> Path:
        return self._folder / "mirror.git.damaged"

    def _rebuild(self) -> None:
        """Put an empty repository in the mirror's place, and the one that is there aside."""
        fresh = self._folder / "mirror.git.fresh"
        for leftover in (fresh, self._damaged):
            shutil.rmtree(leftover, ignore_errors=True)
        made = pygit2.init_repository(str(fresh), bare=True)
        made.config["gc.pruneExpire"] = "never"  # a rollout may be pinned to what no branch has any more
        made.config["gc.autoDetach"] = False
        if self.path.exists():
            self.path.rename(self._damaged)
        fresh.rename(self.path)

    @contextmanager
    def _locked(self) -> Generator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        # As long as another process may take: a look, a fetch, a new mirror and a fetch into it.
        lock = FileLock(self._folder / "mirror.lock", timeout=4 * self._timeout_s, is_singleton=True)
        try:
            lock.acquire()
        except Timeout:
            raise InfraError("another process has been fetching the programs' repository for minutes") from None
        try:
            yield
        finally:
            lock.release()


def _references(repository: pygit2.Repository, prefix: str) -> dict[str, str]:
    return {
        reference.name.removeprefix(prefix): str(reference.target)
        for reference in repository.listall_reference_objects()
        if reference.name.startswith(prefix) and isinstance(reference.target, pygit2.Oid)
    }


def _unreachable(address: Address, said: Said) -> InfraError:
    return InfraError(
        f"the programs' repository {address.shown} cannot be fetched: {said.reason}",
        remedy="It is the key `programs` of targets.yaml. Deployments of commits that are here already go on.",
    )

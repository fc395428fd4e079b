"""What a branch does to the environments of a folder, since it left its base: as what would be live after its merge."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pygit2
from pygit2.enums import FileMode

from infra_assets.environments.language.model import Document
from infra_assets.environments.names import InvalidNameError, canonical_name
from infra_assets.environments.sources.folder import ACCESS, SUFFIX
from infra_assets.environments.sources.history import blob_in_history, content
from infra_assets.environments.sources.merging import merge
from infra_assets.environments.sources.protocol import MissingEnvironmentError, SourceError, blob_id, without_tags
from infra_assets.environments.sources.refs import commit_of, merge_base

_FILES = {FileMode.BLOB, FileMode.BLOB_EXECUTABLE}
_SHORT = 8


@dataclass(slots=True)
class _Change:
    """What a branch does to a file, by blob ids; None is no file."""

    was: str | None = None
    becomes: str | None = None
    file: bool = True
    """Whether it becomes a file, not a link."""


class ProposedSource:
    """The environments that a branch changes, read-only; a revision is a blob id.

    Compared is with the commit where the branch left `base`, so that what others have merged since is no change of its own. Without
    one in common, everything that the branch has counts as changed, and nothing as deleted.

    Raises:
        MissingRefError: `ref` or `base` means no commit.
        SourceError: there is no such repository, or it is too shallow to tell.
    """

    def __init__(self, repository: Path, ref: str, *, base: str = "HEAD", path: str = "environments") -> None:
        try:
            self._repository = pygit2.Repository(str(repository))
        except pygit2.GitError as error:
            raise SourceError(f"{repository} is no git repository: {error}") from None
        self._ref = ref
        self._path = path.strip("/").removeprefix(".")
        self._head = commit_of(self._repository, ref)
        self._base = commit_of(self._repository, base)
        self._base_name = base
        self._ancestor = merge_base(self._repository, self._head, self._base)
        self._problems: list[str] = []
        self._changes = self._compared()
        self._merged: dict[tuple[str, str], Document] = {}
        self.changed: Mapping[str, str] = MappingProxyType({name: each.becomes for name, each in self._changes.items() if each.becomes})
        self.deleted = frozenset(name for name, each in self._changes.items() if each.becomes is None)

    @property
    def commit(self) -> str:
        """The id of the branch's commit."""
        return str(self._head.id)

    @property
    def since(self) -> str | None:
        """The id of the commit where the branch left its base, None where they have nothing in common."""
        return str(self._ancestor.id) if self._ancestor else None

    @property
    def label(self) -> str:
        """The branch and its commit: `my-branch 1a2b3c4d`."""
        return f"{self._ref} {self.commit[:_SHORT]}"

    @property
    def names(self) -> frozenset[str]:
        """The environments that the branch adds, changes or deletes."""
        return frozenset(self._changes)

    def list(self) -> Mapping[str, str]:
        """Return the blob id of every environment that the branch adds or changes."""
        return self.changed

    def problems(self) -> Sequence[str]:
        """Return what the branch adds or changes that looks like an environment and is none."""
        return self._problems

    def read(self, name: str, revision: str | None = None) -> Document:
        """Return an environment as the branch has it; at a revision that it has or had there.

        Raises:
            MissingEnvironmentError: the branch does not change it, or deletes it; or has no such revision of it.
            SourceError: it is a link, or too long.
        """
        canonical_name(name)
        current = self.changed.get(name)
        if revision is not None and revision != current:
            return self.at(name, revision)
        if current is None:
            does = "deletes it" if name in self.deleted else "does not change it"
            raise MissingEnvironmentError(f"there is no environment {name}: {self.label} {does}")
        place = f"{self._ref}:{self._file(name)}"
        if not self._changes[name].file:
            raise SourceError(f"{place} is not a file")
        return Document(name, current, content(self._repository[current], place), place=place)

    def at(self, name: str, revision: str) -> Document:
        """Return an environment at a revision that it has on the branch, or had there.

        Raises:
            MissingRevisionError: it never had it.
            SourceError: it is a link, or too long.
        """
        file = self._file(name)
        source = blob_in_history(self._repository, self._head, file, revision, name)
        return Document(name, revision, source, place=f"{self._ref}:{file} at {revision[:10]}")

    def tag(self, name: str, tag: str) -> str:
        """Return the current revision for `latest`.

        Raises:
            MissingRevisionError: another tag.
        """
        return without_tags(self, name, tag, "a commit")

    def after(self, name: str, live: Document | None) -> Document | None:
        """Return what would be live after the merge, None for nothing; where both sides changed it, both changes are in it.

        Raises:
            SourceError: both changed the same lines, or one changed what the other deleted.
        """
        change = self._changes[name]
        now = live.revision if live else None
        if now == change.becomes:
            return live
        if self._ancestor is None or now == change.was:
            return self.read(name) if change.becomes else None
        if live is None or change.becomes is None:
            raise self._conflict(name, "it was changed by the one and deleted by the other" if change.was else "it was added by both")
        return self._both(name, change, live)

    def access_changed(self) -> bool:
        """Say whether the branch changes the rules of access that stand beside the environments."""
        return self._beside(self._head) != self._beside(self._ancestor or self._base)

    def _both(self, name: str, change: _Change, live: Document) -> Document:
        key = (name, live.revision)
        if key not in self._merged:
            ancestor = content(self._repository[change.was], self._file(name)) if change.was else None
            merged = merge(ancestor, live.source, self.read(name).source)
            if merged is None:
                raise self._conflict(name, "both changed the same lines" if change.was else "it was added by both")
            self._merged[key] = Document(name, blob_id(merged), merged, place=f"{self._ref}+live:{self._file(name)}")
        return self._merged[key]

    def _conflict(self, name: str, what: str) -> SourceError:
        live = f"what is live ({self._base_name} {str(self._base.id)[:_SHORT]})"
        since = f" since {self.since[:_SHORT]}" if self.since else ""
        return SourceError(f"{self._file(name)}: a conflict between {self.label} and {live}: {what}{since}; resolve it on the branch")

    def _file(self, name: str) -> str:
        return f"{self._path}/{name}{SUFFIX}" if self._path else f"{name}{SUFFIX}"

    def _beside(self, commit: pygit2.Commit) -> pygit2.Oid | None:
        try:
            return commit.tree[f"{self._path}/{ACCESS}" if self._path else ACCESS].id
        except KeyError:
            return None

    def _folder(self, commit: pygit2.Commit | None) -> pygit2.Tree | None:
        try:
            found = commit.tree[self._path] if commit and self._path else commit.tree if commit else None
        except KeyError:
            return None
        return found if isinstance(found, pygit2.Tree) else None

    def _compared(self) -> dict[str, _Change]:
        changes: dict[str, _Change] = {}
        for delta in _deltas(self._folder(self._ancestor), self._folder(self._head)):
            old, new = delta.old_file, delta.new_file
            name = self._name(new.path or old.path)
            if name is None:
                continue
            change = changes.setdefault(name, _Change())
            # A file that becomes a link comes as two deltas.
            if old.mode in _FILES:
                change.was = str(old.id)
            if new.mode not in {0, FileMode.TREE}:
                change.becomes, change.file = str(new.id), new.mode in _FILES
        return {name: change for name, change in changes.items() if change.was != change.becomes}

    def _name(self, path: str) -> str | None:
        project, _, file = path.partition("/")
        if "/" in file or not file.endswith(SUFFIX) or file.startswith(".") or project.startswith("."):
            return None
        name = f"{project}/{file.removesuffix(SUFFIX)}"
        try:
            return canonical_name(name).canonical
        except InvalidNameError as error:
            self._problems.append(f"{self._ref}:{self._file(name)}: {error}")
            return None


def _deltas(before: pygit2.Tree | None, after: pygit2.Tree | None) -> Iterator[pygit2.DiffDelta]:
    if before is not None and after is not None:
        yield from before.diff_to_tree(after).deltas
    elif after is not None:
        yield from after.diff_to_tree(swap=True).deltas
    elif before is not None:
        yield from before.diff_to_tree().deltas

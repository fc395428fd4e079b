"""What is known of commits and of earlier operations, as people are told of it."""

from infra_assets.errors import InfraError
from infra_assets.programs.mirror import Mirror
from infra_assets.programs.trees import Trees
from infra_assets.stacks.ledger import Entry, Key, Ledger
from infra_assets.stacks.projects import PROGRAMS
from infra_assets.stacks.sources import source_files
from infra_assets.texts import listed

NAMED = 3
MOST_COMMITS = 10


class Past:
    """Tells commits apart, and finds what was."""

    def __init__(self, mirror: Mirror, trees: Trees, ledger: Ledger) -> None:
        self._mirror = mirror
        self._trees = trees
        self._ledger = ledger
        self._changed: dict[tuple[str, str, str], list[str]] = {}

    def commits(self, before: str, now: str, project: str) -> str:
        """Return how two commits differ in what concerns a project: `1a2b3c4d → 5e6f7a8b (network/__main__.py)`."""
        key = (before, now, project)
        if key not in self._changed:
            try:
                self._mirror.commit(before)
                mine = self._files(before, project) | self._files(now, project)
                self._changed[key] = [path for path in self._mirror.changed(before, now) if path in mine]
            except (InfraError, ValueError):
                self._changed[key] = []  # one of them is not to be had any more
        files = [path.removeprefix(f"{PROGRAMS}/") for path in self._changed[key]]
        return f"{before[:8]} → {now[:8]}{f' ({listed(files, NAMED)})' if files else ''}"

    def with_outputs(self, cell: Key, outputs_hash: str) -> Entry | None:
        """Return a cell's newest operation that had these outputs."""
        return self._ledger.with_outputs(cell, outputs_hash)

    def way(self, before: str | None, now: str | None) -> str:
        """Return the way from one commit to another, with what its last one says."""
        if now is None:
            return "each cell's own"
        try:
            subject = f" {self._mirror.commit(now).subject}"
        except InfraError:
            subject = ""
        return f"{f'{before[:8]} → ' if before and before != now else ''}{now[:8]}{subject}"

    def subjects(self, before: str | None, now: str | None) -> list[str]:
        """Return what the commits between two say, newest first; nothing where there is one alone, or they are not to be had."""
        if not before or not now or before == now:
            return []
        try:
            self._mirror.commit(before)
            found = self._mirror.log(before, now, limit=MOST_COMMITS)
        except InfraError:
            return []
        return [f"{commit.id[:8]} {commit.subject}" for commit in found] if len(found) > 1 else []

    def link(self, before: str | None, now: str | None) -> str:
        """Return where a person sees how two commits differ; "" where the repository has no such page."""
        return self._mirror.link(before or "", now) if now else ""

    def _files(self, commit: str, project: str) -> set[str]:
        """Return the files that a project's program depends on, as the repository names them."""
        root = self._trees.path(commit)
        folder = root / PROGRAMS / project
        return {path.relative_to(root).as_posix() for path in source_files(folder)} if folder.is_dir() else set()

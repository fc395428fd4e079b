"""Proposed programs: a branch as it would be after it was merged into its base."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pygit2

from infra_assets.errors import UsageError
from infra_assets.planning.planner import Planner
from infra_assets.programs import commits
from infra_assets.programs.commits import PROGRAMS
from infra_assets.programs.mirror import Mirror
from infra_assets.texts import listed

ON_DISK = "."


@dataclass(frozen=True, slots=True)
class ProposedPrograms:
    """Programs that are proposed, and what they are compared with."""

    commit: str
    base: str | None
    """The commit of the base; None: what each TEP is deployed from."""
    label: str
    """`my-branch 1a2b3c4d, merged into main 5e6f7a8b`."""
    notes: Sequence[str] = ()


def proposed_programs(planner: Planner, ref: str, base: str | None) -> ProposedPrograms:
    """Return what a ref of the programs' repository would deploy: a branch, a tag, a commit, or `.` for what lies on disk.

    With a base it is what the merge of the two comes to, so that a branch that is behind does not show what others have merged as its own.

    Raises:
        UsageError: there is no such ref, or it conflicts with its base.
        InfraError: the repository cannot be reached.
    """
    commit = planner.on_disk() if ref == ON_DISK else _commit(planner, ref, "--programs")
    name = "what lies on disk" if ref == ON_DISK else ref
    if base is None:
        return ProposedPrograms(commit, None, f"{name} {commit[:8]}, over what each TEP is deployed from")
    onto = _commit(planner, base, "--base")
    if planner.mirror.is_ancestor(onto, commit):
        return ProposedPrograms(commit, onto, f"{name} {commit[:8]}, over {base} {onto[:8]}")
    merged = _merged(planner.mirror, commit, onto, name, base)
    return ProposedPrograms(merged, onto, f"{name} {commit[:8]} merged into {base} {onto[:8]}")


def _commit(planner: Planner, ref: str, option: str) -> str:
    branches = planner.mirror.fetch()
    if ref in branches:
        return branches[ref]
    around = _around(planner.settings.root)
    if around is not None:
        with suppress(KeyError, ValueError, pygit2.GitError):
            found = str(around.revparse_single(ref).peel(pygit2.Commit).id)
            planner.mirror.take(Path(around.workdir or around.path), found)
            return found
    if commits.find(planner.mirror.repository(), ref):
        return ref
    near = get_close_matches(ref, branches, n=3) or sorted(branches)[:10]
    raise UsageError(
        f"{option} {ref}: the programs' repository has no branch, tag or commit of that name",
        remedy=f"There are branches {listed(near, 10)}." if near else "It has no branches.",
    )


def _around(root: Path) -> pygit2.Repository | None:
    found = pygit2.discover_repository(str(root))
    return pygit2.Repository(found) if found else None


def _merged(mirror: Mirror, commit: str, onto: str, name: str, base: str) -> str:
    repository = mirror.repository()
    ours, theirs = repository[onto].peel(pygit2.Commit), repository[commit].peel(pygit2.Commit)
    index = repository.merge_commits(ours, theirs)
    if index.conflicts is not None:
        paths = sorted({str(entry.path) for conflict in list(index.conflicts) for entry in conflict if entry is not None})  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType, reportUnknownMemberType]  # pygit2 does not say
        ours_to_mend = [path for path in paths if path.startswith(f"{PROGRAMS}/")]
        if ours_to_mend:
            raise UsageError(f"--programs {name} conflicts with {base} in {listed(ours_to_mend)}", remedy=f"Merge {base} into it first.")
        for path in paths:  # what else conflicts is nobody's program
            del index.conflicts[path]
    # The same merge is the same commit, whoever asks for it and when.
    when = pygit2.Signature("infra", "infra@localhost", theirs.commit_time, 0)
    tree = index.write_tree(repository)
    merged = str(repository.create_commit(None, when, when, f"Merge of {name} into {base}, not made", tree, [ours.id, theirs.id]))
    mirror.keep(merged)
    return merged

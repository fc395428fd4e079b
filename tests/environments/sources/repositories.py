"""Git repositories for tests."""

from collections.abc import Mapping
from pathlib import Path

import pygit2
from pygit2.enums import CheckoutStrategy

WHO = pygit2.Signature("Joe", "joe@example.com", 1_700_000_000, 0)


def commit(folder: Path, message: str, ref: str = "refs/heads/main") -> str:
    """Commit all that is in a folder; makes the repository first where there is none."""
    repository = pygit2.Repository(str(folder)) if (folder / ".git").exists() else pygit2.init_repository(str(folder), initial_head="main")
    repository.index.read()
    repository.index.add_all()
    repository.index.write()
    parents = [] if repository.head_is_unborn else [repository.references[ref].target]
    return str(repository.create_commit(ref, WHO, WHO, message, repository.index.write_tree(), parents))


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    """Write the files of environments, by their names; None takes one away."""
    for name, text in files.items():
        path = folder / "environments" / f"{name}.yaml"
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def switch(folder: Path, branch: str, start: str = "HEAD") -> None:
    """Check a branch out, made at `start` where there is none; edits that are not committed are lost."""
    repository = pygit2.Repository(str(folder))
    name = f"refs/heads/{branch}"
    if name not in repository.references:
        repository.references.create(name, repository.revparse_single(start).peel(pygit2.Commit).id)
    repository.checkout(name, strategy=CheckoutStrategy.FORCE | CheckoutStrategy.REMOVE_UNTRACKED)


def on_branch(folder: Path, branch: str, files: Mapping[str, str | None], *, start: str = "main") -> str:
    """Commit files on a branch, and check main out again; returns the commit."""
    switch(folder, branch, start)
    write(folder, files)
    made = commit(folder, f"on {branch}", f"refs/heads/{branch}")
    switch(folder, "main")
    return made

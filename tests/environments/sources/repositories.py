"""Git repositories for tests."""

from pathlib import Path

import pygit2

WHO = pygit2.Signature("Joe", "joe@example.com", 1_700_000_000, 0)


def commit(folder: Path, message: str, ref: str = "refs/heads/main") -> str:
    """Commit all that is in a folder; makes the repository first where there is none."""
    repository = pygit2.Repository(str(folder)) if (folder / ".git").exists() else pygit2.init_repository(str(folder), initial_head="main")
    repository.index.add_all()
    repository.index.write()
    parents = [] if repository.head_is_unborn else [repository.references[ref].target]
    return str(repository.create_commit(ref, WHO, WHO, message, repository.index.write_tree(), parents))

"""Real git repositories for tests, made with the `git` command."""

import os
import subprocess
from pathlib import Path

from infra_assets.programs.mirror import Mirror

PROGRAM = "pulumi_programs/network/__main__.py"
_WHO = {"GIT_AUTHOR_NAME": "Jo", "GIT_AUTHOR_EMAIL": "jo@example.com", "GIT_COMMITTER_NAME": "Jo", "GIT_COMMITTER_EMAIL": "jo@example.com"}


def git(folder: Path, *arguments: str) -> str:
    """Run git as a developer would, untouched by this machine's settings."""
    settings = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", **_WHO}
    command = ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Repository:
    """A developer's repository with programs in it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        git(folder, "init", "-q")
        self.write("README.md", "a product\n")
        self.write(".gitignore", "__pycache__/\n*.log\n")
        self.write(PROGRAM, "one = 1\n")
        self.first = self.commit("First")

    def write(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def commit(self, message: str) -> str:
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "--allow-empty", "-m", message)
        return self.head

    @property
    def head(self) -> str:
        return git(self.folder, "rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)


def mirror_of(repository: Path, folder: Path, **options: float) -> Mirror:
    """A mirror that may fetch just this repository."""
    return Mirror(folder, str(repository), allow=[str(repository)], root=folder, **options)

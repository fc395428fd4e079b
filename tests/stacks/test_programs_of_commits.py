"""Programs of several commits in one process: each runs its own code, whatever ran before it or runs at the same time."""

import threading
from pathlib import Path

import pytest

from infra_assets.stacks.operator import ONE_PROGRAM
from infra_assets.stacks.program import inline_program
from infra_assets.stacks.projects import Project, discover

PROGRAM = """
import os
from pulumi_programs.components.version import VERSION


def lazily():
    from pulumi_programs.components import late
    return late.NAME


with open(os.environ["SEEN"], "a") as seen:
    seen.write(f"{VERSION} {lazily()}\\n")
"""


def tree(root: Path, version: str) -> Project:
    """Write the programs of one commit."""
    package = root / "pulumi_programs"
    (package / "components").mkdir(parents=True)
    (package / "queue").mkdir()
    for folder in (package, package / "components", package / "queue"):
        (folder / "__init__.py").touch()
    (package / "components" / "version.py").write_text(f"VERSION = {version!r}\n")
    (package / "components" / "late.py").write_text(f"NAME = {f'late {version}'!r}\n")
    (package / "queue" / "Pulumi.yaml").write_text("name: queue\nruntime: python\n")
    (package / "queue" / "__main__.py").write_text(PROGRAM)
    return discover(root, version).get("queue")


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    return tmp_path / "seen"


def test_one_after_the_other_each_runs_its_own(tmp_path: Path, seen: Path) -> None:
    one, two = tree(tmp_path / "a", "one"), tree(tmp_path / "b", "two")
    for project in (one, two, one):
        inline_program(project)()
    assert seen.read_text().splitlines() == ["one late one", "two late two", "one late one"]


def test_at_once_in_one_worker_they_take_turns(tmp_path: Path, seen: Path) -> None:
    projects = [tree(tmp_path / name, name) for name in ("one", "two", "three")]

    def work(project: Project) -> None:
        for _ in range(20):
            with ONE_PROGRAM:
                inline_program(project)()

    threads = [threading.Thread(target=work, args=(project,)) for project in projects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = seen.read_text().splitlines()
    assert len(lines) == 60
    assert {tuple(line.split(" ", 1)) for line in lines} == {(name, f"late {name}") for name in ("one", "two", "three")}

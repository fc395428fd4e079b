"""What lies in the checkout, as a commit."""

import os
import shutil
import time
from pathlib import Path

import pytest

from infra_assets.errors import UsageError
from infra_assets.programs.mirror import Mirror
from infra_assets.programs.snapshot import snapshot
from infra_assets.programs.trees import Trees
from tests.programs_repository.repositories import PROGRAM, Repository, git

OURS = Path(__file__).parents[2]


@pytest.fixture
def root(upstream: Repository) -> Path:
    return upstream.folder


def files(commit: str, mirror: Mirror, folder: Path) -> dict[str, str]:
    tree = Trees(folder, mirror).path(commit)
    return {str(path.relative_to(tree)): path.read_text() for path in sorted(tree.rglob("*")) if path.is_file()}


def test_what_is_clean_is_head(root: Path, mirror: Mirror, upstream: Repository) -> None:
    upstream.write("README.md", "edited, and no program\n")
    upstream.write("pulumi_programs/network/__pycache__/x.pyc", "left out")
    upstream.write("pulumi_programs/network/debug.log", "ignored")
    (root / "pulumi_programs" / "empty").mkdir()
    assert snapshot(root, mirror) == upstream.first
    assert mirror.commit(upstream.first).subject == "First"


def test_an_edit_a_new_file_and_a_deleted_one_are_in_it(root: Path, mirror: Mirror, upstream: Repository, tmp_path: Path) -> None:
    upstream.write("pulumi_programs/gone.py", "")
    head = upstream.commit("Second")
    upstream.write(PROGRAM, "one = 2\n")
    upstream.write("pulumi_programs/cluster/__main__.py", "new = 1\n")
    upstream.write("pulumi_programs/cluster/.pulumi/state", "left out")
    upstream.write("pulumi_programs/cluster/debug.log", "ignored")
    (root / "pulumi_programs" / "gone.py").unlink()
    commit = snapshot(root, mirror)
    assert commit != head
    assert files(commit, mirror, tmp_path) == {"pulumi_programs/cluster/__main__.py": "new = 1\n", PROGRAM: "one = 2\n"}
    assert mirror.is_ancestor(head, commit)
    assert mirror.changed(head, commit) == ["pulumi_programs/cluster/__main__.py", "pulumi_programs/gone.py", PROGRAM]


def test_the_same_files_are_the_same_commit(root: Path, mirror: Mirror, upstream: Repository, tmp_path: Path) -> None:
    upstream.write(PROGRAM, "one = 2\n")
    commit = snapshot(root, mirror)
    time.sleep(1.1)  # commits count whole seconds
    os.utime(root / PROGRAM)
    assert snapshot(root, mirror) == commit
    other = Mirror(tmp_path / "other", str(root), allow=[], root=root)
    assert snapshot(root, other) == commit
    upstream.write(PROGRAM, "one = 1\n")
    assert snapshot(root, mirror) == upstream.first


def test_what_is_staged_or_executable_counts_as_it_lies_there(root: Path, mirror: Mirror, upstream: Repository) -> None:
    upstream.write(PROGRAM, "one = 2\n")
    upstream.git("add", "-A")
    assert snapshot(root, mirror) != upstream.first
    upstream.write(PROGRAM, "one = 1\n")
    assert snapshot(root, mirror) == upstream.first
    (root / PROGRAM).chmod(0o755)
    assert snapshot(root, mirror) != upstream.first


def test_a_file_that_git_follows_although_it_is_ignored_is_in_it(root: Path, mirror: Mirror, upstream: Repository, tmp_path: Path) -> None:
    upstream.write("pulumi_programs/network/kept.log", "kept")
    upstream.git("add", "-f", "pulumi_programs/network/kept.log")
    head = upstream.commit("Second")
    assert snapshot(root, mirror) == head
    upstream.write(PROGRAM, "one = 2\n")
    assert "pulumi_programs/network/kept.log" in files(snapshot(root, mirror), mirror, tmp_path)


def test_no_repository_at_all(tmp_path: Path) -> None:
    root = tmp_path / "root"
    program = root / PROGRAM
    program.parent.mkdir(parents=True)
    program.write_text("one = 1\n")
    (program.parent / "__pycache__").mkdir()
    (program.parent / "__pycache__" / "x.pyc").write_text("left out")
    mirror = Mirror(tmp_path / "home", ".", allow=[], root=root)
    commit = snapshot(root, mirror)
    assert snapshot(root, mirror) == commit
    assert files(commit, mirror, tmp_path) == {PROGRAM: "one = 1\n"}
    assert [found.id for found in mirror.log("", commit)] == [commit]


@pytest.mark.parametrize("ignored", [True, False])
def test_root_inside_of_another_repository(upstream: Repository, tmp_path: Path, ignored: bool) -> None:
    upstream.write(".gitignore", "build/\n*.log\n" if ignored else "*.log\n")
    upstream.commit("Second")
    upstream.write("build/" + PROGRAM, "deep = 1\n")
    upstream.write("build/pulumi_programs/x.log", "")
    root = upstream.folder / "build"
    mirror = Mirror(tmp_path / "home", ".", allow=[], root=root)
    assert PROGRAM in files(snapshot(root, mirror), mirror, tmp_path)
    assert ("pulumi_programs/x.log" in files(snapshot(root, mirror), mirror, tmp_path)) is ignored


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "pulumi_programs").mkdir()
    (tmp_path / "pulumi_programs" / "a.py").write_text("")
    mirror = Mirror(tmp_path / "home", ".", allow=[], root=tmp_path)
    assert mirror.changed("", snapshot(tmp_path, mirror)) == ["pulumi_programs/a.py"]


def test_a_work_tree_and_a_shallow_clone_have_a_head_too(upstream: Repository, tmp_path: Path) -> None:
    upstream.write(PROGRAM, "one = 2\n")
    head = upstream.commit("Second")
    upstream.git("worktree", "add", "-q", str(tmp_path / "worktree"))
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{upstream.folder}", str(tmp_path / "shallow"))
    for name in ("worktree", "shallow"):
        mirror = Mirror(tmp_path / f"home-{name}", ".", allow=[], root=tmp_path / name)
        assert snapshot(tmp_path / name, mirror) == head
        (tmp_path / name / PROGRAM).write_text("one = 3\n")
        assert mirror.changed(head, snapshot(tmp_path / name, mirror)) == [PROGRAM]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../outside", "up/../../outside"])
def test_a_link_that_leads_out_is_refused(root: Path, mirror: Mirror, target: str) -> None:
    link = root / "pulumi_programs" / "network" / "link"
    (link.parent / "up").symlink_to("..")
    link.symlink_to(target)
    with pytest.raises(UsageError, match=r"network/link: is a symbolic link that leads out"):
        snapshot(root, mirror)


def test_a_link_among_the_programs_is_kept(root: Path, mirror: Mirror, upstream: Repository, tmp_path: Path) -> None:
    (root / "pulumi_programs" / "alias.py").symlink_to("network/__main__.py")
    head = upstream.commit("Second")
    assert snapshot(root, mirror) == head
    upstream.write(PROGRAM, "one = 2\n")
    tree = Trees(tmp_path, mirror).path(snapshot(root, mirror))
    assert (tree / "pulumi_programs" / "alias.py").is_symlink()
    assert (tree / "pulumi_programs" / "alias.py").read_text() == "one = 2\n"


def test_what_cannot_be_deployed_is_refused(root: Path, mirror: Mirror) -> None:
    (root / "pulumi_programs" / "inner").mkdir()
    git(root / "pulumi_programs" / "inner", "init", "-q")
    with pytest.raises(UsageError, match="inner: is a git repository of its own"):
        snapshot(root, mirror)
    shutil.rmtree(root / "pulumi_programs" / "inner")
    os.mkfifo(root / "pulumi_programs" / "pipe")
    with pytest.raises(UsageError, match="pipe: is no file and no folder"):
        snapshot(root, mirror)
    shutil.rmtree(root / "pulumi_programs")
    with pytest.raises(UsageError, match="there is no such folder"):
        snapshot(root, mirror)


def test_a_snapshot_outlives_a_mirror_that_is_made_anew(root: Path, mirror: Mirror, upstream: Repository) -> None:
    (root / "pulumi_programs" / "lost.py").write_text("lost = 1\n")
    second = upstream.commit("Second")
    mirror.fetch()
    (root / "pulumi_programs" / "lost.py").unlink()
    commit = snapshot(root, mirror)
    blob = upstream.git("rev-parse", "HEAD:pulumi_programs/lost.py")
    lost = mirror.path / "objects" / blob[:2] / blob[2:]
    lost.parent.chmod(0o700)
    lost.unlink()
    before = mirror.path.stat().st_ino
    mirror.repair()
    assert mirror.path.stat().st_ino != before
    assert mirror.branches() == {"main": second}
    assert mirror.changed(second, commit) == ["pulumi_programs/lost.py"]
    mirror.repair()
    assert mirror.path.stat().st_ino != before


def test_a_snapshot_has_no_page(root: Path, upstream: Repository, tmp_path: Path) -> None:
    mirror = Mirror(tmp_path / "home", "https://github.com/acme/x", allow=[], root=root)
    assert mirror.link("", snapshot(root, mirror)).startswith("https://github.com/acme/x/commit/")
    upstream.write(PROGRAM, "one = 2\n")
    assert mirror.link(upstream.first, snapshot(root, mirror)) == ""


def test_the_sample_is_looked_at_within_milliseconds(tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(OURS / "pulumi_programs", root / "pulumi_programs")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "First")
    mirror = Mirror(tmp_path / "home", ".", allow=[], root=root)
    snapshot(root, mirror)
    times: list[float] = []
    for _ in range(5):
        before = time.perf_counter()
        snapshot(root, mirror)
        times.append(time.perf_counter() - before)
    assert min(times) < 0.05

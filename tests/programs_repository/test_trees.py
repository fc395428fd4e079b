"""Work trees of commits: whole or not at all, each its own, gone when nobody uses them."""

import os
import shutil
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from infra_assets.errors import InfraError
from infra_assets.programs.mirror import Mirror
from infra_assets.programs.trees import Trees
from tests.programs_repository.repositories import PROGRAM, Repository, mirror_of


@pytest.fixture
def trees(mirror: Mirror, tmp_path: Path) -> Trees:
    return Trees(tmp_path / "home" / "programs", mirror)


def pushed(upstream: Repository, mirror: Mirror) -> str:
    commit = upstream.commit("Next")
    mirror.fetch()
    return commit


def test_the_programs_of_a_commit_and_nothing_else(trees: Trees, mirror: Mirror, upstream: Repository, tmp_path: Path) -> None:
    script = upstream.write("pulumi_programs/run.sh", "#!/bin/sh\n")
    script.chmod(0o755)
    upstream.write("pulumi_programs/crlf.txt", "a\r\n")
    upstream.write(".gitattributes", "*.txt text eol=lf\n*.py ident\n")
    second = pushed(upstream, mirror)
    tree = trees.path(second)
    assert tree == tmp_path / "home" / "programs" / "trees" / second
    assert [path.name for path in tree.iterdir()] == ["pulumi_programs"]
    assert (tree / PROGRAM).read_text() == "one = 1\n"
    assert os.access(tree / "pulumi_programs" / "run.sh", os.X_OK)
    assert not os.access(tree / PROGRAM, os.X_OK)
    assert (tree / PROGRAM).stat().st_mode & 0o400
    assert trees.path(second) == tree


def test_two_commits_stand_beside_each_other(trees: Trees, mirror: Mirror, upstream: Repository) -> None:
    upstream.write(PROGRAM, "one = 2\n")
    second = pushed(upstream, mirror)
    assert (trees.path(second) / PROGRAM).read_text() == "one = 2\n"
    assert (trees.path(upstream.first) / PROGRAM).read_text() == "one = 1\n"


def test_a_commit_that_is_not_here_yet_is_fetched(trees: Trees, upstream: Repository) -> None:
    assert (trees.path(upstream.first) / PROGRAM).is_file()


@pytest.mark.parametrize("unknown", ["0" * 40, "main", "..", "", "../../etc"])
def test_a_commit_that_does_not_exist_is_named(trees: Trees, unknown: str) -> None:
    with pytest.raises(InfraError, match=f"no commit {unknown}"):
        trees.path(unknown)


def test_an_unreachable_repository_is_no_hindrance_to_a_tree_that_is_there(trees: Trees, upstream: Repository, mirror: Mirror) -> None:
    tree = trees.path(upstream.first)
    upstream.folder.rename(upstream.folder.with_name("moved"))
    shutil.rmtree(mirror.path)
    assert trees.path(upstream.first) == tree
    with pytest.raises(InfraError, match=r"commit 1{40} is not here, and the programs' repository .*upstream cannot be fetched"):
        trees.path("1" * 40)


def test_a_commit_without_programs_is_named(trees: Trees, mirror: Mirror, upstream: Repository) -> None:
    shutil.rmtree(upstream.folder / "pulumi_programs")
    second = pushed(upstream, mirror)
    with pytest.raises(InfraError, match=f"commit {second} has no folder pulumi_programs"):
        trees.path(second)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "deep/deep/up/../../outside"])
def test_a_link_that_leads_out_is_refused_and_leaves_nothing(trees: Trees, mirror: Mirror, upstream: Repository, target: str,
                                                             tmp_path: Path) -> None:  # fmt: skip
    up = upstream.folder / "pulumi_programs" / "network" / "deep" / "deep" / "up"
    up.parent.mkdir(parents=True)
    up.symlink_to("../../..")
    (upstream.folder / "pulumi_programs" / "network" / "link").symlink_to(target)
    second = pushed(upstream, mirror)
    with pytest.raises(InfraError, match=rf"commit {second}: pulumi_programs/network/link: is a symbolic link that leads out"):
        trees.path(second)
    assert [path.name for path in (tmp_path / "home" / "programs" / "trees").iterdir() if path.name != ".lock"] == []


def test_a_submodule_is_refused(trees: Trees, mirror: Mirror, upstream: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    upstream.git("submodule", "add", "-q", str(other.folder), "pulumi_programs/shared")
    second = pushed(upstream, mirror)
    with pytest.raises(InfraError, match=f"commit {second}: pulumi_programs/shared: is a submodule"):
        trees.path(second)


def test_a_tree_made_by_hand_writes_nothing_elsewhere(trees: Trees, mirror: Mirror, upstream: Repository, tmp_path: Path) -> None:
    """Git lets nobody make such trees, but takes them from others."""
    blob = upstream.git("rev-parse", f"HEAD:{PROGRAM}")
    link = _blob(upstream, str(tmp_path))
    inner = _tree(upstream, [("100644", "evil", blob)])
    for entries in ([("120000", "a", link), ("40000", "a", inner)], [("40000", "..", inner)], [("40000", ".git", inner)]):
        programs = _tree(upstream, entries)
        commit = upstream.git("commit-tree", _tree(upstream, [("40000", "pulumi_programs", programs)]), "-m", "By hand")
        upstream.git("update-ref", "refs/heads/evil", commit)
        with pytest.raises(InfraError, match=commit):
            trees.path(commit)
    assert [path for path in tmp_path.rglob("evil") if not {"heads", "origin"} & set(path.parts)] == []


def _blob(upstream: Repository, text: str) -> str:
    file = upstream.write("blob", text)
    return upstream.git("hash-object", "-w", str(file))


def _tree(upstream: Repository, entries: list[tuple[str, str, str]]) -> str:
    raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(commit) for mode, name, commit in entries)
    file = upstream.folder / ".git" / "raw"
    file.write_bytes(raw)
    return upstream.git("hash-object", "-w", "-t", "tree", "--literally", str(file))


def _path(source: Path, folder: Path, commit: str) -> str:
    tree = Trees(folder, mirror_of(source, folder)).path(commit)
    return (tree / PROGRAM).read_text()


def test_processes_that_want_one_tree_at_once_all_get_it_whole(upstream: Repository, tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        found = list(pool.map(_path, *zip(*[(upstream.folder, tmp_path / "home", upstream.first)] * 12, strict=True)))
    assert found == ["one = 1\n"] * 12
    names = {path.name for path in (tmp_path / "home" / "trees").iterdir()}
    assert names == {upstream.first, f"{upstream.first}.used", ".lock"}


def test_a_mirror_that_lost_files_is_repaired(trees: Trees, mirror: Mirror, upstream: Repository) -> None:
    mirror.fetch()
    blob = upstream.git("rev-parse", f"HEAD:{PROGRAM}")
    lost = mirror.path / "objects" / blob[:2] / blob[2:]
    lost.chmod(0o600)
    lost.unlink()
    assert (trees.path(upstream.first) / PROGRAM).read_text() == "one = 1\n"


def test_unused_trees_go_and_those_in_use_stay(trees: Trees, mirror: Mirror, upstream: Repository, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "programs" / "trees"
    assert trees.collect([]) == []
    commits = [upstream.first]
    for number in range(3):
        upstream.write(PROGRAM, f"one = {number + 2}\n")
        commits.append(pushed(upstream, mirror))
    unused, kept, fresh, again = commits
    for commit in commits:
        trees.path(commit)
    for commit in (unused, kept, again):
        os.utime(folder / f"{commit}.used", (0, 0))
    (folder / ".partial-of-a-killed-process").mkdir()
    os.utime(folder / ".partial-of-a-killed-process", (0, 0))
    trees.path(again)
    assert trees.collect([kept]) == [unused]
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {kept, fresh, again}
    assert (trees.path(unused) / PROGRAM).read_text() == "one = 1\n"


def test_collecting_while_others_work_takes_no_tree_away_under_them(trees: Trees, upstream: Repository) -> None:
    trees.path(upstream.first)
    stop = threading.Event()

    def collect() -> None:
        while not stop.is_set():
            trees.collect([], unused_s=0.5)

    collector = threading.Thread(target=collect)
    collector.start()
    try:
        for _ in range(200):
            assert (trees.path(upstream.first) / PROGRAM).read_text() == "one = 1\n"
    finally:
        stop.set()
        collector.join()

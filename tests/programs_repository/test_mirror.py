"""Following a repository's branches, whatever happens to them and to the mirror."""

import shutil
import stat
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import psutil
import pytest

from infra_assets.errors import InfraError
from infra_assets.processes import wait_until
from infra_assets.programs.mirror import Mirror
from tests.programs_repository.repositories import PROGRAM, Repository, git, mirror_of


def test_branches_are_fetched_with_their_commits(mirror: Mirror, upstream: Repository) -> None:
    upstream.git("branch", "prod-beta")
    assert mirror.fetch() == {"main": upstream.first, "prod-beta": upstream.first}
    upstream.write(PROGRAM, "one = 2\n")
    second = upstream.commit("Make it two\n\nBecause of that.")
    assert mirror.branches()["main"] == upstream.first
    assert mirror.fetch() == {"main": second, "prod-beta": upstream.first} == mirror.branches()
    found = mirror.commit(second)
    assert (found.id, found.subject, found.author) == (second, "Make it two", "Jo")
    assert abs((datetime.now(UTC) - found.at).total_seconds()) < 600


def test_before_the_first_fetch_there_are_no_branches(mirror: Mirror) -> None:
    assert mirror.branches() == {}


def test_a_tag_is_no_branch(mirror: Mirror, upstream: Repository) -> None:
    upstream.git("tag", "v1")
    assert list(mirror.fetch()) == ["main"]


def test_a_fetch_with_nothing_new_starts_no_git(mirror: Mirror, upstream: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror.fetch()
    monkeypatch.setenv("PATH", "")
    assert mirror.fetch() == {"main": upstream.first}


def test_a_forced_push_moves_the_branch_and_the_old_commit_stays(mirror: Mirror, upstream: Repository) -> None:
    upstream.write(PROGRAM, "one = 2\n")
    old = upstream.commit("Second")
    mirror.fetch()
    upstream.git("reset", "-q", "--hard", upstream.first)
    upstream.write(PROGRAM, "one = 3\n")
    new = upstream.commit("Another second")
    assert mirror.fetch() == {"main": new}
    assert not mirror.is_ancestor(old, new)
    assert mirror.is_ancestor(upstream.first, new)
    git(mirror.path, "gc", "-q")
    assert mirror.commit(old).subject == "Second"


def test_a_deleted_branch_goes_and_one_may_take_its_name_as_a_folder(mirror: Mirror, upstream: Repository) -> None:
    upstream.git("branch", "prod")
    assert set(mirror.fetch()) == {"main", "prod"}
    upstream.git("branch", "-D", "prod")
    assert set(mirror.fetch()) == {"main"}
    upstream.git("branch", "prod/eu")
    assert set(mirror.fetch()) == {"main", "prod/eu"}
    upstream.git("branch", "-D", "prod/eu")
    upstream.git("branch", "prod")
    assert set(mirror.fetch()) == {"main", "prod"}


def test_an_unreachable_repository_is_named_and_the_branches_stay(mirror: Mirror, upstream: Repository) -> None:
    mirror.fetch()
    upstream.folder.rename(upstream.folder.with_name("moved"))
    with pytest.raises(InfraError) as failed:
        mirror.fetch()
    assert f"{upstream.folder} cannot be fetched: fatal:" in str(failed.value)
    assert mirror.branches() == {"main": upstream.first}


def test_a_source_that_is_damaged_fails_and_the_branches_stay(mirror: Mirror, upstream: Repository) -> None:
    mirror.fetch()
    upstream.write(PROGRAM, "one = 2\n")
    upstream.commit("Second")
    blob = upstream.git("rev-parse", f"HEAD:{PROGRAM}")
    (upstream.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(InfraError, match="cannot be fetched"):
        mirror.fetch()
    assert mirror.branches() == {"main": upstream.first}
    assert mirror.commit(upstream.first).subject == "First"


def test_one_that_never_answers_is_given_up_and_nothing_of_it_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = tmp_path / "ssh"
    silent.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 60\n")
    silent.chmod(silent.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("GIT_SSH", str(silent))
    url = "ssh://git:hunter22@git.example.com/acme/x"
    mirror = Mirror(tmp_path / "home", url, allow=["ssh://git.example.com/*"], root=tmp_path, timeout_s=1.5)
    before = time.monotonic()
    with pytest.raises(InfraError, match=r"ssh://git@git\.example\.com/acme/x cannot be fetched: no answer") as failed:
        mirror.fetch()
    assert time.monotonic() - before < 10
    assert "hunter22" not in str(failed.value)
    pid = int((tmp_path / "pid").read_text())
    assert wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, seconds=10)


def test_a_shallow_clone_is_fetched_and_later_deepened(tmp_path: Path, upstream: Repository) -> None:
    upstream.write(PROGRAM, "one = 2\n")
    second = upstream.commit("Second")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{upstream.folder}", str(shallow))
    mirror = mirror_of(shallow, tmp_path / "home")
    assert mirror.fetch() == {"main": second}
    assert [commit.id for commit in mirror.log("", second)] == [second]
    assert not mirror.is_ancestor(upstream.first, second)
    git(shallow, "commit", "-q", "--allow-empty", "-m", "Third")
    third = mirror.fetch()["main"]
    assert mirror.is_ancestor(second, third)
    git(shallow, "fetch", "-q", "--unshallow")
    git(shallow, "commit", "-q", "--allow-empty", "-m", "Fourth")
    fourth = mirror.fetch()["main"]
    assert mirror.is_ancestor(upstream.first, fourth)


@pytest.mark.parametrize("damage", ["HEAD", "objects", "refs", "everything"])
def test_a_damaged_mirror_is_made_anew(mirror: Mirror, upstream: Repository, damage: str) -> None:
    mirror.fetch()
    if damage == "everything":
        shutil.rmtree(mirror.path)
        mirror.path.mkdir()
    elif damage == "HEAD":
        (mirror.path / "HEAD").write_text("")
    else:
        shutil.rmtree(mirror.path / damage)
    upstream.write(PROGRAM, "one = 2\n")
    second = upstream.commit("Second")
    assert mirror.fetch() == {"main": second}
    assert [commit.subject for commit in mirror.log("", second)] == ["Second", "First"]


def test_what_is_new_and_what_it_changes(mirror: Mirror, upstream: Repository) -> None:
    upstream.write("docs.md", "not a program\n")
    second = upstream.commit("Second")
    upstream.write(PROGRAM, "one = 2\n")
    upstream.write("pulumi_programs/cluster/__main__.py", "")
    third = upstream.commit("Third")
    mirror.fetch()
    assert [commit.id for commit in mirror.log(upstream.first, third)] == [third, second]
    assert [commit.id for commit in mirror.log(upstream.first, third, limit=1)] == [third]
    assert mirror.log(third, third) == []
    assert mirror.changed(upstream.first, second) == []
    assert mirror.changed(second, third) == ["pulumi_programs/cluster/__main__.py", PROGRAM]
    assert mirror.changed(third, second) == ["pulumi_programs/cluster/__main__.py", PROGRAM]
    assert mirror.changed("0" * 40, second) == [PROGRAM]


def test_a_commit_that_is_not_there_is_named(mirror: Mirror) -> None:
    for unknown in ("0" * 40, "main", "../../etc", ""):
        with pytest.raises(InfraError, match=f"no commit {unknown}"):
            mirror.commit(unknown)
        assert not mirror.is_ancestor(unknown, unknown)
        assert mirror.log("", unknown) == []


def _fetch(source: Path, folder: Path) -> dict[str, str]:
    return dict(mirror_of(source, folder).fetch())


def test_processes_that_fetch_at_once_agree(upstream: Repository, tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        found = list(pool.map(_fetch, *zip(*[(upstream.folder, tmp_path / "home")] * 8, strict=True)))
    assert found == [{"main": upstream.first}] * 8


def test_a_hook_that_calls_us_and_hooks_of_the_mirror_have_no_say(mirror: Mirror, upstream: Repository, tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere" / "index"))
    mirror.branches()
    hook = mirror.path / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    assert mirror.fetch() == {"main": upstream.first}
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_one_that_is_made_anew_leaves_nothing_beside_it(mirror: Mirror, upstream: Repository) -> None:
    mirror.fetch()
    shutil.rmtree(mirror.path / "objects")
    mirror.fetch()
    assert {path.name for path in mirror.path.parent.iterdir()} == {"mirror.git", "mirror.lock"}
    mirror.repair()
    assert mirror.branches() == {"main": upstream.first}

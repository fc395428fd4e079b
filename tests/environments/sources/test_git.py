"""Environments at a commit, read from the object store."""

from pathlib import Path

import pygit2
import pytest

from infra_assets.environments.sources.folder import FolderSource
from infra_assets.environments.sources.git import GitSource
from infra_assets.environments.sources.protocol import MissingEnvironmentError, MissingRevisionError, SourceError
from tests.environments.sources.repositories import commit

APP = b"values: {size: 1}\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / "environments" / "shared").mkdir(parents=True)
    (folder / "environments" / "tenants").mkdir()
    (folder / "environments" / "shared" / "app.yaml").write_bytes(APP)
    (folder / "environments" / "tenants" / "acme.yaml").write_bytes(b"imports: [shared/app]\n")
    commit(folder, "first")
    return folder


def test_a_commit_is_read_and_the_files_on_disk_are_not(work: Path) -> None:
    before = FolderSource(work / "environments").list()
    (work / "environments" / "shared" / "app.yaml").write_bytes(b"values: {size: 2}\n")
    source = GitSource(work, "main")
    assert source.list() == before
    document = source.read("shared/app")
    assert (document.source, document.revision, document.place) == (APP, before["shared/app"], "main:environments/shared/app.yaml")
    assert source.tag("shared/app", "latest") == document.revision


def test_a_ref_is_followed_on_refresh_alone(work: Path) -> None:
    source = GitSource(work, "main")
    first, listed = source.commit, source.list()
    assert source.refresh() is False
    assert source.list() is listed
    (work / "environments" / "shared" / "app.yaml").write_bytes(b"values: {size: 2}\n")
    second = commit(work, "second")
    assert (source.commit, source.read("shared/app").source) == (first, APP)
    assert source.refresh() is True
    assert (source.commit, source.read("shared/app").source) == (second, b"values: {size: 2}\n")
    assert source.read("shared/app", listed["shared/app"]).source == APP
    assert GitSource(work, first).read("shared/app").source == APP
    with pytest.raises(MissingRevisionError, match=r"no commit up to .* has this content"):
        GitSource(work, first).read("shared/app", source.list()["shared/app"])


def test_a_ref_that_lost_the_folder_stays_where_it_was(work: Path) -> None:
    source = GitSource(work, "main")
    first = source.commit
    repository = pygit2.Repository(str(work))
    repository.index.remove_all(["environments"])
    repository.index.write()
    who = repository.head.peel(pygit2.Commit).author
    repository.create_commit("refs/heads/main", who, who, "gone", repository.index.write_tree(), [repository.head.target])
    with pytest.raises(SourceError, match=r"main:environments is no folder of commit"):
        source.refresh()
    assert (source.commit, source.read("shared/app").source) == (first, APP)


def test_branches_tags_commits_and_bare_repositories(work: Path, tmp_path: Path) -> None:
    repository = pygit2.Repository(str(work))
    head = repository.head.target
    repository.create_tag("v1", head, pygit2.enums.ObjectType.COMMIT, repository.head.peel(pygit2.Commit).author, "")
    bare = tmp_path / "bare.git"
    pygit2.clone_repository(str(work), str(bare), bare=True)
    for place, ref in ((work, "v1"), (work, str(head)), (work, str(head)[:12]), (work, "HEAD"), (bare, "main")):
        assert GitSource(place, ref).read("shared/app").source == APP, ref


def test_revisions_of_other_files_cannot_be_had(work: Path) -> None:
    source = GitSource(work, "main")
    with pytest.raises(MissingRevisionError, match=r"no commit up to .* has this content of environments/shared/app.yaml"):
        source.read("shared/app", source.list()["tenants/acme"])
    for revision in ("3", "main", "../x", "f" * 40, source.commit):
        with pytest.raises(MissingRevisionError):
            source.read("shared/app", revision)


def test_what_is_wrong_is_said(work: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=f"{tmp_path} is no git repository"):
        GitSource(tmp_path, "main")
    with pytest.raises(SourceError, match=f"the git repository {work}/ has no branch, tag or commit 'nope'"):
        GitSource(work, "nope")
    with pytest.raises(SourceError, match=r"main:elsewhere is no folder of commit"):
        GitSource(work, "main", "elsewhere")
    with pytest.raises(SourceError, match=r"main:environments/shared/app.yaml is no folder of commit"):
        GitSource(work, "main", "environments/shared/app.yaml")
    with pytest.raises(MissingEnvironmentError, match=r"no main:environments/shared/nope.yaml \(commit [0-9a-f]{10}\)"):
        GitSource(work, "main").read("shared/nope")


def test_links_folders_and_names_that_are_none_are_refused_and_reported(work: Path) -> None:
    shared = work / "environments" / "shared"
    (shared / "link.yaml").symlink_to("/etc/passwd")
    (shared / "folder.yaml").mkdir()
    (shared / "folder.yaml" / "x").write_bytes(b"")
    (shared / "größe.yaml").write_bytes(b"")
    commit(work, "odd")
    source = GitSource(work, "main")
    assert set(source.list()) == {"shared/app", "tenants/acme"}
    assert len(source.problems()) == 3
    for name in ("shared/link", "shared/folder"):
        with pytest.raises(SourceError, match=r"is not a file"):
            source.read(name)


def test_the_root_of_a_repository_can_be_the_folder(work: Path) -> None:
    (work / "ring").mkdir()
    (work / "ring" / "regular.yaml").write_bytes(b"")
    commit(work, "root")
    assert "ring/regular" in GitSource(work, "main", "").list()
    assert GitSource(work, "main", "").read("ring/regular").source == b""

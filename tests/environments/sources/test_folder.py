"""Environments in a folder, and their older revisions in the git repository that it stands in."""

import os
import time
from pathlib import Path

import pygit2
import pytest

from infra_assets.environments.names import InvalidNameError
from infra_assets.environments.sources.folder import FolderSource
from infra_assets.environments.sources.protocol import (
    MAX_BYTES,
    NEW,
    ConflictError,
    MissingEnvironmentError,
    MissingRevisionError,
    SourceError,
)
from tests.environments.sources.repositories import commit

APP = b"values: {size: 1}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "environments"
    for name, content in {"shared/app": APP, "tenants/acme": b"", "tenants/acme-prod": b"imports: [shared/app]\n"}.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def test_files_are_listed_and_read_with_gits_id_and_a_place(root: Path) -> None:
    source = FolderSource(root)
    assert source.list() == {name: source.read(name).revision for name in ("shared/app", "tenants/acme", "tenants/acme-prod")}
    document = source.read("shared/app")
    assert (document.source, document.place) == (APP, "environments/shared/app.yaml")
    assert document.revision == str(pygit2.hash(APP))
    assert source.read("shared/app", document.revision) == document
    assert source.tag("shared/app", "latest") == document.revision
    with pytest.raises(MissingRevisionError, match=r"shared/app@stable: a folder has no tags but `latest`"):
        source.tag("shared/app", "stable")


def test_a_change_is_noticed_even_of_the_same_length_at_the_same_time(root: Path) -> None:
    source = FolderSource(root)
    file = root / "shared" / "app.yaml"
    os.utime(file, ns=(10**18, 10**18))
    time.sleep(0.1)
    before = source.list()
    assert source.list() is before
    file.write_bytes(APP.replace(b"1", b"2"))
    os.utime(file, ns=(10**18, 10**18))
    after = source.list()
    assert after["shared/app"] == str(pygit2.hash(APP.replace(b"1", b"2")))
    assert {name for name in before if before[name] != after[name]} == {"shared/app"}


def test_a_file_that_changed_just_now_is_read_again_for_its_times_may_not_tell_the_next_change(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = FolderSource(root)
    time.sleep(0.1)
    (root / "shared" / "app.yaml").write_bytes(b"values: {}\n")
    read: list[str] = []
    content = source._content
    monkeypatch.setattr(source, "_content", lambda path: read.append(Path(path).name) or content(path))
    for _ in range(2):
        source.list()
    assert sorted(read) == ["acme-prod.yaml", "acme.yaml", "app.yaml", "app.yaml"]
    time.sleep(0.1)
    for _ in range(2):
        source.list()
    assert sorted(read) == ["acme-prod.yaml", "acme.yaml", "app.yaml", "app.yaml", "app.yaml"]


def test_added_and_removed_files_are_noticed(root: Path) -> None:
    source = FolderSource(root)
    before = set(source.list())
    (root / "ring").mkdir()
    (root / "ring" / "regular.yaml").write_bytes(b"")
    (root / "tenants" / "acme.yaml").unlink()
    assert set(source.list()) == (before | {"ring/regular"}) - {"tenants/acme"}


def test_one_change_among_seven_thousand_files_is_noticed_quickly(tmp_path: Path) -> None:
    folder = tmp_path / "environments" / "tenants"
    folder.mkdir(parents=True)
    for number in range(7000):
        (folder / f"t{number}-prod.yaml").write_bytes(APP)
    time.sleep(0.1)
    source = FolderSource(tmp_path / "environments")
    before = source.list()
    (folder / "t5-prod.yaml").write_bytes(b"values: {}\n")
    started = time.process_time()
    after = source.list()
    duration = time.process_time() - started
    assert {name for name in before if before[name] != after[name]} == {"tenants/t5-prod"}
    assert duration < 0.15  # below 0.03 on a quiet machine


def test_what_is_not_there_says_where_it_was_looked_for(root: Path) -> None:
    source = FolderSource(root)
    with pytest.raises(MissingEnvironmentError, match=rf"no environment shared/nope: no file {root}/shared/nope.yaml"):
        source.read("shared/nope")
    with pytest.raises(MissingEnvironmentError, match=r"nowhere/nope"):
        source.read("nowhere/nope")
    with pytest.raises(SourceError, match=r"environments cannot be listed: .*nowhere"):
        FolderSource(root / "nowhere").list()


@pytest.mark.parametrize("name", ["../secret", "shared/../../secret", "/etc/passwd", "shared/app.yaml/..", "app"])
def test_names_that_lead_elsewhere_are_none(root: Path, name: str) -> None:
    (root.parent / "secret.yaml").write_bytes(b"values: {}\n")
    source = FolderSource(root)
    with pytest.raises(InvalidNameError):
        source.read(name)
    with pytest.raises(InvalidNameError):
        source.write(name, b"")


def test_links_out_of_the_folder_are_refused_and_within_it_followed(root: Path) -> None:
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.yaml").write_bytes(b"values: {secret: 1}\n")
    (root / "shared" / "out.yaml").symlink_to(elsewhere / "secret.yaml")
    (root / "out").symlink_to(elsewhere)
    (root / "shared" / "same.yaml").symlink_to("app.yaml")
    (root / "shared" / "broken.yaml").symlink_to("nothing.yaml")
    source = FolderSource(root)
    assert set(source.list()) == {"shared/app", "shared/same", "tenants/acme", "tenants/acme-prod"}
    assert source.read("shared/same").source == APP
    for name in ("shared/out", "out/secret"):
        with pytest.raises(SourceError, match=f"is a link out of {root}"):
            source.read(name)
        with pytest.raises(SourceError, match=f"is a link out of {root}"):
            source.write(name, b"overwritten")
    assert (elsewhere / "secret.yaml").read_bytes() == b"values: {secret: 1}\n"
    assert len(source.problems()) == 3


def test_what_looks_like_an_environment_and_is_none_is_reported(root: Path) -> None:
    (root / "app.yaml").write_bytes(b"")
    (root / "access.yaml").write_bytes(b"")
    (root / "README.md").write_bytes(b"")
    (root / "shared" / "größe.yaml").write_bytes(b"")
    (root / "shared" / "old.yml").write_bytes(b"")
    (root / "shared" / "folder.yaml").mkdir()
    (root / "shared" / "nested").mkdir()
    (root / "shared" / ".app.yaml.swp").write_bytes(b"")
    (root / "shared" / ".hidden.yaml").write_bytes(b"")
    (root / "shared" / "huge.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    os.mkfifo(root / "shared" / "pipe.yaml")
    source = FolderSource(root)
    said = {
        "app.yaml": "stands in its project's folder",
        "größe.yaml": "is not 1 to 100 letters",
        "old.yml": "ends in .yaml",
        "folder.yaml": "is not a file",
        "nested": "holds no folders",
        "huge.yaml": f"has {MAX_BYTES + 1} bytes",
        "pipe.yaml": "is not a file",
    }
    problems = source.problems()
    assert len(problems) == len(said)
    for file, reason in said.items():
        assert any(file in problem and reason in problem for problem in problems), (file, problems)
    assert set(source.list()) == {"shared/app", "tenants/acme", "tenants/acme-prod"}
    with pytest.raises(SourceError, match=r"an environment has at most"):
        source.read("shared/huge")


def test_a_file_is_replaced_whole_and_keeps_its_mode(root: Path) -> None:
    source = FolderSource(root)
    file = root / "shared" / "app.yaml"
    file.chmod(0o640)
    revision = source.write("shared/app", b"values: {size: 2}\n", expected=source.read("shared/app").revision)
    assert file.read_bytes() == b"values: {size: 2}\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert source.read("shared/app").revision == revision == source.list()["shared/app"]
    assert sorted(path.name for path in (root / "shared").iterdir()) == ["app.yaml"]


def test_a_write_through_a_link_changes_what_it_points_to(root: Path) -> None:
    (root / "shared" / "same.yaml").symlink_to("app.yaml")
    FolderSource(root).write("shared/same", b"values: {}\n")
    assert (root / "shared" / "same.yaml").is_symlink()
    assert (root / "shared" / "app.yaml").read_bytes() == b"values: {}\n"


def test_a_new_environment_gets_a_folder_and_the_usual_mode(root: Path) -> None:
    before = os.umask(0o027)
    try:
        FolderSource(root).write("ring/regular", b"values: {}\n", expected=NEW)
    finally:
        os.umask(before)
    assert (root / "ring" / "regular.yaml").stat().st_mode & 0o777 == 0o640


def test_a_change_that_rests_on_something_else_is_refused(root: Path) -> None:
    source = FolderSource(root)
    based_on = source.read("shared/app").revision
    (root / "shared" / "app.yaml").write_bytes(b"values: {theirs: 1}\n")
    with pytest.raises(ConflictError, match=f"based on revision {based_on}, and it is at revision"):
        source.write("shared/app", b"values: {ours: 1}\n", expected=based_on)
    with pytest.raises(ConflictError, match=r"shared/app exists already"):
        source.write("shared/app", b"values: {ours: 1}\n", expected=NEW)
    with pytest.raises(ConflictError, match=r"does not exist any more"):
        source.write("shared/gone", b"values: {ours: 1}\n", expected=based_on)
    assert (root / "shared" / "app.yaml").read_bytes() == b"values: {theirs: 1}\n"
    with pytest.raises(SourceError, match=r"at most"):
        source.write("shared/app", b"#" * (MAX_BYTES + 1))


def test_an_older_revision_comes_from_the_commits_of_that_very_file(root: Path) -> None:
    commit(root.parent, "first")
    source = FolderSource(root)
    first = source.read("shared/app")
    (root / "shared" / "app.yaml").write_bytes(b"values: {size: 2}\n")
    commit(root.parent, "second")
    assert source.read("shared/app", first.revision).source == APP
    (root / "shared" / "app.yaml").unlink()
    assert source.read("shared/app", first.revision).source == APP
    with pytest.raises(MissingEnvironmentError):
        source.read("shared/app")
    # Or an import of one environment at another one's revision would get around what may be imported.
    with pytest.raises(MissingRevisionError, match=r"no commit up to .* has this content of environments/tenants/acme.yaml"):
        source.read("tenants/acme", first.revision)
    with pytest.raises(MissingRevisionError):
        source.read("shared/app", "f" * 40)
    with pytest.raises(MissingRevisionError):
        source.read("shared/app", "3")


def test_without_a_repository_there_are_no_older_revisions(root: Path) -> None:
    with pytest.raises(MissingRevisionError, match=r"no git history"):
        FolderSource(root).read("shared/app", "f" * 40)

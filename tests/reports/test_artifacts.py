"""Keeping reports: in a folder, and in S3 as it is emulated."""

import errno
import os
import stat
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from infra_assets.errors import InfraError, UsageError
from infra_assets.reports import artifacts, artifacts_folder
from infra_assets.reports.artifacts import Artifacts, made_at, open_artifacts
from infra_assets.sandbox import emulator
from infra_assets.sandbox.cloud import SANDBOX_KEY, Aws

NAME = "20261129T020000Z-ab12cd/report.html"
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def no_aws() -> NoReturn:
    raise AssertionError("a folder needs no AWS")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Generator[Aws]:
    folder = tmp_path_factory.mktemp("emulator")
    running = emulator.start(folder)
    found = Aws(emulator.environment(running) | {"AWS_ACCESS_KEY_ID": SANDBOX_KEY, "AWS_SECRET_ACCESS_KEY": SANDBOX_KEY})
    found.client(found.session(), "s3", "us-east-1").create_bucket(Bucket="reports")
    yield found
    emulator.stop(folder)


@pytest.fixture(params=["folder", "path", "s3", "s3 prefix"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    if request.param == "folder":
        return open_artifacts((tmp_path / "with space").as_uri(), no_aws)
    if request.param == "path":
        return open_artifacts(str(tmp_path / "deep" / "reports"), no_aws)
    prefix = f"/{os.urandom(4).hex()}" if "prefix" in request.param else ""
    found: Aws = request.getfixturevalue("aws")
    opened = open_artifacts(f"s3://reports{prefix}?region=us-east-1", lambda: found)
    for artifact in opened.list() if not prefix else ():
        opened.delete(artifact.name)
    return opened


def test_what_is_put_can_be_had_again(kept: Artifacts) -> None:
    assert kept.list() == []
    assert kept.get(NAME) is None
    kept.put(NAME, b"<p>", "text/html")
    kept.put(NAME, b"<p>\xff", "text/html")
    assert kept.get(NAME) == b"<p>\xff"
    (only,) = kept.list()
    assert (only.name, only.size) == (NAME, 4)
    assert abs(only.modified - datetime.now(UTC)) < timedelta(minutes=1)
    kept.delete(NAME)
    kept.delete(NAME)
    assert kept.list() == []


def test_only_old_checks_go_and_the_newest_stay(kept: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "now", lambda: NOW)
    checks = [f"202611{day:02}T020000Z-ab12cd" for day in (1, 10, 20, 29)]
    for check in checks:
        for form in ("html", "json"):
            kept.put(f"{check}/report.{form}", b"x", "text/plain")
    kept.put("notes.txt", b"x", "text/plain")
    kept.put("20269999T020000Z-ab12cd/report.html", b"x", "text/html")
    assert kept.prune(timedelta(days=90), 1) == []
    assert kept.prune(timedelta(days=15), 3) == checks[:1]
    assert kept.prune(timedelta(days=15), 1) == checks[1:2]
    assert kept.prune(timedelta(0), 1) == checks[2:3]
    assert kept.prune(timedelta(0), 1) == []
    assert {artifact.name.partition("/")[0] for artifact in kept.list()} == {checks[3], "notes.txt", "20269999T020000Z-ab12cd"}
    assert kept.prune(timedelta(0), 0) == checks[3:]


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/.hidden", "a\\..\\b", "a/b\n", "a/", "ä", "x" * 300])
def test_a_name_leads_nowhere_else(kept: Artifacts, name: str) -> None:
    for asked in (lambda: kept.get(name), lambda: kept.delete(name), lambda: kept.put(name, b"", "")):
        with pytest.raises(UsageError, match="is no name"):
            asked()


def test_ids_tell_their_time() -> None:
    assert made_at("20261129T020000Z-ab12cd") == datetime(2026, 11, 29, 2, tzinfo=UTC)
    assert made_at("20261329T020000Z-ab12cd") is None
    assert made_at("latest") is None


@pytest.mark.parametrize("url", ["reports", "./reports", "ftp://x/y", "s3://", "file://host/folder", "", "s3://b/../x"])
def test_another_kind_of_place_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        open_artifacts(url, no_aws)
    assert "s3://bucket/prefix" in refused.value.remedy


# A folder.


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    open_artifacts(str(folder), no_aws).put(NAME, b"x", "text/html")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, (folder / NAME).parent, folder / NAME)}
    assert list(modes.values()) == [0o700, 0o700, 0o600]


def test_a_link_leads_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    (tmp_path / "other").mkdir()
    (folder / "20261129T020000Z-ab12cd").symlink_to(tmp_path / "other")
    with pytest.raises(InfraError, match="leads out of"):
        open_artifacts(str(folder), no_aws).put(NAME, b"x", "text/html")
    assert list((tmp_path / "other").iterdir()) == []


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = open_artifacts(str(tmp_path), no_aws)
    kept.put(NAME, b"old", "text/html")

    def full(_number: int) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(artifacts_folder.os, "fsync", full)
    with pytest.raises(InfraError, match="the disk is full") as refused:
        kept.put(NAME, b"new", "text/html")
    assert "Make room" in refused.value.remedy
    assert kept.get(NAME) == b"old"
    assert [path.name for path in (tmp_path / NAME).parent.iterdir()] == ["report.html"]


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EIO])
def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number), str(tmp_path / "x"))

    monkeypatch.setattr(artifacts_folder.os, "open", refuse)  # root, as which tests may run, writes everywhere
    with pytest.raises(InfraError, match=os.strerror(number)) as refused:
        open_artifacts(str(tmp_path), no_aws).put(NAME, b"", "text/html")
    assert str(tmp_path) in refused.value.remedy


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = open_artifacts(str(tmp_path / "file"), no_aws)
    for asked in (lambda: kept.put(NAME, b"", ""), kept.list):
        with pytest.raises(InfraError, match="reports in"):
            asked()


def test_what_a_killed_process_left_is_not_listed_and_goes_with_its_check(tmp_path: Path) -> None:
    kept = open_artifacts(str(tmp_path), no_aws)
    kept.put(NAME, b"x", "text/html")
    (tmp_path / NAME).with_name(".report.html.aa.part").write_text("half")
    assert [artifact.name for artifact in kept.list()] == [NAME]
    kept.delete(NAME)
    assert list(tmp_path.iterdir()) == []


# S3.


def test_a_missing_bucket_says_what_to_do(aws: Aws) -> None:
    kept = open_artifacts("s3://no-such-bucket-of-ours", lambda: aws)
    for asked in (lambda: kept.put(NAME, b"", "text/html"), kept.list, lambda: kept.get(NAME)):
        with pytest.raises(InfraError, match=r"s3://no-such-bucket-of-ours/ cannot be .*NoSuchBucket") as refused:
            asked()
        assert refused.value.remedy.startswith("Create the bucket")


def test_a_denial_says_which_actions_are_needed(aws: Aws) -> None:
    from botocore.exceptions import ClientError

    client = aws.client(aws.session(), "s3", "us-east-1")

    def deny(**_: object) -> NoReturn:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "PutObject")

    client.put_object = deny
    with pytest.raises(InfraError, match="AccessDenied") as refused:
        Artifacts(artifacts.Bucket("reports", "", client)).put(NAME, b"", "text/html")
    assert "s3:PutObject" in refused.value.remedy


def test_aws_that_does_not_answer() -> None:
    nobody = Aws({"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "HTTPS_PROXY": "http://127.0.0.1:9"})
    with pytest.raises(InfraError, match="cannot be reached"):
        open_artifacts("s3://reports", lambda: nobody).list()


def test_the_type_is_kept(aws: Aws) -> None:
    open_artifacts("s3://reports/typed", lambda: aws).put(NAME, b"<p>", "text/html; charset=utf-8")
    head = aws.client(aws.session(), "s3", "us-east-1").head_object(Bucket="reports", Key=f"typed/{NAME}")
    assert head["ContentType"] == "text/html; charset=utf-8"

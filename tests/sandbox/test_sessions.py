"""Sessions of boto3: they share what they have read of AWS' services, and nothing else."""

from typing import Any

import pytest
from botocore.loaders import JSONFileLoader

from infra_assets.sandbox import sessions


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files of botocore that were read, by a process that begins with none."""
    files: list[str] = []
    load = JSONFileLoader.load_file

    def noting(self: JSONFileLoader, path: str) -> Any:
        found = load(self, path)
        if found is not None:
            files.append(path)
        return found

    monkeypatch.setattr(JSONFileLoader, "load_file", noting)
    sessions._loader.cache_clear()
    return files


def test_what_was_preloaded_is_not_read_again(read: list[str]) -> None:
    sessions.preload(["sts", "ecs"])
    assert [path for path in read if "/ecs/" in path]
    read.clear()
    session = sessions.isolated_session(aws_access_key_id="a", aws_secret_access_key="b")
    session.client("ecs", region_name="eu-central-1")
    session.client("sts", region_name="us-east-1")
    assert read == []


def test_many_sessions_do_not_make_the_search_longer(read: list[str]) -> None:
    paths = [len(sessions.isolated_session()._loader.search_paths) for _ in range(3)]
    assert len(set(paths)) == 1


def test_a_session_has_its_own_credentials_and_nothing_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASOMEBODYELSE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    first = sessions.isolated_session(aws_access_key_id="first", aws_secret_access_key="x")
    second = sessions.isolated_session(aws_access_key_id="second", aws_secret_access_key="x")
    assert [each.get_credentials().access_key for each in (first, second)] == ["first", "second"]
    assert second.region_name is None

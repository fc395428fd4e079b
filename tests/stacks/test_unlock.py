"""A lock goes only by its id, and only when its owner is gone."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from infra_assets.errors import InfraError, UsageError
from infra_assets.stacks.state import FolderStore, read_locks
from infra_assets.stacks.unlock import unlock

HERE = os.uname().nodename


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def lock(folder: Path, name: str, *, pid: int, host: str = HERE) -> None:
    path = folder / f".pulumi/locks/organization/network/acme-prod/{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": pid, "username": "joe", "hostname": host, "timestamp": "now"}))


def gone() -> int:
    process = subprocess.Popen(["/bin/true"])
    process.wait()
    return process.pid


def test_one_whose_owner_is_gone_is_taken_away_and_no_other(tmp_path: Path, store: FolderStore) -> None:
    lock(tmp_path, "aa", pid=gone())
    lock(tmp_path, "bb", pid=gone())
    assert unlock(store, "network", "acme-prod", "aa").id == "aa"
    assert [held.id for held in read_locks(store, "network", "acme-prod")] == ["bb"]


def test_without_the_right_id_nothing_goes(tmp_path: Path, store: FolderStore) -> None:
    lock(tmp_path, "aa", pid=gone())
    with pytest.raises(UsageError, match=r"network/acme-prod has no lock xx; it has aa \(joe@"):
        unlock(store, "network", "acme-prod", "xx")
    assert len(read_locks(store, "network", "acme-prod")) == 1


def test_a_living_owner_keeps_it(tmp_path: Path, store: FolderStore) -> None:
    engine = tmp_path / "pulumi"
    engine.symlink_to("/bin/sleep")
    with subprocess.Popen([engine, "60"]) as process:
        lock(tmp_path, "aa", pid=process.pid)
        try:
            with pytest.raises(InfraError, match="its owner still runs"):
                unlock(store, "network", "acme-prod", "aa")
        finally:
            process.kill()
    assert len(read_locks(store, "network", "acme-prod")) == 1


def test_an_owner_elsewhere_cannot_be_asked(tmp_path: Path, store: FolderStore) -> None:
    lock(tmp_path, "aa", pid=gone(), host="another-host")
    with pytest.raises(InfraError, match="its owner is on another-host"):
        unlock(store, "network", "acme-prod", "aa")

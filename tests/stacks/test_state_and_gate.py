"""Reading a stack's state, and refusing to work on one that does not fit."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra_assets.errors import InfraError
from infra_assets.fleet.database import now
from infra_assets.fleet.models import Ring, Tep
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.gate import check_state, check_upstream
from infra_assets.stacks.ledger import Entry
from infra_assets.stacks.projects import About, Project
from infra_assets.stacks.state import Checkpoint, FolderStore, Lock, Pending, read_checkpoint, read_locks

CELL = Cell(
    Project("network", "", Path("pulumi_programs/network"), About(depends_on=("account",))),
    Tep("acme", "prod", Ring.REGULAR, "us-east-1", "111111111111", "x"),
)


def entry(**values: Any) -> Entry:
    fields: dict[str, Any] = {
        "id": 1, "tep": "acme-prod", "project": "network", "operation": "up", "state": "deployed", "inputs": {}, "changes": {},
        "resources": 20, "outputs": {}, "outputs_hash": "x", "run_id": None, "rollout_id": None, "started_at": now(), "finished_at": now(),
        "message": "",
    }  # fmt: skip
    return Entry(**(fields | values))


def write(folder: Path, path: str, content: str) -> FolderStore:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    return FolderStore(folder)


def checkpoint(folder: Path, latest: Any) -> Checkpoint | None:
    content = json.dumps({"version": 3, "checkpoint": {"latest": latest}})
    return read_checkpoint(write(folder, ".pulumi/stacks/network/acme-prod.json", content), "network", "acme-prod")


def test_a_checkpoint_tells_resources_pending_operations_and_the_salt(tmp_path: Path) -> None:
    found = checkpoint(
        tmp_path,
        {
            "resources": [{"type": "pulumi:pulumi:Stack"}, {"type": "pulumi:providers:aws"}, {"type": "aws:ec2/vpc:Vpc"}],
            "pending_operations": [{"resource": {"urn": "urn:b"}, "type": "creating"}],
            "secrets_providers": {"type": "passphrase", "state": {"salt": "v1:abc"}},
        },
    )
    assert found == Checkpoint(1, (Pending("urn:b", "creating"),), {"encryptionsalt": "v1:abc"})


def test_a_stack_that_does_not_exist_has_none(tmp_path: Path) -> None:
    assert read_checkpoint(FolderStore(tmp_path), "network", "acme-prod") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"checkpoint": 3}', '{"checkpoint": {"latest": {"resources": [{}]}}}'])
def test_a_damaged_checkpoint_is_never_taken_for_an_empty_stack(tmp_path: Path, content: str) -> None:
    store = write(tmp_path, ".pulumi/stacks/network/acme-prod.json", content)
    with pytest.raises(InfraError, match=r"state of network/acme-prod is damaged"):
        read_checkpoint(store, "network", "acme-prod")


def test_a_lock_tells_its_owner_and_a_damaged_one_is_still_a_lock(tmp_path: Path) -> None:
    folder = ".pulumi/locks/organization/network/acme-prod"
    write(tmp_path, f"{folder}/aa.json", '{"pid": 7, "username": "joe", "hostname": "build", "timestamp": "now"}')
    store = write(tmp_path, f"{folder}/bb.json", "")
    assert read_locks(store, "network", "acme-prod") == [
        Lock("aa", "joe@build (process 7) since now", "build", 7),
        Lock("bb", "unknown: the lock file is damaged"),
    ]


@pytest.mark.parametrize(
    ("found", "locks", "recorded", "said"),
    [
        (Checkpoint(20, (), {}), [Lock("aa", "joe@build")], 0, "network/acme-prod is locked by joe@build, lock aa"),
        (Checkpoint(20, (Pending("urn:b", "creating"),), {}), [], 0, "may exist without being recorded: creating urn:b"),
        (None, [], 20, "the state holds 0 resources, the last operation recorded 20"),
        (Checkpoint(2, (), {}), [], 20, "the state holds 2 resources, the last operation recorded 20"),
    ],
)
def test_an_operation_is_refused(found: Checkpoint | None, locks: list[Lock], recorded: int, said: str) -> None:
    with pytest.raises(InfraError) as refused:
        check_state(CELL, found, locks, recorded)
    assert said in str(refused.value)
    assert refused.value.remedy


@pytest.mark.parametrize(("found", "recorded"), [(None, 0), (Checkpoint(19, (), {}), 20), (Checkpoint(3, (), {}), 0)])
def test_an_operation_may_go_on(found: Checkpoint | None, recorded: int) -> None:
    check_state(CELL, found, [], recorded)


@pytest.mark.parametrize(
    ("latest", "said"),
    [
        ({}, "network/acme-prod needs account/acme-prod, which is never deployed"),
        ({("acme-prod", "account"): entry(state="failed")}, "which is failed"),
        ({("other", "account"): entry()}, "never deployed"),
    ],
)
def test_nothing_is_deployed_on_an_upstream_that_is_not(latest: dict[tuple[str, str], Entry], said: str) -> None:
    with pytest.raises(InfraError) as refused:
        check_upstream(CELL, {}, latest)
    assert said in str(refused.value)


def test_an_upstream_that_was_skipped_stands_on_its_last_success() -> None:
    key = ("acme-prod", "account")
    check_upstream(CELL, {key: entry()}, {key: entry(state="skipped")})

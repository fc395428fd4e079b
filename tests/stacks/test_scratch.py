"""Scratch states: what a preview works on in the place of the real state."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra_assets.stacks.differences import PLACEHOLDER, SECRET_MARK
from infra_assets.stacks.outcome import Outcome
from infra_assets.stacks.scratch import Scratch, foreseen_outputs, open_scratch
from infra_assets.stacks.state import FolderStore, checkpoint_path

STACK = "pulumi:pulumi:Stack"
HIDDEN = {SECRET_MARK: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc:def"}
REAL = {
    "version": 3,
    "checkpoint": {
        "stack": "organization/account/acme-prod",
        "latest": {
            "manifest": {"version": "v3.1"},
            "secrets_providers": {"type": "passphrase", "state": {"salt": "v1:salt"}},
            "resources": [
                {"urn": "urn:stack", "custom": False, "type": STACK, "outputs": {"zone": "z-1", "password": HIDDEN, "old": 1}},
                {"urn": "urn:vpc", "custom": True, "type": "aws:ec2/vpc:Vpc"},
            ],
        },
    },
}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    file = tmp_path / "real" / checkpoint_path("account", "acme-prod")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(REAL))
    return FolderStore(tmp_path / "real")


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "scratch")


def latest(scratch: Scratch, project: str = "account") -> dict[str, Any]:
    return json.loads((scratch.folder / checkpoint_path(project, "acme-prod")).read_bytes())["checkpoint"]["latest"]


def outputs(scratch: Scratch, project: str = "account") -> dict[str, Any]:
    return next(item["outputs"] for item in latest(scratch, project)["resources"] if item["type"] == STACK)


def test_a_stack_is_copied_as_it_is(store: FolderStore, scratch: Scratch) -> None:
    assert scratch.copy(store, "account", "acme-prod")
    assert latest(scratch) == REAL["checkpoint"]["latest"]


def test_a_stack_that_is_not_there_is_not_copied_and_may_be_put_there_empty(store: FolderStore, scratch: Scratch) -> None:
    assert not scratch.copy(store, "network", "acme-prod")
    assert not (scratch.folder / checkpoint_path("network", "acme-prod")).exists()
    scratch.empty("network", "acme-prod")
    assert latest(scratch, "network") is None


def test_foreseen_outputs_take_the_place_of_the_recorded_ones(store: FolderStore, scratch: Scratch) -> None:
    before = store.read(checkpoint_path("account", "acme-prod"))
    assert scratch.copy(store, "account", "acme-prod", {"zone": "z-2", "id": PLACEHOLDER, "password": "[secret]", "key": "[secret]"})
    # What a secret will be nobody knows here: it is what it was, or unknown.
    assert outputs(scratch) == {"zone": "z-2", "id": PLACEHOLDER, "password": HIDDEN, "key": PLACEHOLDER}
    assert latest(scratch)["secrets_providers"]["state"] == {"salt": "v1:salt"}
    assert [item["urn"] for item in latest(scratch)["resources"]] == ["urn:stack", "urn:vpc"]
    assert store.read(checkpoint_path("account", "acme-prod")) == before


def test_a_secret_inside_of_an_output_holds_the_whole_of_it(store: FolderStore, scratch: Scratch) -> None:
    scratch.copy(store, "account", "acme-prod", {"zone": {"name": "z-2", "token": ["[secret]"]}})
    assert outputs(scratch) == {"zone": "z-1"}


def test_a_stack_that_was_never_deployed_has_just_what_is_foreseen(store: FolderStore, scratch: Scratch) -> None:
    assert scratch.copy(store, "network", "acme-prod", {"vpc": PLACEHOLDER})
    own = latest(scratch, "network")["resources"]
    assert [(item["urn"], item["outputs"]) for item in own] == [
        ("urn:pulumi:acme-prod::network::pulumi:pulumi:Stack::network-acme-prod", {"vpc": PLACEHOLDER})
    ]
    assert latest(scratch, "network")["manifest"]["magic"]


def test_the_scratch_is_gone_afterwards_also_after_an_error(tmp_path: Path) -> None:
    def broken() -> None:
        with open_scratch(tmp_path / "work") as scratch:
            scratch.empty("network", "acme-prod")
            assert scratch.url.startswith("file://")
            assert (scratch.folder / ".pulumi" / "meta.yaml").read_text() == "version: 1\n"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert list((tmp_path / "work").iterdir()) == []


def foreseen(recorded: dict[str, Any] | None, **found: Any) -> list[str]:
    return foreseen_outputs(Outcome("preview", True, 1.0, outputs=found), recorded)


def test_outputs_that_would_be_others_or_are_not_known_are_named() -> None:
    assert foreseen({"a": 1, "b": [1]}, a=1, b=[1]) == []
    assert foreseen({"a": 1, "gone": 1}, a=2, new=3) == ["a", "gone", "new"]
    assert foreseen({"a": {"id": "x"}}, a={"id": PLACEHOLDER}) == ["a"]
    assert foreseen({"a": "[secret]"}, a="[secret]") == []
    assert foreseen(None, a=1, b=2) == ["a", "b"]

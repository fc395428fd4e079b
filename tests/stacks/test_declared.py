"""What a stack's program declared, read from its state."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra_assets.errors import InfraError
from infra_assets.stacks.declared import Declaration, Declared, Hidden, Secrets, parse_declared, read_declared
from infra_assets.stacks.encryption import PassphraseCrypter, new_salt_line
from infra_assets.stacks.outcome import SECRET_MARK
from infra_assets.stacks.state import FolderStore

URN = "urn:pulumi:acme-prod::network::"
SALT = new_salt_line("p")


def resource(types: str, name: str, inputs: dict[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    found = {"type": types.rpartition("$")[2], "urn": f"{URN}{types}::{name}", "custom": True, **values}
    return found if inputs is None else found | {"inputs": inputs}


def secret(plain: Any, salt: str = SALT) -> dict[str, str]:
    return {SECRET_MARK: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": PassphraseCrypter("p", salt).encrypt(json.dumps(plain))}


def parsed(*resources: dict[str, Any], provider: Any = None) -> Declaration:
    latest = {"resources": resources, "secrets_providers": provider or {"type": "passphrase", "state": {"salt": SALT}}}
    return parse_declared(json.dumps({"version": 3, "checkpoint": {"latest": latest}}).encode(), "network", "acme-prod")


def test_resources_with_their_parents_and_what_the_program_gave() -> None:
    found = parsed(
        resource("pulumi:pulumi:Stack", "network-acme-prod"),
        resource("pulumi:providers:aws", "default"),
        resource("infra:network:Network", "network", custom=False),
        resource(
            "infra:network:Network$aws:sns/topic:Topic", "alarms", id="arn:aws:sns:us-east-1:1:alarms-1a2b3c4", protect=True,
            inputs={
                "__defaults": ["name", "path"], "name": "alarms-1a2b3c4", "path": "/", "tags": {"__defaults": [], "Name": "x"},
                "rules": [{"__defaults": ["port"], "port": 1, "cidr": "10.0.0.0/8"}], "empty": [], "no": None,
            },
        ),
        resource("aws:ec2/vpc:Vpc", "old", inputs={}, delete=True),
    )  # fmt: skip
    assert found.salt == SALT
    assert found.resources == [
        Declared("infra:network:Network", "network", "", {}),
        Declared(
            "aws:sns/topic:Topic", "alarms", "infra:network:Network",
            {"tags": {"Name": "x"}, "rules": [{"cidr": "10.0.0.0/8"}], "empty": [], "no": None},
            "arn:aws:sns:us-east-1:1:alarms-1a2b3c4", {"protect": True}, ("alarms-1a2b3c4",),
        ),
    ]  # fmt: skip


def test_a_name_may_hold_what_separates_the_parts_of_a_urn() -> None:
    (found,) = parsed(resource("infra:a:A$infra:b:B$aws:ec2/vpc:Vpc", "one::two", {})).resources
    assert (found.type, found.name, found.parents) == ("aws:ec2/vpc:Vpc", "one::two", "infra:a:A$infra:b:B")


def test_special_values() -> None:
    inputs: dict[str, Any] = {
        "asset": {SECRET_MARK: "c44067f5952c0a294b673a41bacd8c17", "hash": "ab", "path": "/somewhere/x", "text": "long"},
        "archive": {SECRET_MARK: "0def7320c3a5731c473e5ecbe6d01bc7", "hash": "cd", "assets": {}},
        "other": {SECRET_MARK: "5cf8f73096256a8f31e491e813e4eb8e", "urn": f"{URN}aws:ec2/vpc:Vpc::vpc", "id": "vpc-1"},
        "output": {SECRET_MARK: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "value": {"a": 1}},
    }
    (found,) = parsed(resource("aws:s3/bucketObject:BucketObject", "x", inputs)).resources
    assert found.inputs == {"asset": "asset ab", "archive": "archive cd", "other": "aws:ec2/vpc:Vpc::vpc", "output": {"a": 1}}


def test_secrets_are_compared_and_never_told() -> None:
    other = new_salt_line("p")
    (one,) = parsed(resource("aws:a/b:B", "x", {"deep": [secret("canary-4711")]})).resources
    hidden = one.inputs["deep"][0]
    assert isinstance(hidden, Hidden)
    assert "canary" not in f"{one!r} {hidden}"
    assert hidden.ciphertext not in repr(one)
    secrets = Secrets(lambda: "p", b"key")

    def digest(salt: str, plain: Any) -> str:
        return secrets.digests(salt, [(Hidden(secret(plain, salt)["ciphertext"]), lambda value: value)])[0]

    assert secrets.digests(SALT, [(hidden, lambda value: value)]) == [digest(other, "canary-4711")]
    assert digest(SALT, {"a": 1, "b": 2}) == digest(other, {"b": 2, "a": 1})
    assert len({digest(SALT, "1"), digest(SALT, 1), digest(SALT, "2"), Secrets(lambda: "p", b"other").digest("1")}) == 4


def test_what_is_made_of_a_secret_before_it_is_compared() -> None:
    (found,) = Secrets(lambda: "p", b"k").digests(
        SALT, [(Hidden(secret("acme!")["ciphertext"]), lambda text: text.replace("acme", "{tenant}"))]
    )
    assert found == Secrets(lambda: "p", b"k").digest("{tenant}!")


@pytest.mark.parametrize(("passphrase", "salt"), [("wrong", SALT), ("p", ""), ("p", "nonsense")])
def test_secrets_that_cannot_be_decrypted(passphrase: str, salt: str) -> None:
    with pytest.raises(InfraError):
        Secrets(lambda: passphrase, b"k").digests(salt, [(Hidden("v1:AAAA:AAAA"), lambda value: value)])


def test_a_stack_of_another_secrets_provider_can_be_read_without_its_secrets() -> None:
    found = parsed(resource("aws:a/b:B", "x", {"a": 1}), provider={"type": "cloud", "state": {"url": "awskms://x"}})
    assert (found.salt, len(found.resources)) == ("", 1)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"checkpoint": 3}', '{"checkpoint": {"latest": {"resources": [{}]}}}',
     '{"checkpoint": {"latest": {"resources": [{"type": "a", "urn": "b"}]}}}', '{"checkpoint": {"latest": {"resources": [3]}}}'],
)  # fmt: skip
def test_a_damaged_state_is_never_taken_for_an_empty_stack(tmp_path: Path, content: str) -> None:
    file = tmp_path / ".pulumi/stacks/network/acme-prod.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    with pytest.raises(InfraError, match=r"state of network/acme-prod is damaged"):
        read_declared(FolderStore(tmp_path), "network", "acme-prod")


def test_a_stack_that_does_not_exist_declares_nothing(tmp_path: Path) -> None:
    assert read_declared(FolderStore(tmp_path), "network", "acme-prod") is None
    assert parse_declared(b'{"checkpoint": {"latest": null}}', "network", "acme-prod").resources == []

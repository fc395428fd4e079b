"""States of stacks, written as Pulumi's backend keeps them."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from infra_assets.stacks.encryption import PassphraseCrypter, new_salt_line
from infra_assets.stacks.outcome import SECRET_MARK

PASSPHRASE = "p"


@cache
def salt(stack: str) -> str:
    """Return a stack's salt: each has its own."""
    return new_salt_line(PASSPHRASE)


def secret(plain: Any, stack: str) -> dict[str, str]:
    ciphertext = PassphraseCrypter(PASSPHRASE, salt(stack)).encrypt(json.dumps(plain))
    return {SECRET_MARK: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": ciphertext}


def resource(project: str, stack: str, types: str, name: str, inputs: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:{stack}::{project}::{types}::{name}"
    return {"type": types.rpartition("$")[2], "urn": urn, "inputs": dict(inputs), **values}


def write(folder: Path, project: str, stack: str, *resources: dict[str, Any], salted: bool = False) -> Path:
    """Write a stack's checkpoint."""
    root = resource(project, stack, "pulumi:pulumi:Stack", f"{project}-{stack}", {})
    latest: dict[str, Any] = {"resources": [root, *resources]}
    if salted:
        latest["secrets_providers"] = {"type": "passphrase", "state": {"salt": salt(stack)}}
    file = folder / f".pulumi/stacks/{project}/{stack}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    return file

"""Scratch states: copies of checkpoints in a folder, so that a preview can neither change, lock nor create anything in the real one.

In the copies an upstream stack's outputs may be those that a preview has just foreseen: then what is downstream is previewed as it would
be afterwards, and a TEP that was never deployed as a whole.
"""

import json
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from infra_assets.stacks.differences import PLACEHOLDER, SECRET_MARK, is_unknown
from infra_assets.stacks.masking import SECRET
from infra_assets.stacks.outcome import STACK_TYPE, Outcome
from infra_assets.stacks.state import ORGANIZATION, Store, checkpoint_path

VERSION = "v3"
"""Of the engine in a manifest; a deployment's magic is its hash (`pkg/resource/deploy/snapshot.go` of Pulumi)."""

Outputs = Mapping[str, Any]
"""A stack's outputs as a preview foresees them: `[secret]` and placeholders stand in them."""


@dataclass(frozen=True)
class Scratch:
    """A `file://` backend of its own."""

    folder: Path

    @property
    def url(self) -> str:
        """Its address."""
        return self.folder.as_uri()

    def copy(self, store: Store, project: str, stack: str, foreseen: Outputs | None = None) -> bool:
        """Copy a stack's checkpoint, with the outputs that are foreseen of it; returns whether there is one now."""
        content = store.read(checkpoint_path(project, stack))
        if foreseen is not None:
            content = json.dumps(_with_outputs(content, project, stack, foreseen)).encode()
        if content is not None:
            self._write(project, stack, content)
        return content is not None

    def empty(self, project: str, stack: str) -> None:
        """Put a stack there that holds nothing."""
        self._write(project, stack, json.dumps({"version": 3, "checkpoint": {"stack": _name(project, stack), "latest": None}}).encode())

    def _write(self, project: str, stack: str, content: bytes) -> None:
        file = self.folder / checkpoint_path(project, stack)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


@contextmanager
def open_scratch(parent: Path) -> Generator[Scratch]:
    """Yield a scratch state below `parent`, which is gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix="scratch-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / ".pulumi").mkdir()
        # Stacks by project, as every newer backend has them.
        (folder / ".pulumi" / "meta.yaml").write_text("version: 1\n", encoding="utf-8")
        yield Scratch(folder)


def foreseen_outputs(outcome: Outcome, recorded: Outputs | None) -> list[str]:
    """Return the names of the outputs that are not, or may not be, what is recorded; `recorded` None for a stack that is not there."""
    if recorded is None:
        return sorted(outcome.outputs)
    names = outcome.outputs.keys() | recorded.keys()
    return sorted(name for name in names if is_unknown(outcome.outputs.get(name)) or outcome.outputs.get(name) != recorded.get(name))


def _with_outputs(content: bytes | None, project: str, stack: str, foreseen: Outputs) -> dict[str, Any]:
    empty: dict[str, Any] = {"version": 3, "checkpoint": {"stack": _name(project, stack)}}
    document: dict[str, Any] = json.loads(content) if content else empty
    latest: dict[str, Any] = document["checkpoint"].get("latest") or _deployment()
    document["checkpoint"]["latest"] = latest
    resources: list[dict[str, Any]] = latest.get("resources") or []
    new: dict[str, Any] = {"urn": f"urn:pulumi:{stack}::{project}::{STACK_TYPE}::{project}-{stack}", "custom": False, "type": STACK_TYPE}
    own = next((item for item in resources if item["type"] == STACK_TYPE), new)
    latest["resources"] = resources if own is not new else [new, *resources]
    before: Mapping[str, Any] = own.get("outputs") or {}
    own["outputs"] = {name: _merged(value, before.get(name)) for name, value in foreseen.items()}
    return document


def _merged(foreseen: Any, recorded: Any) -> Any:
    """Return an output as a checkpoint has it. A secret's text nobody knows here: it is as it was recorded, or unknown."""
    if _holds_secret(foreseen):
        return recorded if recorded is not None else PLACEHOLDER
    return foreseen


def _holds_secret(value: Any) -> bool:
    text = json.dumps(value)
    return SECRET in text or SECRET_MARK in text


def _deployment() -> dict[str, Any]:
    magic = sha256(VERSION.encode()).hexdigest()
    return {"manifest": {"time": "2000-01-01T00:00:00Z", "magic": magic, "version": VERSION}, "resources": []}


def _name(project: str, stack: str) -> str:
    return f"{ORGANIZATION}/{project}/{stack}"

"""What an operation on a stack did, read from the engine's own event log.

Event kinds and fields: `sdk/go/common/apitype/events.go` of Pulumi. The log masks secrets, as the CLI's output does.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from infra_assets.stacks.differences import SECRET_MARK, properties
from infra_assets.stacks.masking import SECRET, Masker

STACK_TYPE = "pulumi:pulumi:Stack"
ENGINES_OWN = "pulumi:"
"""Types of the engine's own book-keeping: the stack, providers, stack references."""
IDLE = ("same", "refresh", "read")
REPLACING = ("create-replacement", "delete-replaced", "discard-replaced")


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """One property of a resource, before and after; secrets read `[secret]`."""

    path: str
    """`tags.Name`, `ingress[0].fromPort`."""
    kind: str
    """`add`, `update`, `delete`."""
    before: Any = None
    after: Any = None
    """`[unknown]` where only the cloud will tell."""


@dataclass(frozen=True, slots=True)
class Change:
    """One resource and what was (or would be) done to it."""

    urn: str
    operation: str
    """`create`, `update`, `replace`, `delete`, `same`, `refresh`, …"""
    properties: tuple[str, ...] = ()
    """Paths of the properties that differ."""
    id: str = ""
    details: tuple[PropertyChange, ...] = ()
    """The same properties with their values."""
    protected: bool = False
    """Whether the program has asked the engine never to delete it."""

    def masked(self, masker: Masker) -> "Change":
        """Return it without the masker's secrets."""
        if not self.details:
            return self
        details = [replace(each, before=masker.plain(each.before), after=masker.plain(each.after)) for each in self.details]
        return replace(self, details=tuple(details))

    @property
    def type(self) -> str:
        """The resource's type token, `aws:ec2/vpc:Vpc`."""
        return self.urn.split("::")[2].rsplit("$", 1)[-1]

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something the engine, the provider or the program said: `error` or `warning`."""

    severity: str
    message: str
    urn: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one operation on one stack."""

    operation: str
    ok: bool
    duration_s: float
    changes: Sequence[Change] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The stack's outputs; secrets read `[secret]`, at any depth."""
    diagnostics: Sequence[Diagnostic] = ()
    message: str = ""
    """Why it is not `ok`, in a sentence or a few lines."""
    drift: Sequence[Change] = ()
    """Where a refresh found the cloud other than the state: `update`, or `delete` of what is not there any more."""

    @property
    def counts(self) -> dict[str, int]:
        """Resources by operation, but for those with which nothing happens."""
        return dict(Counter(change.operation for change in self.changes if change.operation not in IDLE))

    @property
    def has_secret_outputs(self) -> bool:
        """Whether an output holds a secret, at any depth."""
        return _holds_secret(self.outputs)

    def masked(self, masker: Masker, said: Sequence[Diagnostic] = ()) -> "Outcome":
        """Return it without the masker's secrets, with what else is to be said added to its diagnostics."""
        diagnostics = [Diagnostic(item.severity, masker.text(item.message), item.urn) for item in self.diagnostics]
        return replace(
            self,
            outputs=masker.plain(dict(self.outputs)),
            diagnostics=(*diagnostics, *said),
            message=masker.text(self.message),
            changes=[change.masked(masker) for change in self.changes],
            drift=[change.masked(masker) for change in self.drift],
        )

    @property
    def errors(self) -> list[str]:
        """The error diagnostics' messages."""
        return [diagnostic.message for diagnostic in self.diagnostics if diagnostic.severity == "error"]


def read_events(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a log; a line that was cut off by a kill is left out."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def from_events(operation: str, events: Iterable[Mapping[str, Any]], *, ok: bool, duration_s: float, message: str = "") -> Outcome:
    """Fold an event log into an outcome. `message` is what was known of a failure without the log."""
    changes: dict[str, Change] = {}
    drift: list[Change] = []
    diagnostics: list[Diagnostic] = []
    outputs: Mapping[str, Any] = {}
    finished = "resOutputsEvent" if operation in ("up", "refresh", "destroy") else "resourcePreEvent"
    for event in events:
        if diagnostic := _diagnostic(event):
            diagnostics.append(diagnostic)
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            step: Mapping[str, Any] | None = event.get(kind, {}).get("metadata")
            if step is None:
                continue
            if step["op"] == "refresh" and operation != "refresh":
                # Before anything else: what the cloud answers, against what was recorded.
                if kind == "resOutputsEvent" and (found := _drifted(step)):
                    drift.append(found)
            elif step["type"] == STACK_TYPE:
                after: Mapping[str, Any] = step.get("new") or {}
                outputs = after.get("outputs") or outputs
            elif kind in (finished, "resOutputsEvent") and not step["type"].startswith(ENGINES_OWN):
                _record(changes, step)
    errors = [in_short(diagnostic.message) for diagnostic in diagnostics if diagnostic.severity == "error"]
    return Outcome(
        operation=operation,
        ok=ok,
        duration_s=duration_s,
        changes=tuple(changes.values()),
        outputs={name: _masked(value) for name, value in outputs.items()},
        diagnostics=tuple(diagnostics),
        message="" if ok else "\n".join(dict.fromkeys(errors)) or message,
        drift=tuple(drift),
    )


def _record(changes: dict[str, Change], step: Mapping[str, Any]) -> None:
    urn, operation = step["urn"], step["op"]
    if operation in REPLACING:
        operation = "replace"
    before = changes.get(urn)
    if before and before.operation == "replace":
        operation = "replace"  # its steps are a create and a delete, in either order
    paths = _paths(step) or (before.properties if before else ())
    details = _details(step) if operation not in (*IDLE, "create", "delete") else ()
    recorded: Mapping[str, Any] = step.get("old") or {}
    after: Mapping[str, Any] = step.get("new") or recorded
    changes[urn] = Change(
        urn, operation, paths, after.get("id") or (before.id if before else ""), details or (before.details if before else ()),
        protected=bool(recorded.get("protect")),
    )  # fmt: skip


def _paths(step: Mapping[str, Any]) -> tuple[str, ...]:
    details: Mapping[str, Any] = step.get("detailedDiff") or {}
    return tuple(sorted(details)) or tuple(step.get("diffs") or ())


def _details(step: Mapping[str, Any], *, refreshed: bool = False) -> tuple[PropertyChange, ...]:
    return tuple(PropertyChange(**each) for each in properties(step, refreshed=refreshed))


def _drifted(step: Mapping[str, Any]) -> Change | None:
    """Return how a resource in the cloud differs from what was recorded of it; None where it does not, or is none of the cloud's."""
    if step["type"].startswith(ENGINES_OWN):
        return None
    old: Mapping[str, Any] = step.get("old") or {}
    if step.get("new") is None:
        return Change(step["urn"], "delete", (), old.get("id") or "", protected=bool(old.get("protect")))
    paths = _paths(step)
    if not paths:
        return None
    return Change(step["urn"], "update", paths, old.get("id") or "", _details(step, refreshed=True), bool(old.get("protect")))


def _diagnostic(event: Mapping[str, Any]) -> Diagnostic | None:
    found = event.get("diagnosticEvent")
    if not found or found.get("ephemeral") or found["severity"] not in ("error", "warning"):
        return None
    return Diagnostic(found["severity"], _plain(found["message"]), found.get("urn", ""))


def _plain(message: str) -> str:
    """Strip the engine's colour marks, `<{%reset%}>`."""
    parts = message.split("<{%")
    return "".join([parts[0], *(part.split("%}>", 1)[-1] for part in parts[1:])]).strip()


def in_short(message: str) -> str:
    """Return what a program's error says, with the place in the program instead of a traceback."""
    # The SDK reports an inline program's error twice, the second time under this heading.
    said, mark, trace = message.removeprefix("an unhandled error occurred: ").partition("Traceback (most recent call last):")
    if not mark:
        return said.strip()
    frames = re.findall(r'File "([^"]*/(pulumi_programs/[^"]*))", line (\d+)', trace)
    place = f"{frames[-1][1]}:{frames[-1][2]}: " if frames else ""
    return place + " ".join(said.removeprefix("python inline source runtime error:").split())


def _masked(value: Any) -> Any:
    """Return an output with `[secret]` where the engine's events have an object that stands for a secret."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value)
        return SECRET if SECRET_MARK in items else {key: _masked(item) for key, item in items.items()}
    if isinstance(value, list):
        return [_masked(item) for item in cast("list[Any]", value)]
    return value


def _holds_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_secret(item) for item in cast("Mapping[str, Any]", value).values())
    if isinstance(value, list):
        return any(_holds_secret(item) for item in cast("list[Any]", value))
    return value == SECRET

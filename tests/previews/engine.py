"""An operator whose engine is played: a test says what each preview comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from infra_assets.errors import InfraError
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.outcome import Change, Outcome, PropertyChange

SIZE = (PropertyChange("size", "update", 1, 2),)


def change(operation: str, name: str = "main", type_: str = "aws:ec2/vpc:Vpc", **values: Any) -> Change:
    given: dict[str, Any] = {"details": SIZE} if operation == "update" else {}
    return Change(f"urn:pulumi:s::p::{type_}::{name}", operation, **given | values)


def outcome(*operations: str, drift: tuple[Change, ...] = (), **values: Any) -> Outcome:
    """What a preview comes to that would do this, after a refresh that has found that."""
    return Outcome("preview", True, 1.0, [change(each, f"r{number}") for number, each in enumerate(operations)], drift=drift, **values)


def failure(message: str = "it broke") -> Outcome:
    return Outcome("preview", False, 1.0, message=message)


@dataclass
class Preview:
    """One preview that was asked for."""

    cell: str
    commit: str | None
    refresh: bool
    role: str
    foreseen: Mapping[str, Any]


@dataclass
class Played:
    """The operator."""

    refreshed: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    """By project, against the cloud; the same as `plain` where there is none."""
    plain: dict[str, Outcome] = field(default_factory=dict[str, Outcome])
    """By project; nothing to do where there is none."""
    recorded: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Outputs by project; a stack that is not here is not there."""
    refusing: dict[str, str] = field(default_factory=dict[str, str])
    asked: list[Preview] = field(default_factory=list[Preview])
    configurations: Any = field(default_factory=lambda: SimpleNamespace(hold=lambda _cell, _resolution: None))

    def preview(self, cell: Cell, *, refresh: bool = False, role: str = "", foreseen: Mapping[str, Any] | None = None, **_: Any) -> Outcome:
        name = cell.project.name
        self.asked.append(Preview(cell.name, cell.project.commit, refresh, role, dict(foreseen or {})))
        if name in self.refusing:
            raise InfraError(self.refusing[name])
        plain = self.plain.get(name) or outcome()
        return self.refreshed.get(name, plain) if refresh else plain

    def recorded_outputs(self, cell: Cell) -> Mapping[str, Any] | None:
        return self.recorded.get(cell.project.name)

"""Why a cell would run: which input is not what it was, from what to what."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from infra_assets.environments.language.model import Value
from infra_assets.environments.resolution import Resolution
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.inputs import NAMES, Inputs, short
from infra_assets.stacks.ledger import Entry, Key, Standing
from infra_assets.texts import listed

MOST = 3
"""How many keys of a kind are named; the others are counted."""
SHOWN = 60
"""Characters of a value that are shown."""


class History(Protocol):
    """What is known of commits and of earlier operations."""

    def commits(self, before: str, now: str, project: str) -> str:
        """Return how two commits differ in what concerns a project, for people: `1a2b3c4d → 5e6f7a8b (network/__main__.py)`."""
        ...

    def with_outputs(self, cell: Key, outputs_hash: str) -> Entry | None:
        """Return a cell's newest operation that had these outputs."""
        ...


@dataclass(frozen=True, slots=True)
class Side:
    """One cell, before or now: its inputs, what they were hashed from, and where that came from."""

    inputs: Mapping[str, str]
    details: Mapping[str, Any]
    commit: str | None
    environments: Mapping[str, str]


def reasons(cell: Cell, before: Side, now: Side, resolution: Resolution, history: History) -> list[str]:
    """Return a line for each input that differs."""
    found: list[str] = []
    for name in NAMES:
        if before.inputs.get(name) == now.inputs.get(name):
            continue
        match name:
            case "program":
                found.append(_program(cell, before, now, history))
            case "configuration":
                found.append(_configuration(cell, before, now, resolution))
            case "upstream":
                found.append(_upstream(cell, before, now, history))
            case _:
                found.append(_plainly(name, before, now))
    return found


def _plainly(name: str, before: Side, now: Side) -> str:
    return f"{NAMES[name]} {short(before.inputs.get(name, 'none'))} → {short(now.inputs.get(name, 'none'))}"


def _program(cell: Cell, before: Side, now: Side, history: History) -> str:
    if before.commit and now.commit and before.commit != now.commit:
        return f"program: commit {history.commits(before.commit, now.commit, cell.project.folder.name)}"
    return _plainly("program", before, now)


def _configuration(cell: Cell, before: Side, now: Side, resolution: Resolution) -> str:
    old, new = before.details.get("configuration"), now.details.get("configuration", {})
    if old is None:
        return _plainly("configuration", before, now)
    keys = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    if not keys:
        return _plainly("configuration", before, now)
    values = resolution.cell(cell.project.name).everything()
    told = [f"{key} {_told(old.get(key))} → {_told(new.get(key))}{_layer(values.get(key), before, now)}" for key in keys[:MOST]]
    return f"configuration: {', '.join(told)}{_others(len(keys))}"


def _told(detail: Mapping[str, Any] | None) -> str:
    if detail is None:
        return "(not set)"
    if "value" not in detail:
        return f"[{detail['hash'][:8]}]"
    text = detail["value"] if isinstance(detail["value"], str) else json.dumps(detail["value"])
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _layer(value: Value | None, before: Side, now: Side) -> str:
    """Say which environment sets a value now, and at which revisions it was and is; of one that is as it was, what it may refer to."""
    if value is None or value.definition is None:
        return ""
    name = value.definition.environment
    if moved := _moved(name, before, now):
        return f" ({moved})"
    others = [moved for other in sorted(now.environments) if (moved := _moved(other, before, now))]
    return f" ({name}, from {listed(others, MOST)})" if others else f" ({name})"


def _moved(name: str, before: Side, now: Side) -> str:
    was, has = before.environments.get(name), now.environments.get(name)
    return f"{name} {was[:8]} → {has[:8]}" if was and has and was != has else ""


def _upstream(cell: Cell, before: Side, now: Side, history: History) -> str:
    old, new = before.details.get("upstream"), now.details.get("upstream", {})
    if old is None:
        return _plainly("upstream", before, now)
    projects = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    told = [f"{name}{_outputs((cell.tep.name, name), old.get(name), new.get(name), history)}" for name in projects]
    return f"upstream outputs: {', '.join(told)}" if told else _plainly("upstream", before, now)


def _outputs(key: Key, old: str | None, new: str | None, history: History) -> str:
    """Name the outputs that differ, with values where they are public."""
    was = history.with_outputs(key, old) if old else None
    has = history.with_outputs(key, new) if new else None
    if was is None or has is None:
        return f" {short(old or 'none')} → {short(new or 'none')}"
    names = [name for name in sorted(was.outputs.keys() | has.outputs.keys()) if was.outputs.get(name) != has.outputs.get(name)]
    told = [f"{name} {_shown(was.outputs, name)} → {_shown(has.outputs, name)}" for name in names[:MOST]]
    return f".{', '.join(told)}{_others(len(names))}" if told else " (an output that is not public)"


def _shown(outputs: Mapping[str, Any], name: str) -> str:
    text = json.dumps(outputs.get(name)) if name in outputs else "(none)"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _others(count: int) -> str:
    return f" and {count - MOST} more" if count > MOST else ""


def side(inputs: Inputs, details: Mapping[str, Any], commit: str | None, resolution: Resolution) -> Side:
    """Return a cell as it would be deployed now."""
    return Side(inputs.as_mapping(), details, commit, resolution.closure)


def was(entry: Standing, details: Mapping[str, Any]) -> Side:
    """Return a cell as an operation has deployed it."""
    return Side(entry.inputs, details, entry.commit, entry.environments or {})


def joined(names: Sequence[str]) -> str:
    """Return names as a person says them: `account and network`."""
    return " and ".join(names)

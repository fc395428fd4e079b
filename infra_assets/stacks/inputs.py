"""Effective inputs: all that a cell's result depends on, as five hashes or versions. Equal inputs mean nothing to do."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra_assets.environments.language.model import Value
from infra_assets.environments.resolution import CellConfiguration
from infra_assets.stacks.cell import Cell, fingerprint
from infra_assets.stacks.ledger import Key, Standing

NAMES = {
    "program": "program",
    "configuration": "configuration",
    "upstream": "upstream outputs",
    "engine": "engine",
    "provider": "AWS provider",
}
LONGEST = 200
"""Characters of a value that the ledger keeps as it is."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The effective inputs of one cell."""

    program: str
    configuration: str
    upstream: str
    engine: str
    provider: str

    def as_mapping(self) -> dict[str, str]:
        """Return them as the ledger keeps them."""
        return {name: getattr(self, name) for name in NAMES}

    def differences(self, before: Mapping[str, str]) -> list[str]:
        """Say which inputs are not what they were: `program 1a2b3c4d → 5e6f7a8b`."""
        return [
            f"{NAMES[name]} {short(before.get(name, 'none'))} → {short(value)}"
            for name, value in self.as_mapping().items()
            if value != before.get(name)
        ]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all cells' inputs share: versions, and the key under which configuration is fingerprinted."""

    engine: str
    provider: str
    key: bytes


def effective_inputs(cell: Cell, configuration: CellConfiguration, successes: Mapping[Key, Standing], around: Surroundings) -> Inputs:
    """Return a cell's inputs as they are now; `successes` are the last successes of its TEP's cells."""
    return Inputs(
        program=cell.project.tree_hash,
        configuration=cell.fingerprint(configuration, around.key),
        upstream=fingerprint(upstream_outputs(cell, successes)),
        engine=around.engine,
        provider=around.provider,
    )


def details(cell: Cell, configuration: CellConfiguration, successes: Mapping[Key, Standing], key: bytes) -> dict[str, Any]:
    """Return what configuration and upstream were hashed from, as the ledger keeps it: secrets, and what is long, as a keyed hash."""
    facts = {name: {"value": value} for name, value in cell.provider({}).items()}
    return {
        "configuration": facts | {name: _detail(value, key) for name, value in configuration.everything().items()},
        "upstream": upstream_outputs(cell, successes),
    }


def upstream_outputs(cell: Cell, successes: Mapping[Key, Standing]) -> dict[str, str | None]:
    """Return the hash of each upstream project's outputs."""
    found = {name: successes.get((cell.tep.name, name)) for name in cell.project.about.depends_on}
    return {name: entry.outputs_hash if entry else None for name, entry in found.items()}


def _detail(value: Value, key: bytes) -> dict[str, Any]:
    plain = value.plain()
    if not CellConfiguration({"": value}).mask and len(json.dumps(plain)) <= LONGEST:
        return {"value": plain}
    return {"hash": CellConfiguration({"": value}).fingerprint(key)[:16]}


def short(value: str) -> str:
    """Return a hash so short that a person reads it, and anything else as it is."""
    return value[:8] if len(value) == 64 else value

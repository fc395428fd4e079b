"""Effective inputs: all that a cell's result depends on, as five hashes or versions. Equal inputs mean nothing to do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from infra_assets.environments.resolution import CellConfiguration
from infra_assets.stacks.cell import Cell, fingerprint
from infra_assets.stacks.ledger import Entry, Key

NAMES = {
    "program": "program",
    "configuration": "configuration",
    "upstream": "upstream outputs",
    "engine": "engine",
    "provider": "AWS provider",
}


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
        return asdict(self)

    def differences(self, before: Mapping[str, str]) -> list[str]:
        """Say which inputs are not what they were: `program 1a2b3c4d → 5e6f7a8b`."""
        return [
            f"{title} {_short(before.get(name, 'none'))} → {_short(value)}"
            for name, title in NAMES.items()
            if (value := self.as_mapping()[name]) != before.get(name)
        ]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all cells' inputs share: versions, and the key under which configuration is fingerprinted."""

    engine: str
    provider: str
    key: bytes


def effective_inputs(cell: Cell, configuration: CellConfiguration, successes: Mapping[Key, Entry], around: Surroundings) -> Inputs:
    """Return a cell's inputs as they are now; `successes` are the last successes of its TEP's cells."""
    upstream = {
        name: entry.outputs_hash if (entry := successes.get((cell.tep.name, name))) else None for name in cell.project.about.depends_on
    }
    return Inputs(
        program=cell.project.tree_hash,
        configuration=cell.fingerprint(configuration, around.key),
        upstream=fingerprint(upstream),
        engine=around.engine,
        provider=around.provider,
    )


def _short(value: str) -> str:
    return value[:8] if len(value) == 64 else value

"""A cell: one project in one TEP, one Pulumi stack; and the settings with which it is deployed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

from infra_assets.environments.resolution import CellConfiguration
from infra_assets.fleet.models import Tep
from infra_assets.stacks.projects import Project

MANAGED_BY = "infra"
TAGS = "aws:defaultTags"


@dataclass(frozen=True)
class Cell:
    """A project in a TEP."""

    project: Project
    tep: Tep
    pins: Mapping[str, str] | None = field(default=None, compare=False, repr=False)
    """The environments' revisions that it is configured by; None for those of now."""

    @property
    def name(self) -> str:
        """`network/acme-prod`."""
        return f"{self.project.name}/{self.tep.name}"

    @property
    def key(self) -> tuple[str, str]:
        """The cell in the ledger: TEP and project."""
        return (self.tep.name, self.project.name)

    def settings(self, configuration: CellConfiguration, encrypt: Callable[[str], str]) -> dict[str, Any]:
        """Return the stack's settings by full key: its resolved configuration, secrets encrypted, and the provider's part.

        The account is checked once more by the provider itself before it does anything (`allowedAccountIds`).
        """
        given = configuration.settings(encrypt)
        return given | self.provider(given.get(TAGS) or {})

    def fingerprint(self, configuration: CellConfiguration, key: bytes) -> str:
        """Return a keyed hash of all that `settings` has, secrets included."""
        return sha256(f'["{configuration.fingerprint(key)}",{_facts(self.tep)}]'.encode()).hexdigest()

    def provider(self, tags: Mapping[str, Any]) -> dict[str, Any]:
        """Return the provider's settings, by what the register knows of the TEP; `tags` are the default tags besides ours."""
        return _provider(self.tep, tags)


def fingerprint(values: Any) -> str:
    """Return the SHA-256 of plain values, the same for the same content in any order of keys."""
    return sha256(_encode(values).encode()).hexdigest()


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode


@lru_cache(maxsize=64)
def _facts(tep: Tep) -> str:
    """Return the provider's settings as JSON; a plan asks for each of a TEP's cells."""
    return _encode(_provider(tep, {}))


def _provider(tep: Tep, tags: Mapping[str, Any]) -> dict[str, Any]:
    own = {"tenant": tep.tenant, "environment": tep.environment, "managed-by": MANAGED_BY}
    return {
        "aws:region": tep.region,
        "aws:allowedAccountIds": [tep.account_id],
        TAGS: {**tags, "tags": {**tags.get("tags", {}), **own}},
    }

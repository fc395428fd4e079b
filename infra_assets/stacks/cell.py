"""A cell: one project in one TEP, one Pulumi stack; and the settings with which it is deployed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
        return given | self._provider(given.get(TAGS) or {})

    def fingerprint(self, configuration: CellConfiguration, key: bytes) -> str:
        """Return a keyed hash of all that `settings` has, secrets included."""
        return fingerprint([configuration.fingerprint(key), self._provider({})])

    def _provider(self, tags: Mapping[str, Any]) -> dict[str, Any]:
        own = {"tenant": self.tep.tenant, "environment": self.tep.environment, "managed-by": MANAGED_BY}
        return {
            "aws:region": self.tep.region,
            "aws:allowedAccountIds": [self.tep.account_id],
            TAGS: {**tags, "tags": {**tags.get("tags", {}), **own}},
        }


def fingerprint(values: Any) -> str:
    """Return the SHA-256 of plain values, the same for the same content in any order of keys."""
    return sha256(json.dumps(values, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()

"""A cell: one project in one TEP, one Pulumi stack; and the configuration with which it is deployed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from infra_assets.fleet.accounts import role_arn
from infra_assets.fleet.models import Tep
from infra_assets.stacks.projects import Project

MANAGED_BY = "infra"


@dataclass(frozen=True)
class Cell:
    """A project in a TEP."""

    project: Project
    tep: Tep

    @property
    def name(self) -> str:
        """`network/acme-prod`."""
        return f"{self.project.name}/{self.tep.name}"

    def configuration(self, *, operations_account: str) -> dict[str, Any]:
        """Return the stack's configuration by full key: the provider's part, and the tenant's own settings for this project.

        The account is checked by the provider itself before it does anything (`allowedAccountIds`).
        """
        tep = self.tep
        provider: dict[str, Any] = {
            "aws:region": tep.region,
            "aws:allowedAccountIds": [tep.account_id],
            "aws:assumeRoles": [
                {"roleArn": role_arn(tep, self.project.about.role), "externalId": tep.external_id, "sessionName": f"infra-{tep.name}"}
            ],
            "aws:defaultTags": {"tags": {"tenant": tep.tenant, "environment": tep.environment, "managed-by": MANAGED_BY}},
        }
        own = {f"{self.project.name}:{key}": value for key, value in tep.settings.get(self.project.name, {}).items()}
        given = {
            "account:external_id": tep.external_id,
            "account:deployer_arn": f"arn:aws:iam::{operations_account}:root",
        }
        return provider | {key: value for key, value in given.items() if key.startswith(f"{self.project.name}:")} | own


def fingerprint(values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of plain values, the same for the same content in any order of keys."""
    return sha256(json.dumps(values, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()

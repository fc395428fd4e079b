"""What is known of a tenant-environment pair."""

from dataclasses import dataclass
from enum import StrEnum


class Ring(StrEnum):
    """The order within a rollout: our own, those who asked for it early, everyone else."""

    INTERNAL = "internal"
    BETA = "beta"
    REGULAR = "regular"


@dataclass(frozen=True, slots=True)
class Tep:
    """A tenant-environment pair: one AWS account, one stack of each tenant project."""

    tenant: str
    environment: str
    ring: Ring
    region: str
    account_id: str
    """Twelve digits."""
    external_id: str
    """Sent with every role assumption into the account (AWS: "The confused deputy problem"). Not a secret."""

    @property
    def name(self) -> str:
        """`acme-prod`."""
        return f"{self.tenant}-{self.environment}"

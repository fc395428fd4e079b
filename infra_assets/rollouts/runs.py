"""Runs, as a rollout sees them: asked for, watched, stopped. Whoever has a Dagster implements `Runs`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

ROLLOUT_TAG = "infra/rollout"
RING_TAG = "infra/ring"
OPERATION_TAG = "infra/operation"
TEP_TAG = "infra/tep"
PARTITION_TAG = "dagster/partition"
PRIORITY_TAG = "dagster/priority"

PRIORITIES = {"hotfix": 30, "rollout": 20, "preview": 10, "drift": 0}
STOPPING = "CANCELING"
ACTIVE = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", STOPPING)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run to be launched: the rollout of some projects in a TEP."""

    tep: str
    projects: Sequence[str]
    tags: Mapping[str, str]
    force: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A run as Dagster knows it."""

    id: str
    status: str
    tags: Mapping[str, str]
    started_at: float | None = None
    """Seconds since the epoch."""
    ended_at: float | None = None

    @property
    def tep(self) -> str:
        """Which TEP it is about."""
        return self.tags.get(PARTITION_TAG, "")

    @property
    def active(self) -> bool:
        """Whether it is queued or runs."""
        return self.status in ACTIVE


class Runs(Protocol):
    """Where runs are launched."""

    def launch(self, requests: Sequence[RunRequest]) -> list[str]:
        """Launch runs, returning their ids in the same order."""
        ...

    def runs(self, *, tags: Mapping[str, str] | None = None, statuses: Iterable[str] = (), ids: Sequence[str] = ()) -> list[Run]:
        """Return runs by tags, statuses or ids, newest first."""
        ...

    def terminate(self, ids: Sequence[str]) -> None:
        """Ask runs to stop gracefully; queued ones never start."""
        ...

    def prepare(self, teps: Iterable[str], programs: Mapping[str, str]) -> None:
        """See to it that TEPs have their partitions, and that just these programs (name: version) are known."""
        ...

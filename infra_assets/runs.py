"""Runs, as a rollout sees them: asked for, watched, stopped. Whoever has a Dagster implements `Runs`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from infra_assets.errors import NotRunningError

ROLLOUT_TAG = "infra/rollout"
CHECK_TAG = "infra/check"
"""On a run of a preview or a drift check: which check it is part of."""
RING_TAG = "infra/ring"
OPERATION_TAG = "infra/operation"
TEP_TAG = "infra/tep"
TENANT_TAG = "infra/tenant"
REQUEST_TAG = "infra/request"
"""`<rollout>/<tep>/<attempt>`: which wish of a rollout a run fulfils."""
BY_HAND_TAG = "infra/by-hand"
"""On a run of a rollout that a person has executed again: it carries the rollout's tags, and is none of it."""
CLASS_TAG = "infra/priority"
"""`hotfix`, `rollout`, `preview` or `drift`; the queue makes a number of it."""
SHARE_TAG = "infra/share"
"""`checks` on previews and drift checks, which together get only a part of the cap."""
CHECKS = "checks"
PARTITION_TAG = "dagster/partition"
PRIORITY_TAG = "dagster/priority"

PRIORITIES = {"hotfix": 3000, "rollout": 2000, "preview": 1000, "drift": 0}
"""Far enough apart that fairness between tenants, which takes up to 900 away, never makes one class another."""
STOPPING = "CANCELING"
ACTIVE = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", STOPPING)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run to be launched: the rollout (or the preview) of some projects in a TEP."""

    tep: str
    projects: Sequence[str]
    tags: Mapping[str, str]
    force: bool = False
    refresh: bool = False
    """Whether an `up` looks at the cloud first, to change back what somebody has changed there."""
    job: str = "rollout"
    """`rollout`, `preview` or `drift`."""
    following: Sequence[str] = ()
    """Those of the projects that run only where what is upstream has changed: neither forced nor refreshed."""

    @property
    def key(self) -> str:
        """What tells it from every other: Dagster takes one of the same key once."""
        return self.tags.get(REQUEST_TAG, "")


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


class NoRuns:
    """Where no Dagster runs: nothing goes on, and nothing can be asked for."""

    def launch(self, requests: Sequence[RunRequest]) -> None:
        """Refuse.

        Raises:
            NotRunningError: always.
        """
        if requests:
            raise NotRunningError("no Dagster runs", remedy="infra ui starts it.")

    def runs(self, *, tags: Mapping[str, str] | None = None, active: bool = False, ids: Sequence[str] = ()) -> list[Run]:  # noqa: ARG002
        """Return none."""
        return []

    def terminate(self, ids: Sequence[str]) -> None:
        """Do nothing."""

    def prepare(self, teps: Iterable[str], programs: Mapping[str, Sequence[str]]) -> None:
        """Do nothing."""


class Runs(Protocol):
    """Where runs are launched."""

    def launch(self, requests: Sequence[RunRequest]) -> None:
        """Ask for runs; which run fulfils which request its tags say."""
        ...

    def runs(self, *, tags: Mapping[str, str] | None = None, active: bool = False, ids: Sequence[str] = ()) -> list[Run]:
        """Return runs by tags or ids, all or those that are queued or go on; newest first."""
        ...

    def terminate(self, ids: Sequence[str]) -> None:
        """Ask runs to stop gracefully; queued ones never start."""
        ...

    def prepare(self, teps: Iterable[str], programs: Mapping[str, Sequence[str]]) -> None:
        """See to it that TEPs have their partitions, and that these projects are known with what they depend on."""
        ...


def runs_page(rollout_id: str) -> str:
    """Return the path of the page of Dagster's UI that shows the runs of a rollout, and no others."""
    return "/runs?" + urlencode({"q[0]": f"tag:{ROLLOUT_TAG}={rollout_id}"})


def check_runs_page(check_id: str) -> str:
    """Return the path of the page of Dagster's UI that shows the runs of a check, and no others."""
    return "/runs?" + urlencode({"q[0]": f"tag:{CHECK_TAG}={check_id}"})


LATEST_REPORT = "/reports/latest"
"""The page that leads to the newest report of drift."""


def report_page(check_id: str) -> str:
    """Return the path under which Dagster's webserver shows a check's report."""
    return f"/reports/{check_id}/report.html"

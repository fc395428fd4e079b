"""A rollout as it is stored: what is to be deployed from where, in which waves, how far it has come, and why it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from infra_assets.planning.targets import Amount, Limits


class State(StrEnum):
    """Where a rollout is."""

    PENDING = "pending"
    """Something is to be rolled out for a target; planned when what goes on there has ended."""
    RUNNING = "running"
    WAITING = "waiting"
    """For an approval or a window; `reason` says which."""
    HALTED = "halted"
    """Too much failed, or a person said so; nothing new starts until it is resumed."""
    DONE = "done"
    FAILED = "failed"
    """Everything was tried, and something failed; what did can be resumed."""
    SUPERSEDED = "superseded"
    """A newer one has taken over what it had not done."""


MOVING = (State.RUNNING, State.WAITING)
"""States in which a rollout goes on by itself."""
OPEN = (State.PENDING, *MOVING, State.HALTED)
RESUMABLE = (State.HALTED, State.FAILED)
EVERYTHING = "all"
"""As a ring that waits for approval: the whole rollout."""


class Options(BaseModel):
    """How a rollout goes about it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_failures: Amount = Amount.parse("10%")
    strict: bool = False
    batch: Amount | None = None
    bake: float = 0
    """Seconds between two waves."""
    approve: tuple[str, ...] = ()
    limits: Limits = Limits()
    force: bool = False
    refresh: bool = False
    """Look at the cloud before each `up`, and change back what somebody has changed there."""
    at_once: bool = False
    """All rings in one wave."""
    priority: Literal["hotfix", "rollout"] = "rollout"


class Trigger(BaseModel):
    """Who or what asked for a rollout."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["person", "git", "environments", "drift", "resume", "rollback"]
    who: str = ""
    detail: str = ""

    def __str__(self) -> str:
        """`person alice: infra rollout --env prod`."""
        return f"{self.kind} {self.who}".strip() + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Wave:
    """TEPs that are deployed together."""

    name: str
    """`internal`, `regular 2/4`."""
    ring: str
    started_at: str | None = None
    ended_at: str | None = None
    """When its last cell was done; the bake time counts from here."""
    approved_by: str | None = None


@dataclass(frozen=True, slots=True)
class Rollout:
    """What was asked for, and where it stands."""

    id: str
    state: State
    reason: str
    """Why it stands, for people; "" while it moves."""
    kind: str
    """`rollout` or `rollback`."""
    of: str | None
    """Which rollout is rolled back."""
    target: str | None
    triggers: Sequence[Trigger]
    commit: str | None
    previous_commit: str | None
    pins: Mapping[str, str]
    """The environments' revisions that it deploys."""
    changed: Mapping[str, Sequence[str]]
    """Environments whose revision is not the one that was deployed before: name → [before, now]."""
    selection: Mapping[str, Any]
    options: Options
    waves: Sequence[Wave]
    wave: int
    """Which wave it is at."""
    until: datetime | None
    """When it goes on by itself, where it waits for a window or bakes."""
    approval: str
    """What waits for an approval; "" where nothing does."""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def standing(self) -> str:
        """How it stands, for people: `running`, `halted: 3 TEPs failed …`, `waits for approval: …`."""
        if not self.reason or self.reason.startswith("waits "):
            return self.reason or self.state.value
        return f"{self.state.value}: {self.reason}"

    @property
    def open(self) -> bool:
        """Whether it may still do something."""
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class RolloutCell:
    """One cell's part in a rollout."""

    rollout_id: str
    tep: str
    project: str
    position: int
    """In the order of dependencies."""
    wave: int
    verdict: str
    reasons: Sequence[str]
    state: str
    """`queued | deploying | deployed | unchanged | failed | skipped`."""
    commit: str | None = None
    """Where it is not the rollout's."""
    pins: Mapping[str, str] | None = None
    """Revisions over the rollout's."""
    changes: Mapping[str, int] = field(default_factory=dict[str, int])
    foreseen: Mapping[str, Any] | None = None
    """What a preview said: counts, and what it would delete or replace."""
    run_id: str | None = None
    health: str = ""
    """`healthy`, `unhealthy`, or "" where nothing was asked."""
    message: str = ""
    blocked: str = ""
    """Why it may not start yet: a freeze, or no window."""
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def good(self) -> bool:
        """Whether it has what the rollout brings, in good health."""
        return self.state in GOOD and self.health != UNHEALTHY

    @property
    def failed(self) -> bool:
        """Whether it was tried and is not good."""
        return self.state in ("failed", "skipped") or self.health == UNHEALTHY


GOOD = ("deployed", "unchanged")
QUEUED = "queued"
WITHDRAWN = "withdrawn"
"""Of a cell: another rollout has it now."""
HEALTHY = "healthy"
UNHEALTHY = "unhealthy"


class Asked(StrEnum):
    """Where a request is."""

    WAITING = "waiting"
    ASKED = "asked"
    STARTED = "started"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


GOING = (Asked.ASKED, Asked.STARTED)


@dataclass(frozen=True, slots=True)
class Request:
    """A rollout's wish for one run of one TEP."""

    rollout_id: str
    tep: str
    attempt: int
    operation: str
    """`up` or `preview`."""
    wave: int
    position: int
    """In the order in which its wave asks."""
    state: Asked
    projects: Sequence[str]
    asked_at: datetime | None = None
    run_id: str | None = None

    @property
    def key(self) -> str:
        """What its run carries as a tag."""
        return f"{self.rollout_id}/{self.tep}/{self.attempt}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a rollout."""

    rollout_id: str
    at: datetime
    kind: str
    who: str
    message: str

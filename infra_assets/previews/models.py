"""Checks: previews of a proposal, or looks for drift, in many cells; what is to be looked at, and what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

Kind = Literal["drift", "preview"]


class CheckState(StrEnum):
    """Where a check is."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """By a person; what was found until then stands."""


@dataclass(frozen=True, slots=True)
class Check:
    """What is looked at, and what came of it as a whole."""

    id: str
    """`20261129T020000Z-ab12cd`: ids sort by time."""
    kind: Kind
    state: CheckState
    title: str
    about: Mapping[str, str]
    """What is looked at, for people."""
    teps: Sequence[str]
    """In the fleet's order."""
    projects: Sequence[str]
    """Upstream first."""
    left_out: Sequence[str]
    """What is not looked at, and why."""
    who: str
    created_at: datetime
    finished_at: datetime | None = None
    trend: Mapping[str, Any] | None = None
    reported: bool = False
    """Whether its report is written and people are told."""


@dataclass(frozen=True, slots=True)
class CheckedCell:
    """One cell's part in a check."""

    check_id: str
    tep: str
    project: str
    position: int
    """In the order of dependencies."""
    candidate: bool = True
    """Whether it is looked at in any case; else only where the outputs of what is upstream change."""
    commit: str | None = None
    pins: Mapping[str, str] | None = None
    verdict: str = ""
    """"" until it was looked at."""
    state: str = ""
    """What the ledger says of it: `deployed`, `failed`, `never`, …"""
    cause: str = ""
    changes: Mapping[str, int] = field(default_factory=dict[str, int])
    """Resources by operation: what would bring it in sync, or what the proposal does."""
    resources: Sequence[Mapping[str, Any]] = ()
    drift: Sequence[Mapping[str, Any]] = ()
    message: str = ""
    run_id: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    history: str = ""

    @property
    def name(self) -> str:
        """`network/acme-prod`."""
        return f"{self.project}/{self.tep}"


class Asked(StrEnum):
    """Where a request is."""

    WAITING = "waiting"
    ASKED = "asked"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A check's wish for one run of one TEP."""

    check_id: str
    tep: str
    attempt: int
    due_at: datetime
    """Not before: accounts are not entered all in one second."""
    state: Asked = Asked.WAITING
    asked_at: datetime | None = None

    @property
    def key(self) -> str:
        """What its run carries as a tag."""
        return f"{self.check_id}/{self.tep}/{self.attempt}"

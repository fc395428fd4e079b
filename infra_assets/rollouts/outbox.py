"""What people are to be told, kept until it was told: one announcement for each thing that happens to a rollout, never one per tenant."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.fleet.database import now
from infra_assets.rollouts.announcements import Announcement, Kind, Severity, as_json
from infra_assets.rollouts.models import Rollout, State
from infra_assets.rollouts.store import RolloutStore
from infra_assets.rollouts.tables import announcements
from infra_assets.runs import runs_page
from infra_assets.texts import listed

GIVEN_UP = timedelta(hours=6)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=10)
SEVERITIES: dict[Kind, Severity] = {
    "started": "info",
    "done": "info",
    "waiting": "warning",
    "halted": "error",
    "failed": "error",
    "drift": "info",
}


class Delivered(Protocol):
    """What became of an announcement on one channel."""

    @property
    def channel(self) -> str:
        """Its name."""
        ...

    @property
    def ok(self) -> bool:
        """Whether it was taken."""
        ...

    @property
    def error(self) -> str:
        """Why not."""
        ...


class Channels(Protocol):
    """Where announcements go."""

    @property
    def channels(self) -> Sequence[str]:
        """Those that are configured."""
        ...

    def send(self, announcement: Announcement, channels: Collection[str] | None = None) -> Sequence[Delivered]:
        """Send to some of them; never raises."""
        ...


@dataclass(frozen=True)
class Outbox:
    """Keeps announcements, and hands them to the channels."""

    engine: Engine
    public_url: str | None = None

    def tell(self, store: RolloutStore, rollout: Rollout, kind: Kind) -> None:
        """Keep an announcement of what has just happened to a rollout."""
        self.keep(_announcement(store, rollout, kind, self.public_url))

    def keep(self, announcement: Announcement) -> None:
        """Keep an announcement until it was told."""
        row: dict[str, Any] = {
            "rollout_id": announcement.rollout_id,
            "content": as_json(announcement),
            "channels": [],
            "tries": 0,
            "created_at": now(),
            "settled_at": None,
        }
        with self.engine.begin() as connection:
            connection.execute(sa.insert(announcements).values(row))

    def deliver(self, channels: Channels) -> list[str]:
        """Send what was not sent yet, oldest first; returns what did not arrive. Nothing of it fails a rollout."""
        problems: list[str] = []
        down: set[str] = set()
        for row in self._waiting():
            missing: list[str] = row["channels"] or list(channels.channels)
            # A channel that failed gets nothing else this time: what came later must not arrive before what came first.
            due = row["next_at"] is None or row["next_at"] <= now()
            if not due:
                down |= set(missing)
            ready = [name for name in missing if name not in down]
            failed = [item for item in channels.send(Announcement.restored(row["content"]), ready) if not item.ok] if ready else []
            down |= {item.channel for item in failed}
            rest = [name for name in missing if name in down]
            tries = row["tries"] + bool(ready)
            next_at = now() + _pause(tries) if ready else row["next_at"]
            given_up = row["created_at"] < now() - GIVEN_UP
            problems += [f"{item.channel}: {item.error}{' (given up)' if given_up else ''}" for item in failed]
            settled = now() if not rest or given_up else None
            with self.engine.begin() as connection:
                same = sa.update(announcements).where(announcements.c.id == row["id"])
                connection.execute(same.values(channels=rest, tries=tries, next_at=next_at, settled_at=settled))
        return problems

    def _waiting(self) -> Sequence[sa.RowMapping]:
        query = sa.select(announcements).where(announcements.c.settled_at.is_(None)).order_by(announcements.c.id)
        with self.engine.connect() as connection:
            return connection.execute(query).mappings().all()


def _pause(tries: int) -> timedelta:
    """Return how long to wait after so many tries: longer each time, so that one who is down for long is not asked all the time."""
    return min(FIRST_PAUSE * 2 ** min(tries - 1, 10), LONGEST_PAUSE) if tries else timedelta(0)


def _announcement(store: RolloutStore, rollout: Rollout, kind: Kind, public_url: str | None) -> Announcement:
    what = rollout.target or "selected TEPs"
    title = {
        "started": f"Rollout {rollout.id} of {what} started",
        "halted": f"Rollout {rollout.id} of {what} halted",
        "waiting": f"Rollout {rollout.id} of {what} waits for approval",
        "done": f"Rollout {rollout.id} of {what} is {'done' if rollout.state is State.DONE else rollout.state}",
        "failed": f"Rollout {rollout.id} of {what} ended with failures",
        "drift": "",
    }[kind]
    lines = [rollout.reason] if rollout.reason else []
    lines += [f"asked for by {'; '.join(map(str, rollout.triggers))}"]
    if rollout.commit:
        before = f"{rollout.previous_commit[:8]} → " if rollout.previous_commit not in (None, rollout.commit) else ""
        lines.append(f"commit {before}{rollout.commit[:8]}")
    if rollout.changed:
        lines.append(f"environments: {listed(sorted(rollout.changed))}")
    lines += {"waiting": [f"infra rollouts approve {rollout.id}"], "halted": [f"infra rollouts resume {rollout.id}"]}.get(kind, [])
    links = {"runs": public_url.rstrip("/") + runs_page(rollout.id)} if public_url else {}
    return Announcement(
        rollout.id, kind, title, lines, store.counts(rollout.id), links, SEVERITIES[kind], dedup_key=f"infra-rollout-{rollout.id}", at=now()
    )

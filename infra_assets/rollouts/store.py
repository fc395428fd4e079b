"""Where rollouts are kept: read and written row by row, so that whoever dies leaves what was true."""

import os
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import psutil
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.errors import UsageError
from infra_assets.fleet.database import now
from infra_assets.rollouts.models import (
    HEALTHY,
    OPEN,
    UNHEALTHY,
    Asked,
    Event,
    Request,
    Rollout,
    RolloutCell,
    State,
)
from infra_assets.rollouts.requests import Requests
from infra_assets.rollouts.rows import rollout_of, row_of
from infra_assets.rollouts.tables import cells, events, requests, rollouts

LAST = "last"
LEASE_S = 180
"""Seconds after which a lease is taken from whoever died with it."""
ROLLOUT = [column for column in rollouts.c if not column.name.startswith("leased_")]


class RolloutStore:
    """Reads and writes rollouts."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.asked = Requests(engine)
        """What they wish of Dagster."""

    def add(self, rollout: Rollout, its_cells: Iterable[RolloutCell] = (), its_requests: Iterable[Request] = ()) -> None:
        """Store a new rollout, all of it or nothing."""
        every_cell = [asdict(cell) for cell in its_cells]
        every_request = [asdict(request) for request in its_requests]
        with self.engine.begin() as connection:
            connection.execute(sa.insert(rollouts).values(row_of(rollout)))
            if every_cell:
                connection.execute(sa.insert(cells), every_cell)
            if every_request:
                connection.execute(sa.insert(requests), every_request)

    def plan(
        self, rollout_id: str, values: Mapping[str, Any], its_cells: Iterable[RolloutCell], its_requests: Iterable[Request], *,
        wanted: Mapping[str, Any],
    ) -> bool:  # fmt: skip
        """Give a pending rollout its plan; False, and nothing is done, where it wants something else by now than was planned."""
        every_cell, every_request = [asdict(cell) for cell in its_cells], [asdict(request) for request in its_requests]
        mine = rollouts.c.id == rollout_id
        with self.engine.connect() as connection, connection.begin() as transaction:
            # Written first: from here on nobody else writes the row.
            given = connection.execute(sa.update(rollouts).where(mine & (rollouts.c.state == State.PENDING)).values(dict(values))).rowcount
            if given != 1 or connection.scalar(sa.select(rollouts.c.selection).where(mine)) != dict(wanted):
                transaction.rollback()
                return False
            if every_cell:
                connection.execute(sa.insert(cells), every_cell)
            if every_request:
                connection.execute(sa.insert(requests), every_request)
        return True

    def resume(
        self, rollout_id: str, before: Iterable[State], its_cells: Mapping[tuple[str, str], Mapping[str, Any]], further: Sequence[Request],
        **values: Any,
    ) -> bool:  # fmt: skip
        """Let a rollout go on with further requests, all of it or nothing; returns whether it was in one of these states."""
        same = (rollouts.c.id == rollout_id) & rollouts.c.state.in_(list(before))
        left = (requests.c.rollout_id == rollout_id) & requests.c.state.in_([Asked.WAITING, Asked.ASKED])
        with self.engine.begin() as connection:
            if connection.execute(sa.update(rollouts).where(same).values(_plain(values))).rowcount != 1:
                return False
            connection.execute(sa.update(requests).where(left).values(state=Asked.WITHDRAWN.value))
            for (tep, project), changed in its_cells.items():
                mine = (cells.c.rollout_id == rollout_id) & (cells.c.tep == tep) & (cells.c.project == project)
                connection.execute(sa.update(cells).where(mine).values(dict(changed)))
            if further:
                connection.execute(sa.insert(requests), [asdict(request) for request in further])
        return True

    def get(self, rollout_id: str) -> Rollout:
        """Return a rollout by its id, or by how that begins; `last` is the newest.

        Raises:
            UsageError: there is none, or several begin so.
        """
        if rollout_id == LAST and (newest := self.rollouts(limit=1)):
            return newest[0]
        begins = rollouts.c.id.startswith(rollout_id, autoescape=True)
        found = self._read(sa.select(*ROLLOUT).where(begins).limit(2)) if rollout_id else []
        if len(found) != 1:
            what = "several rollouts begin with" if found else "no rollout"
            raise UsageError(f"{what} {rollout_id!r}", remedy="infra rollouts list shows them.")
        return found[0]

    def rollouts(self, *, states: Iterable[str] = (), target: str | None = None, limit: int = 50) -> list[Rollout]:
        """Return rollouts, newest first."""
        query = sa.select(*ROLLOUT).order_by(rollouts.c.created_at.desc(), rollouts.c.id).limit(limit)
        if chosen := list(states):
            query = query.where(rollouts.c.state.in_(chosen))
        if target is not None:
            query = query.where(rollouts.c.target == target)
        return self._read(query)

    def opened(self) -> list[Rollout]:
        """Return the rollouts that are not at their end, oldest first."""
        return self._read(sa.select(*ROLLOUT).where(rollouts.c.state.in_(OPEN)).order_by(rollouts.c.created_at, rollouts.c.id))

    def update(self, rollout_id: str, **values: Any) -> None:
        """Change a rollout's own row."""
        with self.engine.begin() as connection:
            connection.execute(sa.update(rollouts).where(rollouts.c.id == rollout_id).values(_plain(values)))

    def move(self, rollout_id: str, before: Iterable[State], **values: Any) -> bool:
        """Change a rollout's row if it is in one of these states; returns whether it was."""
        same = (rollouts.c.id == rollout_id) & rollouts.c.state.in_(list(before))
        with self.engine.begin() as connection:
            return connection.execute(sa.update(rollouts).where(same).values(_plain(values))).rowcount == 1

    @contextmanager
    def lease(self, rollout_id: str, owner: str) -> Generator[bool]:
        """Be the only one that moves a rollout on; yields whether it is ours.

        `owner` is `host:pid:…`. One that died with it loses it: at once if that can be told, on its own host, else after three minutes.
        """
        moment = now()
        free = rollouts.c.leased_until.is_(None) | (rollouts.c.leased_until < moment)
        mine = {"leased_by": owner, "leased_until": moment + timedelta(seconds=LEASE_S)}
        with self.engine.begin() as connection:
            holder = connection.scalar(sa.select(rollouts.c.leased_by).where(rollouts.c.id == rollout_id))
            if holder and _died(holder):
                free |= rollouts.c.leased_by == holder
            taken = connection.execute(sa.update(rollouts).where((rollouts.c.id == rollout_id) & free).values(mine)).rowcount == 1
        try:
            yield taken
        finally:
            if taken:
                with self.engine.begin() as connection:
                    own = (rollouts.c.id == rollout_id) & (rollouts.c.leased_by == owner)
                    connection.execute(sa.update(rollouts).where(own).values(leased_by=None, leased_until=None))

    def cells(self, rollout_id: str, tep: str | None = None) -> list[RolloutCell]:
        """Return a rollout's cells, TEP by TEP in the order of waves, upstream first."""
        query = sa.select(cells).where(cells.c.rollout_id == rollout_id)
        if tep is not None:
            query = query.where(cells.c.tep == tep)
        query = query.order_by(cells.c.wave, cells.c.tep, cells.c.position)
        with self.engine.connect() as connection:
            return [RolloutCell(**row) for row in connection.execute(query).mappings()]

    def cell(self, rollout_id: str, tep: str, project: str) -> RolloutCell | None:
        """Return one cell of a rollout, None if it is not in it."""
        return next((cell for cell in self.cells(rollout_id, tep) if cell.project == project), None)

    def set_cell(self, rollout_id: str, tep: str, project: str, **values: Any) -> None:
        """Change a cell's row."""
        same = (cells.c.rollout_id == rollout_id) & (cells.c.tep == tep) & (cells.c.project == project)
        with self.engine.begin() as connection:
            connection.execute(sa.update(cells).where(same).values(values))

    def set_cells(self, rollout_id: str, teps: Iterable[str], before: Iterable[str], **values: Any) -> None:
        """Change the rows of all cells of some TEPs that are in one of these states."""
        same = (cells.c.rollout_id == rollout_id) & cells.c.tep.in_(list(teps)) & cells.c.state.in_(list(before))
        with self.engine.begin() as connection:
            connection.execute(sa.update(cells).where(same).values(values))

    def set_health(self, rollout_id: str, tep: str, project: str, *, healthy: bool, detail: str) -> None:
        """Note what a health check has found."""
        message = {} if healthy else {"message": detail}
        self.set_cell(rollout_id, tep, project, health=HEALTHY if healthy else UNHEALTHY, **message)

    def set_blocked(self, rollout_id: str, reasons: Mapping[str, str]) -> None:
        """Note which TEPs may not start now, and why; of all others that nothing keeps them."""
        mine = cells.c.rollout_id == rollout_id
        with self.engine.begin() as connection:
            free = mine & (cells.c.blocked != "") & cells.c.tep.not_in(list(reasons))
            connection.execute(sa.update(cells).where(free).values(blocked=""))
            for tep, reason in reasons.items():
                other = mine & (cells.c.tep == tep) & (cells.c.state == "queued") & (cells.c.blocked != reason)
                connection.execute(sa.update(cells).where(other).values(blocked=reason))

    def failures(self, rollout_id: str, *, up_to: int | None = None) -> list[str]:
        """Return the TEPs in which something failed or is unhealthy, in all waves or up to one."""
        bad = cells.c.state.in_(["failed", "skipped"]) | (cells.c.health == UNHEALTHY)
        query = sa.select(cells.c.tep).where((cells.c.rollout_id == rollout_id) & bad).distinct().order_by(cells.c.tep)
        if up_to is not None:
            query = query.where(cells.c.wave <= up_to)
        with self.engine.connect() as connection:
            return list(connection.scalars(query))

    def counts(self, rollout_id: str) -> dict[str, int]:
        """Return how many cells are in each state."""
        query = sa.select(cells.c.state, sa.func.count()).where(cells.c.rollout_id == rollout_id).group_by(cells.c.state)
        with self.engine.connect() as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(query.order_by(cells.c.state))}

    def teps(self, rollout_id: str) -> list[str]:
        """Return the TEPs of a rollout."""
        with self.engine.connect() as connection:
            return list(connection.scalars(sa.select(cells.c.tep).where(cells.c.rollout_id == rollout_id).distinct()))

    def note(self, rollout_id: str, kind: str, message: str, who: str = "") -> None:
        """Write down what happened."""
        with self.engine.begin() as connection:
            row = {"rollout_id": rollout_id, "at": now(), "kind": kind, "who": who, "message": message}
            connection.execute(sa.insert(events).values(row))

    def events(self, rollout_id: str) -> list[Event]:
        """Return what happened to a rollout, oldest first."""
        columns = [column for column in events.c if column.name != "id"]
        query = sa.select(*columns).where(events.c.rollout_id == rollout_id).order_by(events.c.id)
        with self.engine.connect() as connection:
            return [Event(**row) for row in connection.execute(query).mappings()]

    def _read(self, query: sa.Select[Any]) -> list[Rollout]:
        with self.engine.connect() as connection:
            return [rollout_of(row) for row in connection.execute(query).mappings()]


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    waves = {"waves": [asdict(wave) for wave in values["waves"]]} if "waves" in values else {}
    return {**values, **waves}


def _died(owner: str) -> bool:
    """Whether the process that holds a lease is gone; False where that cannot be told."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    return host == os.uname().nodename and pid.isdigit() and not psutil.pid_exists(int(pid))


def moment(text: str | None) -> datetime | None:
    """Return a point in time out of JSON."""
    return datetime.fromisoformat(text) if text else None

"""Where rollouts are kept: read and written row by row, so that whoever dies leaves what was true."""

import os
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import psutil
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.errors import UsageError
from infra_assets.fleet.database import now
from infra_assets.rollouts.models import (
    GOING,
    GOOD,
    HEALTHY,
    MOVING,
    OPEN,
    UNHEALTHY,
    Asked,
    Event,
    Options,
    Request,
    Rollout,
    RolloutCell,
    State,
    Trigger,
    Wave,
)
from infra_assets.rollouts.tables import cells, events, requests, rollouts
from infra_assets.stacks.ledger import ABANDONED, DEPLOYING, FAILED, SKIPPED

LAST = "last"
LEASE_S = 180
"""Seconds after which a lease is taken from whoever died with it."""
QUEUED = "queued"
ROLLOUT = [column for column in rollouts.c if not column.name.startswith("leased_")]


class RolloutStore:
    """Reads and writes rollouts."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(self, rollout: Rollout, its_cells: Iterable[RolloutCell] = (), its_requests: Iterable[Request] = ()) -> None:
        """Store a new rollout, all of it or nothing."""
        every_cell = [asdict(cell) for cell in its_cells]
        every_request = [asdict(request) for request in its_requests]
        with self.engine.begin() as connection:
            connection.execute(sa.insert(rollouts).values(_row(rollout)))
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

        `owner` is `host:pid:…`. One that died with it loses it: at once if that can be told, on its own host, else after a minute.
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

    def requests(self, rollout_id: str, *, states: Iterable[str] = (), wave: int | None = None) -> list[Request]:
        """Return a rollout's requests in the order in which they are asked."""
        query = sa.select(requests).where(requests.c.rollout_id == rollout_id)
        if chosen := list(states):
            query = query.where(requests.c.state.in_(chosen))
        if wave is not None:
            query = query.where(requests.c.wave == wave)
        with self.engine.connect() as connection:
            found = connection.execute(query.order_by(requests.c.wave, requests.c.position, requests.c.attempt)).mappings()
            return [_request(row) for row in found]

    def unstarted(self, teps: Iterable[str], *, but: str) -> list[Request]:
        """Return the requests of other rollouts, in some TEPs, that no run has begun with."""
        waiting = requests.c.state.in_([Asked.WAITING, Asked.ASKED]) & (requests.c.operation == "up") & (requests.c.rollout_id != but)
        wanted = set(teps)
        with self.engine.connect() as connection:
            found = [_request(row) for row in connection.execute(sa.select(requests).where(waiting)).mappings()]
        return [request for request in found if request.tep in wanted]

    def set_request(self, request: Request, before: Iterable[str], **values: Any) -> bool:
        """Change a request's row if it is in one of these states; returns whether it was."""
        with self.engine.begin() as connection:
            return (
                connection.execute(sa.update(requests).where(_same(request) & requests.c.state.in_(list(before))).values(values)).rowcount
                == 1
            )

    def ask_again(self, request: Request, run_id: str) -> None:
        """Withdraw a request whose run died before it began with it, and put another in its place; both or, where it has begun, neither."""
        another = replace(request, attempt=request.attempt + 1, state=Asked.WAITING, asked_at=None, run_id=None)
        dead = _same(request) & (requests.c.state == Asked.ASKED)
        with self.engine.begin() as connection:
            if connection.execute(sa.update(requests).where(dead).values(state=Asked.WITHDRAWN.value, run_id=run_id)).rowcount == 1:
                connection.execute(sa.insert(requests), [asdict(another)])

    def claim(self, key: str, run_id: str) -> bool:
        """Let a run begin with a request; False where another has, or where it was withdrawn: then the run must not touch anything."""
        rollout_id, tep, attempt = key.rsplit("/", 2)
        mine = (requests.c.rollout_id == rollout_id) & (requests.c.tep == tep) & (requests.c.attempt == int(attempt))
        moving = sa.exists().where((rollouts.c.id == rollout_id) & rollouts.c.state.in_(MOVING))
        free = requests.c.state.in_([Asked.WAITING, Asked.ASKED]) & moving
        with self.engine.begin() as connection:
            started = sa.update(requests).where(mine & free).values(state=Asked.STARTED.value, run_id=run_id)
            if connection.execute(started).rowcount == 1:
                return True
            held = connection.execute(sa.select(requests.c.state, requests.c.run_id).where(mine)).one_or_none()
        return held is not None and held.state == Asked.STARTED and held.run_id == run_id

    def end(self, request: Request, run_id: str | None, why: str, *, unseen: Collection[str] = ()) -> bool:
        """Close a request whose run has ended, and with it the cells that it has left; returns whether it was open.

        `unseen` are projects whose cells are good only where somebody has looked at their health.
        """
        with self.engine.begin() as connection:
            closed = sa.update(requests).where(_same(request) & requests.c.state.in_(GOING))
            if connection.execute(closed.values(state=Asked.ENDED.value, run_id=run_id)).rowcount != 1:
                return False
            mine = (cells.c.rollout_id == request.rollout_id) & (cells.c.tep == request.tep)
            for cell in [RolloutCell(**row) for row in connection.execute(sa.select(cells).where(mine)).mappings()]:
                if values := _left(cell, request, run_id, why, unseen):
                    connection.execute(sa.update(cells).where(mine & (cells.c.project == cell.project)).values(values))
        return True

    def withdraw(self, request: Request, **its_cells: Any) -> bool:
        """Take a request back that no run has begun with, and change its TEP's queued cells; returns whether none had."""
        free = _same(request) & requests.c.state.in_([Asked.WAITING, Asked.ASKED])
        queued = (cells.c.rollout_id == request.rollout_id) & (cells.c.tep == request.tep) & (cells.c.state == QUEUED)
        with self.engine.begin() as connection:
            if connection.execute(sa.update(requests).where(free).values(state=Asked.WITHDRAWN.value)).rowcount != 1:
                return False
            if its_cells:
                connection.execute(sa.update(cells).where(queued).values(its_cells))
        return True

    def count(self, rollout_id: str, states: Iterable[str]) -> int:
        """Return how many of a rollout's requests are in some states."""
        mine = (requests.c.rollout_id == rollout_id) & requests.c.state.in_(list(states))
        with self.engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(requests).where(mine)) or 0

    def going(self, rollout_id: str) -> int:
        """Return how many requests are asked for or have begun."""
        return self.count(rollout_id, GOING)

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
            return [_rollout(row) for row in connection.execute(query).mappings()]


def _same(request: Request) -> sa.ColumnElement[bool]:
    return (requests.c.rollout_id == request.rollout_id) & (requests.c.tep == request.tep) & (requests.c.attempt == request.attempt)


def _left(cell: RolloutCell, request: Request, run_id: str | None, why: str, unseen: Collection[str]) -> dict[str, Any]:
    """Return what becomes of a cell when its run has ended: a run that was killed says nothing itself."""
    if request.operation != "up":
        lacking = cell.project in request.projects and not cell.foreseen
        return {"foreseen": {"error": why}} if lacking else {}
    if cell.state in (DEPLOYING, QUEUED):
        ended = {"state": FAILED, "message": ABANDONED} if cell.state == DEPLOYING else {"state": SKIPPED, "message": why}
        return {**ended, "run_id": run_id, "finished_at": now()}
    if cell.project in unseen and cell.project in request.projects and cell.state in GOOD and not cell.health:
        return {"health": UNHEALTHY, "message": "its run ended before its health was looked at"}
    return {}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    waves = {"waves": [asdict(wave) for wave in values["waves"]]} if "waves" in values else {}
    return {**values, **waves}


def _died(owner: str) -> bool:
    """Whether the process that holds a lease is gone; False where that cannot be told."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    return host == os.uname().nodename and pid.isdigit() and not psutil.pid_exists(int(pid))


def _row(rollout: Rollout) -> dict[str, Any]:
    values = {name: getattr(rollout, name) for name in Rollout.__dataclass_fields__}
    return values | {
        "triggers": [trigger.model_dump() for trigger in rollout.triggers],
        "options": rollout.options.model_dump(mode="json"),
        "waves": [asdict(wave) for wave in rollout.waves],
        "state": rollout.state.value,
        "pins": dict(rollout.pins),
        "changed": {name: list(pair) for name, pair in rollout.changed.items()},
        "selection": dict(rollout.selection),
    }


def _rollout(row: sa.RowMapping) -> Rollout:
    values: dict[str, Any] = dict(row)
    values["state"] = State(values["state"])
    values["triggers"] = [Trigger(**trigger) for trigger in values["triggers"]]
    values["options"] = Options.model_validate(values["options"])
    values["waves"] = [Wave(**wave) for wave in values["waves"]]
    return Rollout(**values)


def _request(row: sa.RowMapping) -> Request:
    values: dict[str, Any] = dict(row)
    values["state"] = Asked(values["state"])
    return Request(**values)


def moment(text: str | None) -> datetime | None:
    """Return a point in time out of JSON."""
    return datetime.fromisoformat(text) if text else None

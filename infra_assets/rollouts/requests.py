"""What rollouts wish of Dagster, run by run: asked for, begun with by one run and no other, ended, or taken back.

Each change is one transaction: whoever dies in the middle has changed nothing.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.fleet.database import now
from infra_assets.rollouts.models import GOING, GOOD, MOVING, QUEUED, UNHEALTHY, Asked, Request, RolloutCell
from infra_assets.rollouts.tables import cells, requests, rollouts
from infra_assets.stacks.ledger import ABANDONED, DEPLOYING, FAILED, SKIPPED


class Requests:
    """The requests of all rollouts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, rollout_id: str, *, states: Iterable[str] = (), wave: int | None = None) -> list[Request]:
        """Return a rollout's requests in the order in which they are asked."""
        query = sa.select(requests).where(requests.c.rollout_id == rollout_id)
        if chosen := list(states):
            query = query.where(requests.c.state.in_(chosen))
        if wave is not None:
            query = query.where(requests.c.wave == wave)
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(requests.c.wave, requests.c.position, requests.c.attempt)).mappings()
            return [_request(row) for row in found]

    def unstarted(self, teps: Iterable[str], *, but: str) -> list[Request]:
        """Return the requests of other rollouts, in some TEPs, that no run has begun with."""
        waiting = requests.c.state.in_([Asked.WAITING, Asked.ASKED]) & (requests.c.operation == "up") & (requests.c.rollout_id != but)
        wanted = set(teps)
        with self._engine.connect() as connection:
            found = [_request(row) for row in connection.execute(sa.select(requests).where(waiting)).mappings()]
        return [request for request in found if request.tep in wanted]

    def set(self, request: Request, before: Iterable[str], **values: Any) -> bool:
        """Change a request's row if it is in one of these states; returns whether it was."""
        with self._engine.begin() as connection:
            return (
                connection.execute(sa.update(requests).where(_same(request) & requests.c.state.in_(list(before))).values(values)).rowcount
                == 1
            )

    def again(self, request: Request, run_id: str) -> None:
        """Withdraw a request whose run died before it began with it, and put another in its place; both or, where it has begun, neither."""
        another = replace(request, attempt=request.attempt + 1, state=Asked.WAITING, asked_at=None, run_id=None)
        dead = _same(request) & (requests.c.state == Asked.ASKED)
        with self._engine.begin() as connection:
            if connection.execute(sa.update(requests).where(dead).values(state=Asked.WITHDRAWN.value, run_id=run_id)).rowcount == 1:
                connection.execute(sa.insert(requests), [asdict(another)])

    def claim(self, key: str, run_id: str) -> bool:
        """Let a run begin with a request; False where another has, or where it was withdrawn: then the run must not touch anything."""
        rollout_id, tep, attempt = key.rsplit("/", 2)
        mine = (requests.c.rollout_id == rollout_id) & (requests.c.tep == tep) & (requests.c.attempt == int(attempt))
        moving = sa.exists().where((rollouts.c.id == rollout_id) & rollouts.c.state.in_(MOVING))
        free = requests.c.state.in_([Asked.WAITING, Asked.ASKED]) & moving
        with self._engine.begin() as connection:
            started = sa.update(requests).where(mine & free).values(state=Asked.STARTED.value, run_id=run_id)
            if connection.execute(started).rowcount == 1:
                return True
            held = connection.execute(sa.select(requests.c.state, requests.c.run_id).where(mine)).one_or_none()
        return held is not None and held.state == Asked.STARTED and held.run_id == run_id

    def end(self, request: Request, run_id: str | None, why: str, *, unseen: Collection[str] = ()) -> bool:
        """Close a request whose run has ended, and with it the cells that it has left; returns whether it was open.

        `unseen` are projects whose cells are good only where somebody has looked at their health.
        """
        with self._engine.begin() as connection:
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
        with self._engine.begin() as connection:
            if connection.execute(sa.update(requests).where(free).values(state=Asked.WITHDRAWN.value)).rowcount != 1:
                return False
            if its_cells:
                connection.execute(sa.update(cells).where(queued).values(its_cells))
        return True

    def count(self, rollout_id: str, states: Iterable[str]) -> int:
        """Return how many of a rollout's requests are in some states."""
        mine = (requests.c.rollout_id == rollout_id) & requests.c.state.in_(list(states))
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(requests).where(mine)) or 0

    def going(self, rollout_id: str) -> int:
        """Return how many requests are asked for or have begun."""
        return self.count(rollout_id, GOING)


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


def _request(row: sa.RowMapping) -> Request:
    values: dict[str, Any] = dict(row)
    values["state"] = Asked(values["state"])
    return Request(**values)

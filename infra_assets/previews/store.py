"""Where checks are kept: row by row, so that whoever dies leaves what was found."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.errors import UsageError
from infra_assets.fleet.database import now
from infra_assets.previews.models import Asked, Check, CheckedCell, CheckRequest, CheckState, Kind
from infra_assets.previews.tables import check_cells, check_requests, checks
from infra_assets.reports.matrix import BOTH, DRIFTED, ERROR
from infra_assets.stacks.ledger import Key

LAST = "last"
CHECK = [checks.c[each.name] for each in fields(Check)]
COLUMNS = [check_cells.c[each.name] for each in fields(CheckedCell)]
CELL: list[sa.ColumnElement[Any]] = [sa.cast(column, sa.Text) if isinstance(column.type, sa.JSON) else column for column in COLUMNS]
TEXTS = [place for place, column in enumerate(COLUMNS) if isinstance(column.type, sa.JSON)]
"""Which of them are JSON: it is read by ourselves, because nearly all of it says that there is nothing."""
EMPTY: Mapping[str | None, Any] = {None: None, "null": None, "[]": (), "{}": {}}
REPORTING_S = 300
"""Seconds after which a report is written by somebody else than who began with it."""
REPAIRABLE = (DRIFTED, BOTH)


def new_id(moment: datetime) -> str:
    """Return an id of a check that begins now; ids sort by time."""
    return f"{moment:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class CheckStore:
    """Reads and writes checks."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(self, check: Check, its_cells: Iterable[CheckedCell], its_requests: Iterable[CheckRequest]) -> None:
        """Store a new check, all of it or nothing."""
        cells, requests = [_values(cell) for cell in its_cells], [_values(request) for request in its_requests]
        with self.engine.begin() as connection:
            connection.execute(sa.insert(checks).values(_values(check)))
            if cells:
                connection.execute(sa.insert(check_cells), cells)
            if requests:
                connection.execute(sa.insert(check_requests), requests)

    def get(self, check_id: str, kind: Kind | None = None) -> Check:
        """Return a check by its id, or by how that begins; `last` is the newest that is done.

        Raises:
            UsageError: there is none, or several begin so.
        """
        if check_id == LAST:
            found = self.checks(kind=kind, states=[CheckState.DONE], limit=1)
        else:
            found = self._read(sa.select(*CHECK).where(checks.c.id.startswith(check_id, autoescape=True)).limit(2)) if check_id else []
        if len(found) != 1:
            what = "several checks begin with" if found else "no check"
            raise UsageError(f"{what} {check_id!r}", remedy="infra drift and infra preview make one; infra checks lists them.")
        return found[0]

    def checks(self, *, kind: Kind | None = None, states: Iterable[str] = (), limit: int = 50) -> list[Check]:
        """Return checks, newest first."""
        query = sa.select(*CHECK).order_by(checks.c.id.desc()).limit(limit)
        if kind:
            query = query.where(checks.c.kind == kind)
        if chosen := list(states):
            query = query.where(checks.c.state.in_(chosen))
        return self._read(query)

    def opened(self) -> list[Check]:
        """Return the checks that go on, or whose report is not written, oldest first."""
        going = (checks.c.state == CheckState.RUNNING) | checks.c.reported.is_(False)
        return self._read(sa.select(*CHECK).where(going).order_by(checks.c.id))

    def earlier(self, check: Check, limit: int = 50) -> list[Check]:
        """Return the checks of the same kind that were done before one, newest first."""
        before = (checks.c.kind == check.kind) & (checks.c.state == CheckState.DONE) & (checks.c.id < check.id)
        return self._read(sa.select(*CHECK).where(before).order_by(checks.c.id.desc()).limit(limit))

    def reported(self, kind: Kind, limit: int = 50) -> list[str]:
        """Return the ids of the checks that are done and reported, newest first."""
        done = (checks.c.kind == kind) & (checks.c.state == CheckState.DONE) & checks.c.reported.is_(True)
        with self.engine.connect() as connection:
            return list(connection.scalars(sa.select(checks.c.id).where(done).order_by(checks.c.id.desc()).limit(limit)))

    def end(self, check_id: str, state: CheckState) -> bool:
        """Note that a running check has ended; returns whether it was running."""
        mine = (checks.c.id == check_id) & (checks.c.state == CheckState.RUNNING)
        with self.engine.begin() as connection:
            return connection.execute(sa.update(checks).where(mine).values(state=state.value, finished_at=now())).rowcount == 1

    def begin_report(self, check_id: str) -> bool:
        """Take it upon oneself to report a check; returns whether nobody else has, or has died with it."""
        due = checks.c.reporting_at.is_(None) | (checks.c.reporting_at < now() - timedelta(seconds=REPORTING_S))
        mine = (checks.c.id == check_id) & checks.c.reported.is_(False) & due
        with self.engine.begin() as connection:
            return connection.execute(sa.update(checks).where(mine).values(reporting_at=now())).rowcount == 1

    def end_report(self, check_id: str, trend: Mapping[str, Any] | None, histories: Mapping[Key, str]) -> None:
        """Note that a check's report is there, with its trend and each cell's history."""
        cell = (
            (check_cells.c.check_id == check_id) & (check_cells.c.tep == sa.bindparam("of")) & (check_cells.c.project == sa.bindparam("p"))
        )
        with self.engine.begin() as connection:
            connection.execute(sa.update(checks).where(checks.c.id == check_id).values(reported=True, trend=trend))
            if histories:
                changed = sa.update(check_cells).where(cell).values(history=sa.bindparam("letters"))
                connection.execute(changed, [{"of": tep, "p": project, "letters": text} for (tep, project), text in histories.items()])

    def cells(self, check_id: str, tep: str | None = None) -> list[CheckedCell]:
        """Return a check's cells, upstream first in each TEP."""
        query = sa.select(*CELL).where(check_cells.c.check_id == check_id).order_by(check_cells.c.tep, check_cells.c.position)
        if tep is not None:
            query = query.where(check_cells.c.tep == tep)
        with self.engine.connect() as connection:
            return [_cell(row) for row in connection.execute(query)]

    def verdicts(self, check_id: str) -> list[CheckedCell]:
        """Return a check's cells with their verdicts and histories, and nothing else: what a later one is compared with."""
        columns = [check_cells.c[name] for name in ("check_id", "tep", "project", "position", "verdict", "state", "history")]
        query = sa.select(*columns).where(check_cells.c.check_id == check_id)
        with self.engine.connect() as connection:
            return [CheckedCell(**row) for row in connection.execute(query).mappings()]

    def counts(self, check_id: str) -> dict[str, int]:
        """Return how many of a check's cells have which verdict; "" are those that were not looked at yet."""
        query = sa.select(check_cells.c.verdict, sa.func.count()).where(check_cells.c.check_id == check_id).group_by(check_cells.c.verdict)
        with self.engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def told(self, check_id: str) -> list[tuple[str, str]]:
        """Return the names of a check's cells that were looked at, with their verdicts."""
        mine = (check_cells.c.check_id == check_id) & (check_cells.c.verdict != "")
        query = sa.select(check_cells.c.project, check_cells.c.tep, check_cells.c.verdict).where(mine)
        with self.engine.connect() as connection:
            return [(f"{project}/{tep}", verdict) for project, tep, verdict in connection.execute(query)]

    def set_cell(self, check_id: str, tep: str, project: str, **values: Any) -> None:
        """Change a cell's row."""
        with self.engine.begin() as connection:
            connection.execute(sa.update(check_cells).where(_is(check_id, tep, project)).values(values))

    def fail_unseen(self, check_id: str, tep: str, message: str, run_id: str | None) -> None:
        """Note of what nobody has come to that it could not be checked."""
        mine = (check_cells.c.check_id == check_id) & (check_cells.c.tep == tep) & (check_cells.c.verdict == "")
        with self.engine.begin() as connection:
            connection.execute(sa.update(check_cells).where(mine).values(verdict=ERROR, message=message, run_id=run_id, finished_at=now()))

    def requests(
        self, check_id: str, *, states: Iterable[str] = (), due_at: datetime | None = None, limit: int | None = None
    ) -> list[CheckRequest]:
        """Return a check's requests in the order in which they are due; with `due_at` those that are due by then."""
        query = sa.select(check_requests).where(check_requests.c.check_id == check_id)
        if chosen := list(states):
            query = query.where(check_requests.c.state.in_(chosen))
        if due_at is not None:
            query = query.where(check_requests.c.due_at <= due_at)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(check_requests.c.due_at, check_requests.c.tep).limit(limit)).mappings()
            return [_request(row) for row in rows]

    def set_request(self, request: CheckRequest, **values: Any) -> bool:
        """Change a request's row if it is still as it was read; returns whether it was."""
        same = (
            (check_requests.c.check_id == request.check_id)
            & (check_requests.c.tep == request.tep)
            & (check_requests.c.state == request.state)
            & (check_requests.c.attempt == request.attempt)
        )
        with self.engine.begin() as connection:
            return connection.execute(sa.update(check_requests).where(same).values(values)).rowcount == 1

    def to_repair(self) -> dict[Key, CheckedCell]:
        """Return the cells that the newest look at them, of any drift check, has found drifted."""
        done = (checks.c.kind == "drift") & check_cells.c.verdict.not_in(["", ERROR])
        joined = check_cells.join(checks, checks.c.id == check_cells.c.check_id)
        newest = (
            sa.select(check_cells.c.tep, check_cells.c.project, sa.func.max(check_cells.c.check_id).label("id"))
            .select_from(joined)
            .where(done)
            .group_by(check_cells.c.tep, check_cells.c.project)
            .subquery()
        )
        same = (check_cells.c.tep == newest.c.tep) & (check_cells.c.project == newest.c.project) & (check_cells.c.check_id == newest.c.id)
        query = sa.select(*CELL).join(newest, same).where(check_cells.c.verdict.in_(REPAIRABLE))
        with self.engine.connect() as connection:
            found = [_cell(row) for row in connection.execute(query)]
        return {(cell.tep, cell.project): cell for cell in found}

    def prune(self, before: datetime, at_least: int) -> list[str]:
        """Forget checks that are older, but for the newest of each kind; returns their ids."""
        kept = {check.id for kind in ("drift", "preview") for check in self.checks(kind=kind, limit=at_least)}
        with self.engine.begin() as connection:
            old = list(connection.scalars(sa.select(checks.c.id).where(checks.c.created_at < before)))
            gone = [check_id for check_id in old if check_id not in kept]
            for table, column in (
                (check_cells, check_cells.c.check_id),
                (check_requests, check_requests.c.check_id),
                (checks, checks.c.id),
            ):
                for start in range(0, len(gone), 500):
                    connection.execute(sa.delete(table).where(column.in_(gone[start : start + 500])))
        return gone

    def _read(self, query: sa.Select[Any]) -> list[Check]:
        with self.engine.connect() as connection:
            rows: Sequence[sa.RowMapping] = connection.execute(query).mappings().all()
        return [_check(row) for row in rows]


def _values(item: Check | CheckedCell | CheckRequest) -> dict[str, Any]:
    return {each.name: getattr(item, each.name) for each in fields(item)}


def _cell(row: sa.Row[Any]) -> CheckedCell:
    values = list(row)
    for place in TEXTS:
        text = values[place]
        values[place] = EMPTY[text] if text in EMPTY else json.loads(text)
    return CheckedCell(*values)


def _is(check_id: str, tep: str, project: str) -> sa.ColumnElement[bool]:
    return (check_cells.c.check_id == check_id) & (check_cells.c.tep == tep) & (check_cells.c.project == project)


def _check(row: sa.RowMapping) -> Check:
    values: dict[str, Any] = dict(row)
    values["state"] = CheckState(values["state"])
    return Check(**values)


def _request(row: sa.RowMapping) -> CheckRequest:
    values: dict[str, Any] = dict(row)
    values["state"] = Asked(values["state"])
    return CheckRequest(**values)

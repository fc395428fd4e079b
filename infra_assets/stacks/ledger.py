"""The ledger: each operation on a cell, with what it was based on and what came of it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from infra_assets.fleet.database import UtcDateTime, metadata, now

operations = sa.Table(
    "operations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("tep", sa.String(40), nullable=False),
    sa.Column("project", sa.String(100), nullable=False),
    sa.Column("operation", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("inputs", sa.JSON, nullable=False),
    sa.Column("changes", sa.JSON, nullable=False),
    sa.Column("resources", sa.Integer),
    sa.Column("outputs", sa.JSON, nullable=False),
    sa.Column("outputs_hash", sa.String(64)),
    sa.Column("run_id", sa.String(64)),
    sa.Column("rollout_id", sa.String(64)),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("environments", sa.JSON),
    sa.Column("commit", sa.String(64)),
    sa.Column("details", sa.JSON),
    sa.Index("operations_by_cell", "tep", "project", "id"),
    sa.Index("operations_by_rollout", "rollout_id"),
)
facts = sa.Table("facts", metadata, sa.Column("name", sa.String(64), primary_key=True), sa.Column("value", sa.Text, nullable=False))

DEPLOYING = "deploying"
DEPLOYED = "deployed"
FAILED = "failed"
SKIPPED = "skipped"
REMOVED = "removed"
ABANDONED = "its process ended without a word"
CHANGING = ("up", "destroy")
"""Operations that change a stack; previews are recorded too, and never decide what a cell's state is."""

Key = tuple[str, str]
"""A cell in the ledger: TEP and project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a plan must know of one operation on one cell."""

    id: int
    tep: str
    project: str
    state: str
    inputs: Mapping[str, str]
    outputs_hash: str | None
    environments: Mapping[str, str] | None = None
    """The environments that its configuration rested on, and their revisions."""
    commit: str | None = None
    """Where its program is from."""

    @property
    def refused(self) -> bool:
        """Whether it was not even tried: its environments had errors, or its program could not be loaded."""
        return self.state == FAILED and not self.inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Standing):
    """One operation on one cell."""

    operation: str
    changes: Mapping[str, int]
    resources: int | None
    outputs: Mapping[str, Any]
    """Outputs by name; the value is None unless the project declares it public."""
    run_id: str | None
    rollout_id: str | None
    started_at: datetime
    finished_at: datetime | None
    message: str

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None


ENTRY = [column for column in operations.c if column.name != "details"]
"""What most readers want: details are large, and only the reasons of a plan ask for them."""
CHUNK = 500


class Ledger:
    """Writes and reads operations."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(
        self, cell: Key, operation: str, inputs: Mapping[str, str], *,
        run_id: str = "", rollout_id: str = "", environments: Mapping[str, str] | None = None,
        commit: str | None = None, details: Mapping[str, Any] | None = None,
    ) -> int:  # fmt: skip
        """Record that an operation starts; returns its number.

        `details` are what the inputs were hashed from: `configuration` by key, `upstream` by project.
        """
        row = {
            "tep": cell[0], "project": cell[1], "operation": operation, "state": DEPLOYING, "inputs": dict(inputs), "changes": {},
            "outputs": {}, "run_id": run_id or None, "rollout_id": rollout_id or None, "started_at": now(), "message": "",
            "environments": dict(environments) if environments is not None else None, "commit": commit, "details": details,
        }  # fmt: skip
        same_cell = (operations.c.tep == cell[0]) & (operations.c.project == cell[1])
        with self._engine.begin() as connection:
            # A TEP has one run at a time: what is still open belongs to a process that was killed.
            abandoned = sa.update(operations).where(same_cell & (operations.c.state == DEPLOYING))
            connection.execute(abandoned.values(state=FAILED, message=ABANDONED))
            result = connection.execute(sa.insert(operations).values(row))
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

    def finish(self, number: int, state: str, **values: Any) -> None:
        """Record how an operation ended: `changes`, `resources`, `outputs`, `outputs_hash`, `message`."""
        with self._engine.begin() as connection:
            connection.execute(sa.update(operations).where(operations.c.id == number).values(state=state, finished_at=now(), **values))

    def skip(self, cell: Key, message: str, *, run_id: str = "", rollout_id: str = "") -> None:
        """Record that a cell was not deployed because of something upstream."""
        number = self.begin(cell, "up", {}, run_id=run_id, rollout_id=rollout_id)
        self.finish(number, SKIPPED, message=message)

    def refuse(self, cell: Key, message: str, *, run_id: str = "", rollout_id: str = "") -> None:
        """Record that a cell could not even be tried."""
        self.finish(self.begin(cell, "up", {}, run_id=run_id, rollout_id=rollout_id), FAILED, message=message)

    def restore(self, cell: Key, *, run_id: str = "", rollout_id: str = "") -> None:
        """Note of a cell that was skipped and turns out to have nothing to do, that it is as its last success left it."""
        newest = self.latest([cell[0]]).get(cell)
        last = self.successes([cell[0]]).get(cell)
        if newest is None or last is None or newest.state != SKIPPED:
            return
        number = self.begin(
            cell, "up", last.inputs, run_id=run_id, rollout_id=rollout_id, environments=last.environments, commit=last.commit,
            details=self.details([last.id]).get(last.id),
        )  # fmt: skip
        message = "nothing to do: it is as it was before it was skipped"
        self.finish(number, DEPLOYED, resources=last.resources, outputs=dict(last.outputs), outputs_hash=last.outputs_hash, message=message)

    def standings(self, teps: Sequence[str]) -> tuple[dict[Key, Standing], dict[Key, Standing]]:
        """Return `latest` and `successes` of whole fleets: only what a plan needs of them, in one go."""
        latest: dict[Key, Standing] = {}
        unskipped: dict[Key, Standing] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(teps), CHUNK):
                rows = connection.execute(_newest_of(teps[start : start + CHUNK])).all()
                # A TEP's projects rest on the same environments: most of these texts are the one before.
                parsed: dict[str, Any] = {}
                for number, tep, project, state, inputs, outputs_hash, environments, commit in rows:
                    if environments not in parsed:
                        parsed[environments] = json.loads(environments) if environments else None
                    found = Standing(
                        id=number, tep=tep, project=project, state=state, inputs=json.loads(inputs), outputs_hash=outputs_hash,
                        environments=parsed[environments], commit=commit,
                    )  # fmt: skip
                    latest[tep, project] = found
                    if state != SKIPPED:
                        unskipped[tep, project] = found
        return latest, {key: found for key, found in unskipped.items() if found.state == DEPLOYED}

    def latest(self, teps: Iterable[str] | None = None) -> dict[Key, Entry]:
        """Return the newest changing operation of each cell."""
        return self._newest(operations.c.operation.in_(CHANGING), teps)

    def successes(self, teps: Iterable[str] | None = None) -> dict[Key, Entry]:
        """Return the last success of each cell, if nothing changed it since: what its state rests on."""
        newest = self._newest(operations.c.operation.in_(CHANGING) & (operations.c.state != SKIPPED), teps)
        return {key: entry for key, entry in newest.items() if entry.state == DEPLOYED}

    def deployed_projects(self) -> dict[str, str]:
        """Return every project that was ever deployed, with the commit that it was deployed from last."""
        done = (operations.c.state == DEPLOYED) & operations.c.commit.is_not(None)
        newest = sa.select(sa.func.max(operations.c.id)).where(done).group_by(operations.c.project)
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(operations.c.project, operations.c.commit).where(operations.c.id.in_(newest))).all()
        return {str(project): str(commit) for project, commit in rows}

    def recorded_resources(self, cell: Key) -> int:
        """Return how many resources a cell's stack held after the last operation that could tell; 0 where none was recorded."""
        newest = (
            sa.select(operations.c.resources)
            .where((operations.c.tep == cell[0]) & (operations.c.project == cell[1]) & operations.c.resources.is_not(None))
            .order_by(operations.c.id.desc())
            .limit(1)
        )
        with self._engine.connect() as connection:
            return connection.scalar(newest) or 0

    def history(self, tep: str, project: str | None = None, limit: int = 50) -> Sequence[Entry]:
        """Return a TEP's operations, newest first."""
        query = sa.select(*ENTRY).where(operations.c.tep == tep).order_by(operations.c.id.desc()).limit(limit)
        if project:
            query = query.where(operations.c.project == project)
        return self._read(query)

    def of_rollout(self, rollout_id: str) -> Sequence[Entry]:
        """Return the operations of one rollout, oldest first."""
        return self._read(sa.select(*ENTRY).where(operations.c.rollout_id == rollout_id).order_by(operations.c.id))

    def before(self, entry: Entry) -> Entry | None:
        """Return a cell's last success before an operation."""
        same_cell = (operations.c.tep == entry.tep) & (operations.c.project == entry.project) & operations.c.operation.in_(CHANGING)
        earlier = same_cell & (operations.c.id < entry.id) & (operations.c.state == DEPLOYED)
        found = self._read(sa.select(*ENTRY).where(earlier).order_by(operations.c.id.desc()).limit(1))
        return found[0] if found else None

    def with_outputs(self, cell: Key, outputs_hash: str) -> Entry | None:
        """Return a cell's newest operation that had these outputs."""
        same = (operations.c.tep == cell[0]) & (operations.c.project == cell[1]) & (operations.c.outputs_hash == outputs_hash)
        found = self._read(sa.select(*ENTRY).where(same).order_by(operations.c.id.desc()).limit(1))
        return found[0] if found else None

    def details(self, numbers: Sequence[int]) -> dict[int, Mapping[str, Any]]:
        """Return what operations rested on, by their numbers; nothing for those that did not record it."""
        found: dict[int, Mapping[str, Any]] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(numbers), CHUNK):
                chosen = operations.c.id.in_(numbers[start : start + CHUNK])
                rows = connection.execute(sa.select(operations.c.id, operations.c.details).where(chosen)).all()
                found.update({number: details for number, details in rows if details})
        return found

    def fact(self, name: str) -> str | None:
        """Return a fact about this installation."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(facts.c.value).where(facts.c.name == name))

    def set_fact(self, name: str, value: str) -> None:
        """Note a fact about this installation."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(facts).where(facts.c.name == name))
            connection.execute(sa.insert(facts).values(name=name, value=value))

    def _newest(self, condition: sa.ColumnElement[bool], teps: Iterable[str] | None) -> dict[Key, Entry]:
        query = sa.select(sa.func.max(operations.c.id)).where(condition).group_by(operations.c.tep, operations.c.project)
        if teps is not None:
            query = query.where(operations.c.tep.in_(list(teps)))
        entries = self._read(sa.select(*ENTRY).where(operations.c.id.in_(query)).order_by(operations.c.id))
        return {(entry.tep, entry.project): entry for entry in entries}

    def _read(self, query: sa.Select[Any]) -> list[Entry]:
        with self._engine.connect() as connection:
            return [Entry(**row) for row in connection.execute(query).mappings()]


def _newest_of(teps: Sequence[str]) -> sa.Select[*tuple[Any, ...]]:
    """The newest changing operation of each cell, and the newest that was not skipped, oldest first; JSON as text."""
    mine = operations.c.tep.in_(teps) & operations.c.operation.in_(CHANGING)
    cell = (operations.c.tep, operations.c.project)
    newest = sa.select(sa.func.max(operations.c.id)).where(mine).group_by(*cell)
    unskipped = sa.select(sa.func.max(operations.c.id)).where(mine & (operations.c.state != SKIPPED)).group_by(*cell)
    wanted = (
        operations.c.id, *cell, operations.c.state, sa.cast(operations.c.inputs, sa.Text), operations.c.outputs_hash,
        sa.cast(operations.c.environments, sa.Text), operations.c.commit,
    )  # fmt: skip
    return sa.select(*wanted).where(operations.c.id.in_(newest.union(unskipped))).order_by(operations.c.id)

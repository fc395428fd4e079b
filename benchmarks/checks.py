"""A drift check of a large fleet, but for its runs: how long it takes to begin, to be followed, and to be told.

`python -m benchmarks.checks [--teps N] [--format json]` begins a check of 5,000 TEPs of eight projects that the ledger has as deployed, has
Dagster played, fills in what runs would have found (five of a hundred cells are not clean), and finishes it as whoever comes first does:
trend, histories, the report in each of its forms. `look_s` is one look of the command that follows it while nothing has moved. The check
before it is as large. Exit code 1 where a goal is missed.
"""

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import sqlalchemy as sa
import typer

from benchmarks import plan_fleet
from benchmarks.telling import Format, run, tell
from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect, now
from infra_assets.fleet.selection import Selection
from infra_assets.planning.planner import Planner
from infra_assets.previews.beginning import begin_drift
from infra_assets.previews.conductor import CheckConductor
from infra_assets.previews.finishing import finisher
from infra_assets.previews.models import Asked, Check, CheckState
from infra_assets.previews.tables import check_cells, check_requests
from infra_assets.reports.matrix import ERROR
from infra_assets.runs import PARTITION_TAG, Run, RunRequest, Runs
from infra_assets.settings import Settings
from tests.reports.reports import EIGHT, report

GOALS = {"begin_s": 10.0, "look_s": 0.3, "finish_s": 10.0}
NOT_CLEAN = 0.05
Result = TypeVar("Result")


class Played:
    """A Dagster whose runs wait for ever."""

    def __init__(self) -> None:
        self._all: list[Run] = []

    def launch(self, requests: Sequence[RunRequest]) -> None:
        """Keep what is asked for."""
        self._all += [Run(request.key, "QUEUED", {**request.tags, PARTITION_TAG: request.tep}) for request in requests]

    def runs(self, *, tags: Mapping[str, str] | None = None, active: bool = False, ids: Sequence[str] = ()) -> list[Run]:  # noqa: ARG002
        """Return runs by tags."""
        wanted = (tags or {}).items()
        return [run for run in self._all if wanted <= run.tags.items()]

    def terminate(self, ids: Sequence[str]) -> None:
        """Nothing."""

    def prepare(self, teps: Iterable[str], programs: Mapping[str, Sequence[str]]) -> None:
        """Nothing."""


def clocked(found: dict[str, float], name: str, work: Callable[[], Result]) -> Result:
    """Return what some work comes to; its seconds, and those of CPU, are noted."""
    began, cpu = time.perf_counter(), time.process_time()
    result = work()
    found[f"{name}_s"], found[f"{name}_cpu_s"] = round(time.perf_counter() - began, 2), round(time.process_time() - cpu, 2)
    return result


def see_all(conductor: CheckConductor, check: Check) -> None:
    """Fill in what runs would have found."""
    rows = report(len(check.teps), EIGHT, not_clean=NOT_CLEAN).rows
    cells = conductor.store.cells(check.id)
    found = [
        {
            "of": cell.tep, "p": cell.project, "verdict": row.verdict or ERROR, "cause": row.cause, "message": row.message,
            "resources": [change.as_json() for change in row.resources], "drift": [change.as_json() for change in row.drift],
            "run_id": row.run_id, "started_at": now(), "finished_at": now(),
        }
        for cell, row in zip(cells, rows, strict=True)
    ]  # fmt: skip
    mine = (check_cells.c.check_id == check.id) & (check_cells.c.tep == sa.bindparam("of")) & (check_cells.c.project == sa.bindparam("p"))
    values: dict[str, Any] = {name: sa.bindparam(name) for name in found[0] if name not in ("of", "p")}
    ended = sa.update(check_requests).where(check_requests.c.check_id == check.id).values(state=Asked.ENDED.value)
    with conductor.store.engine.begin() as connection:
        connection.execute(sa.update(check_cells).where(mine).values(values), found)
        connection.execute(ended)


def one(configured: Settings, runs: Runs) -> dict[str, float]:
    """Begin, follow and finish a check.

    Raises:
        InfraError: it has not come to its end.
    """
    took: dict[str, float] = {}
    planner = Planner(configured)
    teps = planner.registry.list()
    check = clocked(took, "begin", lambda: begin_drift(planner, teps, Selection(), "benchmark"))
    conductor = CheckConductor(configured, runs, finisher(configured, planner.registry))
    clocked(took, "ask", lambda: conductor.advance(check.id))

    def look() -> None:
        conductor.advance(check.id)
        conductor.store.counts(check.id)

    clocked(took, "look", look)
    see_all(conductor, check)
    clocked(took, "finish", lambda: conductor.advance(check.id))
    ended = conductor.store.get(check.id)
    if ended.state != CheckState.DONE or not ended.reported:
        raise InfraError(f"the check is {ended.state}, reported: {ended.reported}")
    return took


def measure(teps: int) -> dict[str, Any]:
    """Return the figures; everything lives in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="infra-benchmark-") as name:
        root = Path(name).resolve()
        plan_fleet.write_root(root, plan_fleet.new_key())
        os.environ |= plan_fleet.environment(root) | {"INFRA_AWS_ACCESS_KEY_ID": "none", "INFRA_AWS_SECRET_ACCESS_KEY": "none"}
        configured = settings.load()
        plan_fleet.fill(configured, teps)
        one(configured, Played())
        took = one(configured, Played())
        connect(configured.database_url).dispose()
    peak_mb = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return {"teps": teps, "cells": teps * len(EIGHT), "goals": GOALS, **took, "peak_mb": peak_mb}


def main(
    teps: Annotated[int, typer.Option(help="How many.")] = 5000,
    form: Format = "table",
) -> None:
    """Measure, and say by the exit code whether the goals are met."""
    figures = measure(teps)
    tell(figures, form, GOALS)


if __name__ == "__main__":
    run(main)

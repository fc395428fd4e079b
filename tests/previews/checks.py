"""Checks for tests, and a Dagster that is played as far as a check sees it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from infra_assets.previews.models import Asked, Check, CheckedCell, CheckRequest, CheckState, Kind
from infra_assets.previews.store import CheckStore
from infra_assets.runs import PARTITION_TAG, REQUEST_TAG, Run, RunRequest

BEGAN = datetime(2026, 11, 29, 2, 0, tzinfo=UTC)
PROJECTS = ("account", "network")


def check(check_id: str = "20261129T020000Z-aaaaaa", *teps: str, kind: Kind = "drift", **values: Any) -> Check:
    """A check of some TEPs, of the whole fleet unless `about` says otherwise."""
    names = list(teps or ("c1-prod", "c2-prod"))
    given = {"about": {"TEPs": f"all {len(names)}"}, "left_out": [], "who": "jo", "created_at": BEGAN, **values}
    return Check(check_id, kind, CheckState.RUNNING, "Drift", teps=names, projects=list(PROJECTS), **given)


def cells(of: Check, **values: Any) -> list[CheckedCell]:
    return [
        CheckedCell(of.id, tep, project, position, state="deployed", **values)
        for tep in of.teps
        for position, project in enumerate(of.projects)
    ]


def add(store: CheckStore, of: Check, verdicts: Mapping[str, str] | None = None, **values: Any) -> Check:
    """Store a check that is done, with verdicts by cell, `in-sync` where none is given."""
    told = verdicts or {}
    found = [replace(cell, verdict=told.get(cell.name, "in-sync"), started_at=of.created_at) for cell in cells(of, **values)]
    store.add(of, found, [CheckRequest(of.id, tep, 1, of.created_at, Asked.ENDED) for tep in of.teps])
    store.end(of.id, CheckState.DONE)
    return store.get(of.id)


def begin(store: CheckStore, of: Check, due: Mapping[str, float] | None = None) -> Check:
    """Store a check that is to be done; `due` are seconds from its beginning."""
    late = due or {}
    requests = [CheckRequest(of.id, tep, 1, of.created_at + timedelta(seconds=late.get(tep, 0))) for tep in of.teps]
    store.add(of, cells(of), requests)
    return of


class Dagster:
    """Keeps what it is asked for; a test says what becomes of it."""

    def __init__(self) -> None:
        self.asked: list[RunRequest] = []
        self.all: list[Run] = []
        self.prepared: list[tuple[list[str], list[str]]] = []
        self.stopped: list[str] = []
        self.losing = False
        """Whether what it is asked for never becomes a run."""
        self.most = 1000
        """Runs that it lists at once."""

    def launch(self, requests: Sequence[RunRequest]) -> None:
        for request in requests:
            self.asked.append(request)
            if not self.losing:
                self.all.append(Run(f"run{len(self.asked)}", "QUEUED", {**request.tags, PARTITION_TAG: request.tep}))

    def runs(self, *, tags: Mapping[str, str] | None = None, active: bool = False, ids: Sequence[str] = ()) -> list[Run]:
        wanted = (tags or {}).items()
        found = [run for run in reversed(self.all) if wanted <= run.tags.items() and (run.active or not active)]
        return found[: self.most]

    def terminate(self, ids: Sequence[str]) -> None:
        self.stopped += ids

    def prepare(self, teps: Iterable[str], programs: Mapping[str, Sequence[str]]) -> None:
        self.prepared.append((list(teps), list(programs)))

    def set(self, tep: str, status: str) -> None:
        """Say what has become of a TEP's newest run."""
        newest = next(run for run in reversed(self.all) if run.tep == tep)
        self.all = [replace(run, status=status) if run.id == newest.id else run for run in self.all]

    @property
    def keys(self) -> list[str]:
        """Which requests were asked for, without the check."""
        return [request.tags[REQUEST_TAG].partition("/")[2] for request in self.asked]

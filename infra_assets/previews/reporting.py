"""From a check in the database to its report, and what is kept of that."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.previews.beginning import WHOLE
from infra_assets.previews.models import Check, CheckedCell, CheckState
from infra_assets.previews.store import CheckStore
from infra_assets.reports.changes import restored
from infra_assets.reports.matrix import NEVER, UNCHANGED, Row
from infra_assets.reports.report import Report, Trend
from infra_assets.reports.trend import extended, trend
from infra_assets.settings import Settings
from infra_assets.stacks.ledger import Key, Ledger

QUEUED = "queued"


def row(cell: CheckedCell, tep: Tep) -> Row:
    """Return one cell's row; what was not looked at has no duration."""
    took = None
    if cell.started_at and cell.finished_at and cell.verdict != UNCHANGED:
        took = (cell.finished_at - cell.started_at).total_seconds()
    state = cell.state if cell.verdict else QUEUED
    return Row(
        tep, cell.project, state or NEVER, verdict=cell.verdict, cause=cell.cause, changes=cell.changes, run_id=cell.run_id,
        finished_at=cell.finished_at, duration_s=took, message=cell.message, resources=restored(cell.resources),
        drift=restored(cell.drift), history=cell.history,
    )  # fmt: skip


def rows(check: Check, cells: Sequence[CheckedCell], fleet: Mapping[str, Tep], states: Mapping[Key, str]) -> list[Row]:
    """Return the whole matrix: what a preview does not concern is in it, `unchanged`."""
    found = {(cell.tep, cell.project): cell for cell in cells}
    every: list[Row] = []
    for name in check.teps:
        tep = fleet.get(name)
        if tep is None:
            continue
        for project in check.projects:
            cell = found.get((name, project))
            if cell is not None:
                every.append(row(cell, tep))
            elif check.kind == "preview":
                every.append(Row(tep, project, states.get((name, project), NEVER), verdict=UNCHANGED))
    return every


class Reporter:
    """Makes reports of the checks of one installation."""

    def __init__(self, settings: Settings, fleet: Mapping[str, Tep], dagster_url: str = "") -> None:
        self._engine = connect(settings.database_url)
        self._settings = settings
        self._fleet = fleet
        self._dagster_url = dagster_url
        self.store = CheckStore(self._engine)

    def report(self, check: Check, cells: Sequence[CheckedCell] | None = None) -> Report:
        """Return a check's report, as far as it has come; `cells` for one that is not stored."""
        mine = self.store.cells(check.id) if cells is None else cells
        states = self._states(check) if check.kind == "preview" else {}
        gone = [name for name in check.teps if name not in self._fleet]
        left_out = [*check.left_out, *(f"{name} is not in the fleet any more" for name in gone)]
        if check.state == CheckState.STOPPED:
            left_out.append("it was stopped before its end: what was not looked at is an error")
        return Report(
            check.id, check.kind, check.title, check.created_at, rows(check, mine, self._fleet, states), check.finished_at, check.about,
            left_out, self._dagster_url, _trend(check),
        )  # fmt: skip

    def compared(self, check: Check) -> tuple[Report, dict[Key, str]]:
        """Return an ended check's report with its trend, and each cell's history with this check in it."""
        report = self.report(check)
        if check.kind != "drift":
            return report, {}
        before = next((each for each in self.store.earlier(check) if _covers(each, check)), None)
        # Of a look at the whole fleet only what a look at a part of it has looked at too.
        same = before if before is None or is_whole(check) else replace(before, teps=check.teps, projects=check.projects)
        earlier = self.report(same, self.store.verdicts(same.id)) if same else None
        told = {row.name: row.history for row in earlier.rows} if earlier else {}
        histories = {(row.tep.name, row.project): extended(told.get(row.name, ""), row.verdict) for row in report.rows}
        every = [replace(each, history=histories[each.tep.name, each.project]) for each in report.rows]
        return replace(report, rows=every, trend=trend(earlier, every)), histories

    def _states(self, check: Check) -> dict[Key, str]:
        return {key: entry.state for key, entry in Ledger(self._engine).standings(check.teps)[0].items()}


def is_whole(check: Check) -> bool:
    """Return whether a check left no TEP out but those that are never looked at by themselves."""
    return str(check.about.get("TEPs", "")).startswith(WHOLE)


def _covers(before: Check, check: Check) -> bool:
    """Return whether a check can be compared with an earlier one: a whole one with a whole one, else with one that has all of its cells."""
    if is_whole(check):
        return is_whole(before)
    return set(check.teps) <= set(before.teps) and set(check.projects) <= set(before.projects)


def _trend(check: Check) -> Trend | None:
    if check.trend is None:
        return None
    content = dict(check.trend)
    return Trend(content["before_id"], datetime.fromisoformat(content["before_at"]), content["new"], content["gone"], content["still"])

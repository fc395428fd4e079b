"""Moves checks on: asks for their runs as these are due and there is room, notes what has become of them, ends.

A run of a check changes nothing but rows of that check, so that one too many does no harm. Each step is in the database before the next.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from infra_assets.errors import InfraError, NotRunningError
from infra_assets.fleet.database import connect, now
from infra_assets.fleet.models import Tep
from infra_assets.fleet.registry import Registry
from infra_assets.previews.models import Asked, Check, CheckRequest, CheckState
from infra_assets.previews.store import CheckStore
from infra_assets.runs import CHECK_TAG, CLASS_TAG, OPERATION_TAG, REQUEST_TAG, RING_TAG, STOPPING, TENANT_TAG, Run, RunRequest, Runs
from infra_assets.settings import Settings

LOST_S = 60
"""Seconds after which a run that was asked for and is not there is asked for again."""
GIVEN_UP_S = 600
"""Seconds after which a run that Dagster refuses is not asked for any more."""
TRIES = 3
AHEAD = 20
"""Runs that wait in Dagster's queue, at least: enough that it never runs dry between two looks."""

Finish = Callable[[Check], None]
"""Writes a check's report, and tells people."""


class CheckConductor:
    """Moves the checks of one installation on; `finish` is done once for each, by whoever comes first."""

    def __init__(self, settings: Settings, runs: Runs, finish: Finish) -> None:
        self._settings = settings
        self._runs = runs
        self._finish = finish
        self.store = CheckStore(connect(settings.database_url))

    def advance_all(self) -> list[str]:
        """Move every open check on, oldest first; returns what could not be done."""
        problems: list[str] = []
        for check in self.store.opened():
            try:
                self.advance(check.id)
            except InfraError as error:
                problems.append(f"check {check.id}: {error}")
        return problems

    def advance(self, check_id: str) -> None:
        """Move one check on as far as it goes now.

        Raises:
            InfraError: Dagster refused; the check is as it was.
        """
        check = self.store.get(check_id)
        if check.state == CheckState.RUNNING:
            self._settle(check)
            self._ask(check)
            if not self.store.requests(check.id, states=[Asked.WAITING, Asked.ASKED], limit=1):
                self.store.end(check.id, CheckState.DONE)
        check = self.store.get(check_id)
        if check.state != CheckState.RUNNING and not check.reported and self.store.begin_report(check.id):
            self._finish(check)

    def stop(self, check_id: str) -> None:
        """Ask for nothing more, and ask the runs that go on to stop; what was not looked at stays unchecked, and says so."""
        if not self.store.end(check_id, CheckState.STOPPED):
            return
        active = self._runs.runs(tags={CHECK_TAG: check_id}, active=True)
        self._runs.terminate([run.id for run in active if run.status != STOPPING])
        for request in self.store.requests(check_id, states=[Asked.WAITING, Asked.ASKED]):
            self.store.set_request(request, state=Asked.ENDED.value)
            self.store.fail_unseen(check_id, request.tep, "not checked: it was stopped", None)

    def _settle(self, check: Check) -> None:
        """Bring the requests up to what Dagster knows: a run that was killed says nothing itself."""
        going = self.store.requests(check.id, states=[Asked.ASKED])
        if not going:
            return
        # Of a large check's runs hardly any go on: the others are asked for one by one, each once.
        active = {run.tags.get(REQUEST_TAG) for run in self._runs.runs(tags={CHECK_TAG: check.id}, active=True)}
        for request in going:
            if request.key in active:
                continue
            run = next(iter(self._runs.runs(tags={REQUEST_TAG: request.key})), None)
            if run is not None and not run.active:
                self._end(request, run)
            elif run is None and request.asked_at and request.asked_at < now() - timedelta(seconds=LOST_S):
                self._again(request, "Dagster has no run for it")

    def _end(self, request: CheckRequest, run: Run) -> None:
        begun = any(cell.started_at for cell in self.store.cells(request.check_id, request.tep))
        if run.status == "FAILURE" and not begun:
            self._again(request, f"its run ended before it began: {run.id}", run.id)
            return
        if self.store.set_request(request, state=Asked.ENDED.value):
            self.store.fail_unseen(request.check_id, request.tep, f"its run ended before it: {run.status.lower()}", run.id)

    def _again(self, request: CheckRequest, why: str, run_id: str | None = None) -> None:
        if request.attempt < TRIES:
            self.store.set_request(request, state=Asked.WAITING.value, attempt=request.attempt + 1, asked_at=None)
        elif self.store.set_request(request, state=Asked.ENDED.value):
            self.store.fail_unseen(request.check_id, request.tep, f"not checked: {why}, {TRIES} times", run_id)

    def _ask(self, check: Check) -> None:
        asked = len(self.store.requests(check.id, states=[Asked.ASKED]))
        room = max(0, 2 * max(self._settings.cap, AHEAD) - asked)
        due = self.store.requests(check.id, states=[Asked.WAITING], due_at=now(), limit=room)
        if not due:
            return
        fleet = Registry(connect(self._settings.database_url)).named([each.tep for each in due])
        projects = dict.fromkeys(check.projects, ()) if check.kind == "drift" else {}
        try:
            self._runs.prepare([each.tep for each in due if each.tep in fleet], projects)
        except NotRunningError:
            raise
        except InfraError as error:
            self._give_up(due, error.message)
            raise
        mine: list[CheckRequest] = []
        for request in due:
            if request.tep not in fleet:
                self.store.set_request(request, state=Asked.ENDED.value)
                self.store.fail_unseen(check.id, request.tep, "the fleet does not have it any more", None)
            elif self.store.set_request(request, state=Asked.ASKED.value, asked_at=now()):
                mine.append(request)
        self._runs.launch([self._run(check, request, fleet[request.tep]) for request in mine])

    def _give_up(self, due: Sequence[CheckRequest], why: str) -> None:
        """Note that what has been due for long cannot be checked: Dagster does not take its runs, and asking for ever mends nothing."""
        for request in due:
            if request.due_at < now() - timedelta(seconds=GIVEN_UP_S) and self.store.set_request(request, state=Asked.ENDED.value):
                self.store.fail_unseen(request.check_id, request.tep, f"not checked: {why}", None)

    def _run(self, check: Check, request: CheckRequest, tep: Tep) -> RunRequest:
        tags = {
            CHECK_TAG: check.id, REQUEST_TAG: request.key, OPERATION_TAG: check.kind, CLASS_TAG: check.kind, TENANT_TAG: tep.tenant,
            RING_TAG: tep.ring.value,
        }  # fmt: skip
        return RunRequest(tep.name, self._projects(check, request), tags, job=check.kind)

    def _projects(self, check: Check, request: CheckRequest) -> Sequence[str]:
        return [cell.project for cell in self.store.cells(check.id, request.tep)]

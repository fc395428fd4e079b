"""What a person does to a rollout: approve, resume, roll back. Halting is the conductor's too."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from infra_assets.environments import layers
from infra_assets.errors import InfraError, UsageError
from infra_assets.fleet.database import connect, now
from infra_assets.fleet.models import Tep
from infra_assets.planning.parts import Plan
from infra_assets.planning.plan import ERROR, MAYBE, RUN, UNCHANGED, Planned
from infra_assets.planning.planner import Planner
from infra_assets.rollouts.dispatch import WITHDRAWN
from infra_assets.rollouts.models import MOVING, RESUMABLE, UNHEALTHY, Asked, Options, Request, Rollout, RolloutCell, State, Trigger
from infra_assets.rollouts.outbox import Outbox
from infra_assets.rollouts.starting import PREVIEWS, Asking, start
from infra_assets.rollouts.store import RolloutStore
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.ledger import DEPLOYED, FAILED, Entry, Key
from infra_assets.stacks.projects import Project
from infra_assets.texts import listed

QUEUED = "queued"
ROLLBACK: Literal["rollback"] = "rollback"
NAMED = 10
LEFT_ALONE = "left alone"
NOTHING_THERE = ("never", "removed")
"""States of cells in which nothing can be deleted or replaced."""
BEGUN = (Asked.ASKED, Asked.STARTED, Asked.ENDED)
_GOES_ON: Mapping[str, Any] = {"state": State.RUNNING, "reason": "", "approval": ""}
_FRESH: Mapping[str, Any] = {"health": "", "message": "", "run_id": None, "started_at": None, "finished_at": None}


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a resumed rollout will do."""

    cells: Sequence[str]
    """What is not done, by name."""
    mended: Mapping[str, Sequence[str]]
    """Environments of TEPs that had failed, taken as they are now: name → [pinned, now]."""
    left: Sequence[str]
    """Cells that something newer has deployed since: they are left alone."""


@dataclass(frozen=True, slots=True)
class _Again:
    """What is to be written down of a rollout that goes on."""

    cells: dict[Key, dict[str, Any]] = field(default_factory=dict[Key, dict[str, Any]])
    work: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """What is to be run, by TEP."""
    present: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """What of that was deployed before."""


class Control:
    """Acts on rollouts."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self.store = RolloutStore(connect(planner.settings.database_url))

    def approve(self, rollout_id: str, who: str) -> Rollout:
        """Let a rollout go on that waits for an approval.

        Raises:
            UsageError: it does not wait for one.
        """
        rollout = self.store.get(rollout_id)
        if rollout.state != State.WAITING or not rollout.approval:
            raise UsageError(f"rollout {rollout.id} does not wait for an approval: it is {rollout.state}")
        waves = list(rollout.waves)
        following = rollout.wave + 1 if 0 <= rollout.wave < len(waves) - 1 and waves[rollout.wave].ended_at else max(rollout.wave, 0)
        if following < len(waves):
            waves[following] = replace(waves[following], approved_by=who)
            self.store.update(rollout.id, waves=waves)
        if not self.store.move(rollout.id, [State.WAITING], state=State.RUNNING, approval="", reason=""):
            raise UsageError(f"rollout {rollout.id} has gone on meanwhile", remedy=f"infra rollouts show {rollout.id}")
        self.store.note(rollout.id, "approved", rollout.approval, who)
        if not any(item.operation == "up" and item.state in BEGUN for item in self.store.asked.of(rollout.id)):
            Outbox(self.store.engine, self._planner.settings.public_url).tell(self.store, self.store.get(rollout.id), "started")
        return self.store.get(rollout.id)

    def resume(self, rollout_id: str, who: str, *, exactly: bool = False) -> Resumed:
        """Go on with exactly what is not done, from the same commit and the same revisions.

        Of a TEP that failed its own environments (its tenant's and its own) are taken as they are now, because that is where it is mended;
        not with `exactly`.

        Raises:
            UsageError: it is neither halted nor failed.
            InfraError: a pin cannot be had any more.
        """
        self._planner.targets  # noqa: B018  # nothing would move while their file is wrong
        rollout = self.store.get(rollout_id)
        if rollout.state not in RESUMABLE:
            raise UsageError(f"rollout {rollout.id} is {rollout.state}: only one that halted or failed is resumed")
        if not rollout.waves:
            self.store.move(rollout.id, RESUMABLE, state=State.PENDING, reason="")
            self.store.note(rollout.id, "resumed", "it is planned when it may begin", who)
            return Resumed((), {}, ())
        if going := self.store.asked.going(rollout.id):
            raise UsageError(f"{going} runs of rollout {rollout.id} still go on", remedy="Resume it when they have ended.")
        every = self.store.cells(rollout.id)
        left = self._deployed_since(rollout, every)
        missing = [cell for cell in every if not cell.good and cell.state != WITHDRAWN and (cell.tep, cell.project) not in left]
        if not missing and not left:
            raise UsageError(f"rollout {rollout.id} has nothing left to do")
        failed = set[str]() if exactly else {cell.tep for cell in missing if cell.failed}
        again, mended = _Again(), dict[str, Sequence[str]]()
        if rollout.kind == ROLLBACK:  # each cell goes back to what it is pinned to, whatever is now
            self._as_it_is(missing, again)
        else:
            mended = self._replan(rollout, missing, failed, again)
        for key in left:
            again.cells[key] = {"state": WITHDRAWN, "message": "something newer has deployed it since", "health": ""}
        names = [f"{cell.project}/{cell.tep}" for cell in missing]
        numbers = {cell.wave for cell in missing} or {len(rollout.waves) - 1}
        previewed = self._to_preview(rollout, again, failed if mended else ())
        # What is deployed now bakes too.
        waves = [replace(wave, ended_at=None) if number in numbers else wave for number, wave in enumerate(rollout.waves)]
        # Never past a gate that it has not passed; and what was to be approved still is.
        values: dict[str, Any] = {
            "wave": PREVIEWS if previewed else min(*numbers, max(rollout.wave, 0)),
            "waves": waves,
            "finished_at": None,
        }
        values |= {"state": State.WAITING, "reason": f"waits for approval: {rollout.approval}"} if rollout.approval else _GOES_ON
        further = self._requests(rollout, every, again, previewed)
        if not self.store.resume(rollout.id, RESUMABLE, again.cells, further, **values):
            raise UsageError(f"rollout {rollout.id} has gone on meanwhile", remedy=f"infra rollouts show {rollout.id}")
        self.store.note(rollout.id, "resumed", f"{len(names)} cells: {listed(names, NAMED)}", who)
        return Resumed(names, mended, [f"{project}/{tep}" for tep, project in sorted(left)])

    def rollback(self, rollout_id: str, who: str) -> Rollout:
        """Return the cells that a rollout has changed to what they were deployed from before it, as a rollout of its own.

        Raises:
            UsageError: it still moves, or has changed nothing that was there before.
        """
        self._planner.targets  # noqa: B018  # nothing would move while their file is wrong
        rollout = self.store.get(rollout_id)
        if rollout.state in MOVING or self.store.asked.going(rollout.id):
            raise UsageError(f"rollout {rollout.id} still moves", remedy=f"Halt it first: infra rollouts halt {rollout.id}")
        goals, left = self._before(rollout)
        if not goals and left:
            raise UsageError(f"all that rollout {rollout.id} has changed was deployed by something newer since: {listed(left, NAMED)}")
        if not goals:
            raise UsageError(f"rollout {rollout.id} has changed nothing that was deployed before it: there is nothing to go back to")
        planned = [item for tep, entries in goals.items() for item in self._planned_back(rollout, tep, entries)]
        commits = {entry.commit for entries in goals.values() for entry in entries.values()}
        commit = commits.pop() if len(commits) == 1 else None
        plan = Plan(planned, {}, commit, {}, {})
        trigger = Trigger(kind=ROLLBACK, who=who, detail=f"of {rollout.id}")
        options = Options(max_failures=rollout.options.max_failures, priority=rollout.options.priority)
        asking = Asking([trigger], options, rollout.target, {}, rollout.commit, kind=ROLLBACK, of=rollout.id)
        started = start(self.store, self._planner.ledger, plan, asking, _nothing)
        assert started is not None
        self.store.note(rollout.id, "rolled back", f"by rollout {started.id}", who)
        self._give_up(rollout, f"rollout {started.id} has taken it back")
        if left:
            self.store.note(started.id, LEFT_ALONE, f"something newer has deployed them since: {listed(left, NAMED)}")
        Outbox(self.store.engine, self._planner.settings.public_url).tell(self.store, started, "started")
        return started

    def give_up(self, rollout_id: str, who: str) -> Rollout:
        """Let go of a rollout that halted or was not planned yet: it is never resumed, and keeps nothing waiting.

        Raises:
            UsageError: it is in another state.
        """
        rollout = self.store.get(rollout_id)
        if not self._give_up(rollout, f"given up by {who}"):
            raise UsageError(f"rollout {rollout.id} is {rollout.state}: there is nothing to give up")
        self.store.note(rollout.id, "given up", "", who)
        return self.store.get(rollout.id)

    def _give_up(self, rollout: Rollout, reason: str) -> bool:
        values: dict[str, Any] = {"state": State.SUPERSEDED, "reason": reason, "approval": "", "until": None, "finished_at": now()}
        if not self.store.move(rollout.id, [State.HALTED, State.PENDING], **values):
            return False
        self.store.set_cells(rollout.id, self.store.teps(rollout.id), [QUEUED], state=WITHDRAWN, message=reason)
        self._planner.handover.drop(rollout.id)
        if rollout.state is State.HALTED:  # whoever was called for it is told that it is over
            Outbox(self.store.engine, self._planner.settings.public_url).tell(self.store, self.store.get(rollout.id), "done")
        return True

    # What resuming needs.

    def _deployed_since(self, rollout: Rollout, every: Sequence[RolloutCell]) -> set[Key]:
        """Return the cells that are not done and that another rollout, or a person, has deployed after this one began."""
        missing = {(cell.tep, cell.project) for cell in every if not cell.good}
        successes = self._planner.ledger.successes({tep for tep, _ in missing})
        begun = rollout.started_at or rollout.created_at
        return {key for key in missing if (found := successes.get(key)) and found.rollout_id != rollout.id and found.started_at > begun}

    def _replan(
        self, rollout: Rollout, missing: Sequence[RolloutCell], failed: Collection[str], again: "_Again"
    ) -> dict[str, Sequence[str]]:
        """Plan what is missing once more, under the rollout's pins; returns the revisions that are others now."""
        fleet = {tep.name: tep for tep in self._planner.registry.list()}
        by_tep: dict[str, list[RolloutCell]] = {}
        for cell in missing:
            by_tep.setdefault(cell.tep, []).append(cell)
        alike: dict[frozenset[tuple[str, str]], list[Tep]] = {}
        for name in (name for name in by_tep if name in fleet):
            own = {key: revision for cell in by_tep[name] for key, revision in (cell.pins or {}).items()}
            pins = _shared(rollout.pins) if name in failed else {**rollout.pins, **own}
            alike.setdefault(frozenset(pins.items()), []).append(fleet[name])
        mended: dict[str, Sequence[str]] = {}
        for pins, teps in alike.items():
            force = rollout.options.force
            plan = self._planner.plan_cells(teps, lambda tep: self._projects(rollout, by_tep[tep.name]), pins=dict(pins), force=force)
            moved = {name: found for name, found in plan.pins.items() if rollout.pins.get(name) != found}
            mended |= {name: [rollout.pins.get(name, ""), found] for name, found in moved.items() if name not in dict(pins)}
            self._take_up(plan, moved, {(cell.tep, cell.project): cell for cell in missing}, again)
            self._planner.handover.give(rollout.id, [plan.resolutions[tep.name] for tep in teps])
        return mended

    def _projects(self, rollout: Rollout, cells: Sequence[RolloutCell]) -> list[Project]:
        return [self._project(cell.project, cell.commit or rollout.commit) for cell in cells]

    def _project(self, name: str, commit: str | None) -> Project:
        if commit is None:
            raise InfraError(f"project {name}: the commit that it was deployed from is not known")
        return self._planner.catalogue(commit).get(name)

    def _take_up(self, plan: Plan, moved: Mapping[str, str], before: Mapping[Key, RolloutCell], again: "_Again") -> None:
        for item in plan.planned:
            pins = _pins({name: moved[name] for name in plan.resolutions[item.cell.tep.name].closure if name in moved})
            verdict, reasons = item.verdict, list(item.reasons)
            if verdict == UNCHANGED and before[item.cell.key].health == UNHEALTHY:
                verdict, reasons = RUN, ["it was not healthy"]
            values: dict[str, Any] = {"verdict": verdict, "reasons": reasons, "pins": pins or None}
            values |= {"state": {UNCHANGED: UNCHANGED, ERROR: FAILED}.get(verdict, QUEUED), **_FRESH}
            again.cells[item.cell.key] = values | ({"message": "\n".join(reasons)} if verdict == ERROR else {})
            if verdict in (RUN, MAYBE):
                again.work.setdefault(item.cell.tep.name, []).append(item.cell.project.name)
                if item.state not in NOTHING_THERE:
                    again.present.setdefault(item.cell.tep.name, []).append(item.cell.project.name)

    def _as_it_is(self, missing: Sequence[RolloutCell], again: "_Again") -> None:
        for cell in missing:
            again.cells[cell.tep, cell.project] = {"state": QUEUED, **_FRESH}
            again.work.setdefault(cell.tep, []).append(cell.project)

    @staticmethod
    def _to_preview(rollout: Rollout, again: "_Again", mended: Collection[str]) -> dict[str, list[str]]:
        """Return what must be previewed, again or at last, before it may be deployed: TEPs with their projects."""
        limits = rollout.options.limits
        if limits.deletes is None and limits.replacements is None:
            return {}
        found = {tep: projects for tep, projects in again.present.items() if rollout.wave == PREVIEWS or tep in mended}
        for tep, projects in found.items():
            for project in projects:
                again.cells[tep, project]["foreseen"] = None
        return found

    def _requests(
        self, rollout: Rollout, every: Sequence[RolloutCell], again: "_Again", previewed: Mapping[str, list[str]]
    ) -> list[Request]:
        earlier = sorted(self.store.asked.of(rollout.id), key=lambda request: request.attempt)
        attempts = {request.tep: request.attempt for request in earlier}
        waves = {cell.tep: cell.wave for cell in every}
        previews = [
            Request(rollout.id, tep, attempts.get(tep, 0) + 1, "preview", PREVIEWS, position, Asked.WAITING, projects)
            for position, (tep, projects) in enumerate(previewed.items())
        ]
        ups = [
            Request(rollout.id, tep, attempts.get(tep, 0) + 1 + (tep in previewed), "up", waves[tep], position, Asked.WAITING, projects)
            for position, (tep, projects) in enumerate(again.work.items())
        ]
        return [*previews, *ups]

    # What rolling back needs.

    def _before(self, rollout: Rollout) -> tuple[dict[Tep, dict[str, Entry]], list[str]]:
        """Return, by TEP and project, the success to go back to: of what the rollout has changed, and of what is downstream of that.

        And the cells that it has changed and that something newer has deployed since.
        """
        ledger, fleet = self._planner.ledger, {tep.name: tep for tep in self._planner.registry.list()}
        newest: dict[Key, Entry] = {(entry.tep, entry.project): entry for entry in ledger.of_rollout(rollout.id) if entry.inputs}
        latest = ledger.latest({tep for tep, _ in newest})
        goals: dict[Tep, dict[str, Entry]] = {}
        left: list[str] = []
        for key, entry in newest.items():
            now_ = latest.get(key)
            if key[0] not in fleet or entry.state not in (DEPLOYED, FAILED) or now_ is None:
                continue
            if now_.rollout_id != rollout.id:
                left.append(f"{key[1]}/{key[0]}")
                continue
            if before := ledger.before(_first(ledger.of_rollout(rollout.id), key)):
                goals.setdefault(fleet[key[0]], {})[key[1]] = before
        for tep, entries in goals.items():
            successes = ledger.successes([tep.name])
            for project in self._downstream(entries):
                if project not in entries and (found := successes.get((tep.name, project))):
                    entries[project] = found
        return goals, left

    def _downstream(self, entries: Mapping[str, Entry]) -> list[str]:
        return [
            found.name
            for name, entry in entries.items()
            if entry.commit
            for found in self._planner.catalogue(entry.commit).downstream(name)
        ]

    def _planned_back(self, rollout: Rollout, tep: Tep, entries: Mapping[str, Entry]) -> list[Planned]:
        unknown = [name for name, entry in entries.items() if entry.commit is None]
        if unknown:
            raise InfraError(f"{tep.name}: what {listed(unknown)} was deployed from before is not recorded: it cannot be rolled back")
        order = [project.name for project in self._planner.catalogue(str(next(iter(entries.values())).commit)).projects]
        found: list[Planned] = []
        for name in sorted(entries, key=lambda name: order.index(name) if name in order else len(order)):
            entry = entries[name]
            cell = Cell(self._project(name, entry.commit), tep, _pins(entry.environments or {}))
            mine = self.store.cell(rollout.id, tep.name, name)
            changed = mine is not None and mine.state != UNCHANGED
            reason = f"back to commit {(entry.commit or '')[:8]}, as deployed at {entry.started_at:%Y-%m-%d %H:%M:%S}"
            found.append(Planned(cell, RUN if changed else MAYBE, [reason], DEPLOYED))
        return found


def _nothing(_rollout_id: str, _teps: Sequence[str]) -> None:
    """Hand nothing over: each cell resolves at the pins of its own."""


def _first(entries: Sequence[Entry], key: Key) -> Entry:
    return next(entry for entry in entries if (entry.tep, entry.project) == key)


def _shared(pins: Mapping[str, str]) -> dict[str, str]:
    """Return the pins but for those of tenants' own environments."""
    return {name: revision for name, revision in pins.items() if not name.startswith(f"{layers.TENANTS}/")}


def _pins(closure: Mapping[str, str]) -> dict[str, str]:
    return {name: revision for name, revision in closure.items() if not name.startswith(f"{layers.FLEET}/")}

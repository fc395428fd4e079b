"""Stores a plan as a rollout: fixed cells in waves, pins, and what must be approved before anything starts."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from infra_assets.fleet.database import now
from infra_assets.fleet.models import Tep
from infra_assets.planning.parts import Plan
from infra_assets.planning.plan import ERROR, MAYBE, RUN, UNCHANGED, Planned
from infra_assets.planning.planner import HandOver
from infra_assets.rollouts.models import EVERYTHING, Asked, Options, Request, Rollout, RolloutCell, State, Trigger, Wave
from infra_assets.rollouts.store import RolloutStore
from infra_assets.rollouts.waves import cut
from infra_assets.stacks.ledger import FAILED, SKIPPED, Ledger
from infra_assets.texts import counted, listed

PREVIEWS = -1
"""The wave before the first: previews, where deletes or replacements are limited."""
NAMED = 10
"""How many cells a message names; the others are counted."""
QUEUED = "queued"


@dataclass(frozen=True)
class Asking:
    """Who wants a rollout, of what, and how."""

    triggers: Sequence[Trigger]
    options: Options
    target: str | None = None
    selection: Mapping[str, Any] = field(default_factory=dict[str, Any])
    previous_commit: str | None = None
    kind: str = "rollout"
    of: str | None = None
    approval: str = ""
    """What must be approved in any case: that a branch was rewritten, say."""


def start(
    store: RolloutStore, ledger: Ledger, plan: Plan, asking: Asking, hand_over: HandOver, *, pending: str | None = None
) -> Rollout | None:
    """Store a rollout of what a plan would do; None, and nothing is stored, where there is nothing to do.

    `pending` is the id of one that waited for its plan; it is gone where there is nothing to do.
    """
    for item in plan.planned:
        if item.verdict == UNCHANGED and item.state == SKIPPED:
            ledger.restore(item.cell.key)
    work = _by_tep(plan.planned)
    if not work:
        if pending:
            store.move(pending, [State.PENDING], state=State.DONE, reason="nothing to do", finished_at=now())
        return None
    rollout_id = pending or uuid.uuid4().hex[:12]
    waves = cut([items[0].cell.tep for items in work.values()], asking.options)
    cells = [cell for number, (_, teps) in enumerate(waves) for tep in teps for cell in _cells(rollout_id, number, work[tep.name], plan)]
    requests = [request for number, (_, teps) in enumerate(waves) for request in _requests(rollout_id, number, teps, work)]
    previews = _previews(rollout_id, work, asking.options)
    first = PREVIEWS if previews else 0
    timed = [replace(wave, started_at=now().isoformat()) if number == first else wave for number, (wave, _) in enumerate(waves)]
    rings = {tep.ring.value for tep in waves[0][1]}
    rollout = _rollout(rollout_id, plan, asking, timed, first=first, approvals=_approvals(asking.options, timed[0], rings, cells))
    for item in (item for items in work.values() for item in items if item.verdict == ERROR):
        ledger.refuse(item.cell.key, "\n".join(item.reasons), rollout_id=rollout_id)
    # Before the rollout is there: whoever sees it may start it.
    hand_over(rollout_id, [request.tep for request in requests])
    if pending:
        values = {name: getattr(rollout, name) for name in ("reason", "commit", "previous_commit", "wave", "approval", "started_at")}
        values |= {"state": rollout.state.value, "pins": dict(rollout.pins), "options": asking.options.model_dump(mode="json")}
        values |= {
            "changed": {name: list(pair) for name, pair in rollout.changed.items()},
            "waves": [_plain(wave) for wave in rollout.waves],
        }
        if not store.plan(rollout_id, values, cells, [*previews, *requests], wanted=asking.selection):
            return None
    else:
        store.add(rollout, cells, [*previews, *requests])
    moving = sum(cell.verdict in (RUN, MAYBE) for cell in cells)
    said = f"{counted(moving, 'cell')} of {counted(len(work), 'TEP')} in {counted(len(waves), 'wave')}"
    store.note(rollout_id, "started", said, who="; ".join(map(str, asking.triggers)))
    for line in plan.told_orphans():
        store.note(rollout_id, "left", line)
    if rollout.approval:
        store.note(rollout_id, "waiting", rollout.approval)
    return rollout


def _plain(wave: Wave) -> dict[str, Any]:
    return {name: getattr(wave, name) for name in Wave.__dataclass_fields__}


def _by_tep(planned: Sequence[Planned]) -> dict[str, list[Planned]]:
    """Return the cells of every TEP in which anything is to be done, or is wrong."""
    every: dict[str, list[Planned]] = {}
    for item in planned:
        every.setdefault(item.cell.tep.name, []).append(item)
    return {tep: items for tep, items in every.items() if any(item.verdict != UNCHANGED for item in items)}


def _cells(rollout_id: str, wave: int, items: Sequence[Planned], plan: Plan) -> list[RolloutCell]:
    return [
        RolloutCell(
            rollout_id=rollout_id,
            tep=item.cell.tep.name,
            project=item.cell.project.name,
            position=position,
            wave=wave,
            verdict=item.verdict,
            reasons=list(item.reasons),
            state={UNCHANGED: UNCHANGED, ERROR: FAILED}.get(item.verdict, QUEUED),
            commit=item.cell.project.commit if item.cell.project.commit != plan.commit else None,
            pins=dict(item.cell.pins) if item.cell.pins is not None else None,
            message="\n".join(item.reasons) if item.verdict == ERROR else "",
        )
        for position, item in enumerate(items)
    ]


def _requests(rollout_id: str, wave: int, teps: Sequence[Tep], work: Mapping[str, Sequence[Planned]]) -> list[Request]:
    found: list[Request] = []
    for position, tep in enumerate(teps):
        projects = [item.cell.project.name for item in work[tep.name] if item.verdict in (RUN, MAYBE)]
        if projects:
            found.append(Request(rollout_id, tep.name, 1, "up", wave, position, Asked.WAITING, projects))
    return found


def _previews(rollout_id: str, work: Mapping[str, Sequence[Planned]], options: Options) -> list[Request]:
    """Return the previews that tell what would be deleted or replaced; what was never deployed has nothing of that."""
    if options.limits.deletes is None and options.limits.replacements is None:
        return []
    found: list[Request] = []
    for position, (tep, items) in enumerate(work.items()):
        projects = [item.cell.project.name for item in items if item.verdict in (RUN, MAYBE) and item.state not in ("never", "removed")]
        if projects:
            found.append(Request(rollout_id, tep, 0, "preview", PREVIEWS, position, Asked.WAITING, projects))
    return found


def _rollout(rollout_id: str, plan: Plan, asking: Asking, waves: Sequence[Wave], *, first: int, approvals: Sequence[str]) -> Rollout:
    approval = "; ".join(filter(None, [asking.approval, *approvals]))
    moment = now()
    return Rollout(
        id=rollout_id,
        state=State.WAITING if approval else State.RUNNING,
        reason=f"waits for approval: {approval}" if approval else "",
        kind=asking.kind,
        of=asking.of,
        target=asking.target,
        triggers=asking.triggers,
        commit=plan.commit,
        previous_commit=asking.previous_commit,
        pins=plan.pins,
        changed=plan.changed,
        selection=asking.selection,
        options=asking.options,
        waves=waves,
        wave=first,
        until=None,
        approval=approval,
        created_at=moment,
        started_at=moment,
    )


def _approvals(options: Options, wave: Wave, rings: set[str], cells: Sequence[RolloutCell]) -> list[str]:
    """Return what is to be approved before the first wave, which is of these rings."""
    told = ["the whole rollout is to be approved"] if EVERYTHING in options.approve else []
    if not told and not rings.isdisjoint(options.approve):
        told = [f"wave {wave.name}"]
    moving = [f"{cell.project}/{cell.tep}" for cell in cells if cell.verdict in (RUN, MAYBE)]
    most = options.limits.cells
    if most is not None and len(moving) > most:
        told.append(f"{len(moving)} cells, more than the limit of {most}: {listed(moving, NAMED)}")
    return told

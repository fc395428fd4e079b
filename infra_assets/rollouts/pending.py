"""What triggers want: at most one pending rollout per target, planned when it may begin, with what is newest then."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from infra_assets.errors import InfraError
from infra_assets.fleet.database import now
from infra_assets.fleet.models import Tep
from infra_assets.planning.parts import Plan
from infra_assets.planning.plan import ERROR, MAYBE, RUN, UNCHANGED, Planned
from infra_assets.planning.planner import Planner
from infra_assets.planning.targets import Target
from infra_assets.rollouts.models import GOOD, MOVING, Asked, Options, Rollout, State, Trigger
from infra_assets.rollouts.outbox import Outbox
from infra_assets.rollouts.starting import Asking, start
from infra_assets.rollouts.store import RolloutStore

GIT = "git"
ENVIRONMENTS = "environments"


def wish(
    store: RolloutStore,
    target: str,
    trigger: Trigger,
    *,
    commit: str | None = None,
    teps: Collection[str] | None = None,
    approval: str = "",
    beside: str = "",
) -> str:
    """Note that a target has something to roll out, together with what is pending for it already; returns the rollout's id.

    `commit` deploys the branch; without one, `teps` are those whose environments have changed. `beside` is pending, and is about to start.
    """
    for pending in store.rollouts(states=[State.PENDING], target=target):
        if pending.id == beside:
            continue
        known: Mapping[str, Any] = pending.selection
        selection = {
            "commit": commit or known.get("commit"),
            "teps": sorted({*known.get("teps", ()), *(teps or ())}),
            "approval": approval or known.get("approval", ""),
        }
        triggers = [*pending.triggers, trigger] if trigger not in pending.triggers else list(pending.triggers)
        if store.move(pending.id, [State.PENDING], selection=selection, triggers=[item.model_dump() for item in triggers]):
            return pending.id
    rollout_id = uuid.uuid4().hex[:12]
    store.add(_pending(rollout_id, target, trigger, {"commit": commit, "teps": sorted(teps or ()), "approval": approval}))
    return rollout_id


def _pending(rollout_id: str, target: str, trigger: Trigger, selection: Mapping[str, Any]) -> Rollout:
    return Rollout(
        rollout_id, State.PENDING, "", "rollout", None, target, [trigger], None, None, {}, {}, selection, Options(), [], 0, None, "", now()
    )  # fmt: skip


def begin(planner: Planner, store: RolloutStore, rollout: Rollout) -> bool:
    """Plan a pending rollout and start it, if nothing of its target goes on; returns whether it runs now.

    Raises:
        InfraError: it cannot be planned; it stays pending, and says why.
    """
    others = [
        other for other in store.opened() if other.target == rollout.target and other.id != rollout.id and other.state != State.PENDING
    ]
    whole = bool(rollout.selection.get("commit"))
    outbox = Outbox(store.engine, planner.settings.public_url)
    if any(other.state == State.RUNNING for other in others):
        return False  # what waits for a person or a window, or has halted, keeps nobody waiting
    busy = set[str]() if whole else {tep for other in others for tep in _unfinished(store, other)}
    if not whole and busy.issuperset(rollout.selection.get("teps", ())):
        return False
    try:
        target = planner.targets.get(rollout.target or "")
        plan = _plan_all(planner, target, rollout) if whole else _plan_changed(planner, target, rollout, busy)
    except InfraError as error:
        store.move(rollout.id, [State.PENDING], reason=f"cannot be planned: {error}")
        raise
    # What somebody had to approve and has not stays so, whatever came on top of it.
    approvals: list[str] = [item.selection.get("approval", "") for item in (rollout, *others) if item is rollout or not _approved(item)]
    if whole:
        for other in others:
            _supersede(store, outbox, other, rollout)
    asking = Asking(
        rollout.triggers,
        options_of(target),
        rollout.target,
        rollout.selection,
        _previous(store, rollout),
        approval="; ".join(dict.fromkeys(filter(None, approvals if whole else approvals[:1]))),
    )
    left = sorted(busy & set(rollout.selection.get("teps", ())))
    if left:  # before the others start: whoever dies in between has forgotten nothing
        trigger = Trigger(kind=ENVIRONMENTS, detail="what an open rollout had not done yet")
        wish(store, rollout.target or "", trigger, teps=left, beside=rollout.id)
    started = start(store, planner.ledger, plan, asking, planner.hand_over(plan), pending=rollout.id)
    if started is None:
        return False
    outbox.tell(store, started, "waiting" if started.approval else "started")
    return True


def options_of(target: Target | None, **given: Any) -> Options:
    """Return how a target is rolled out, with what a person has said otherwise."""
    said = {name: value for name, value in given.items() if value is not None}
    if target is None:
        return Options(**said)
    own: dict[str, Any] = {
        "max_failures": target.max_failures, "strict": target.strict, "batch": target.batch, "bake": target.bake,
        "approve": target.approve, "limits": target.limits,
    }  # fmt: skip
    return Options(**{**own, **said})


def _approved(rollout: Rollout) -> bool:
    return any(wave.approved_by for wave in rollout.waves)


def _unfinished(store: RolloutStore, rollout: Rollout) -> set[str]:
    return {cell.tep for cell in store.cells(rollout.id) if cell.state not in (*GOOD, "withdrawn")}


def _supersede(store: RolloutStore, outbox: Outbox, older: Rollout, newer: Rollout) -> None:
    for request in store.asked.of(older.id, states=[Asked.WAITING, Asked.ASKED]):
        store.asked.set(request, [Asked.WAITING, Asked.ASKED], state=Asked.WITHDRAWN.value)
    message = f"rollout {newer.id} has taken it over"
    store.set_cells(older.id, store.teps(older.id), ["queued"], state="withdrawn", message=message)
    if store.move(older.id, [*MOVING, State.HALTED], state=State.SUPERSEDED, reason=message, approval="", until=None, finished_at=now()):
        store.note(older.id, "superseded", message)
        if older.state == State.HALTED:  # whoever was called for it is told that it is over
            outbox.tell(store, store.get(older.id), "done")


def _members(planner: Planner, target: Target) -> list[Tep]:
    return planner.targets.members(target.name, planner.registry.list())


def _plan_all(planner: Planner, target: Target, rollout: Rollout) -> Plan:
    return planner.plan(_members(planner, target), str(rollout.selection["commit"]), keeping=True)


def _plan_changed(planner: Planner, target: Target, rollout: Rollout, busy: Collection[str]) -> Plan:
    """Plan just the cells whose resolved configuration is another, and what is downstream of them; each with the program it has."""
    wanted = set(rollout.selection.get("teps", ())) - set(busy)
    teps = [tep for tep in _members(planner, target) if tep.name in wanted]
    plan = planner.plan_deployed(teps, planner.commit_of, keeping=True)
    return replace(plan, planned=only_configured(plan.planned))


def only_configured(planned: Collection[Planned]) -> list[Planned]:
    """Return a plan in which nothing is done but what a change of configuration asks for."""
    kept: list[Planned] = []
    moving: dict[str, set[str]] = {}
    for item in planned:
        mine = moving.setdefault(item.cell.tep.name, set())
        after = item.verdict == MAYBE and any(name in mine for name in item.cell.project.about.depends_on)
        if item.verdict in (RUN, MAYBE, ERROR) and (item.configured or after):
            mine.add(item.cell.project.name)
            kept.append(item)
        else:
            kept.append(replace(item, verdict=UNCHANGED, reasons=[]))
    return kept


def _previous(store: RolloutStore, rollout: Rollout) -> str | None:
    """Return the commit that the target's last rollout deployed."""
    return next((other.commit for other in store.rollouts(target=rollout.target) if other.commit and other.id != rollout.id), None)

"""Starts a rollout that a person asks for: chooses TEPs and commit, plans, stores."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Literal

from infra_assets.errors import UsageError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.fleet.selection import Selection
from infra_assets.planning.amounts import Amount
from infra_assets.planning.parts import Plan
from infra_assets.planning.plan import RUN
from infra_assets.planning.planner import Planner
from infra_assets.planning.targets import Target
from infra_assets.previews.store import CheckStore
from infra_assets.rollouts.models import Options, Rollout, Trigger
from infra_assets.rollouts.outbox import Outbox
from infra_assets.rollouts.pending import options_of
from infra_assets.rollouts.repairing import to_repair
from infra_assets.rollouts.starting import Asking, start
from infra_assets.rollouts.store import RolloutStore
from infra_assets.stacks.ledger import Key


@dataclass(frozen=True, slots=True)
class Launch:
    """What a person wants rolled out, and how; what is None is as the target says."""

    selection: Selection
    trigger: Trigger
    target: str | None = None
    max_failures: str | None = None
    strict: bool | None = None
    force: bool = False
    at_once: bool = False
    priority: Literal["hotfix", "rollout"] = "rollout"
    drifted: bool = False
    """Only what the last look at it has found drifted: it is run again, and what was changed in the cloud is changed back.

    What is downstream follows, where outputs come out as others."""
    cells: Collection[Key] | None = None
    """Of these, where some are given."""


@dataclass(frozen=True, slots=True)
class Launched:
    """What has become of it."""

    plan: Plan
    rollout: Rollout | None
    """None where there is nothing to do."""


def launch(planner: Planner, wanted: Launch) -> Launched:
    """Plan and store a rollout; whoever moves rollouts on does the rest.

    Raises:
        UsageError: the selection or an option is wrong, or a project cannot be loaded.
        InfraError: it cannot be planned.
    """
    targets = planner.targets  # also where none is meant: nothing would move while their file is wrong
    target = targets.get(wanted.target) if wanted.target else None
    options = _options(wanted, target)
    store = RolloutStore(connect(planner.settings.database_url))
    if wanted.drifted:
        plan = _repairs(planner, wanted, target)
    else:
        plan = planned(planner, wanted.selection, target, force=wanted.force, keeping=True)
    previous = next((other.commit for other in store.rollouts(target=wanted.target) if other.commit), None) if target else None
    asking = Asking([wanted.trigger], options, wanted.target, asdict(wanted.selection), previous)
    rollout = start(store, planner.ledger, plan, asking, planner.hand_over(plan))
    if rollout:
        Outbox(store.engine, planner.settings.public_url).tell(store, rollout, "waiting" if rollout.approval else "started")
    return Launched(plan, rollout)


def planned(planner: Planner, selection: Selection, target: Target | None, *, force: bool = False, keeping: bool = False) -> Plan:
    """Return what a rollout of a selection would do: with a target its branch to its TEPs, else what lies on disk.

    Raises:
        UsageError: the selection is wrong, or the target has no branch or no TEPs.
        InfraError: it cannot be planned.
    """
    teps = chosen_teps(planner, selection, target)
    return planner.plan(teps, _commit(planner, target), selection, force=force, keeping=keeping)


def _repairs(planner: Planner, wanted: Launch, target: Target | None) -> Plan:
    teps = chosen_teps(planner, wanted.selection, target)
    drifted = to_repair(planner.ledger, CheckStore(connect(planner.settings.database_url)), teps)
    deployed = {project for _, project in planner.ledger.standings([tep.name for tep in teps])[0]}
    projects = wanted.selection.pick_projects(sorted(deployed))
    chosen = {key for key in drifted if key[1] in projects and (wanted.cells is None or key in wanted.cells)}
    plan = planner.plan_again([tep for tep in teps if tep.name in {name for name, _ in chosen}], chosen)
    told = [replace(item, reasons=[f"drifted: {drifted[item.cell.key].cause}"]) if item.verdict == RUN else item for item in plan.planned]
    return replace(plan, planned=told)


def chosen_teps(planner: Planner, selection: Selection, target: Target | None = None) -> list[Tep]:
    """Return the TEPs that are meant.

    Raises:
        UsageError: none.
    """
    fleet = planner.registry.list()
    if not fleet:
        raise UsageError("the fleet is empty", remedy="infra fleet import FILE brings one in; fleet.yaml is an example.")
    picked = selection.pick(fleet)
    if target is None:
        return picked
    members = {tep.name for tep in planner.targets.members(target.name, fleet)}
    mine = [tep for tep in picked if tep.name in members]
    if not mine:
        raise UsageError(f"target {target.name} has none of the TEPs that are meant", remedy=f"See {planner.settings.targets}.")
    return mine


def _commit(planner: Planner, target: Target | None) -> str:
    if target is None:
        return planner.on_disk()
    tip = planner.mirror.fetch().get(target.branch)
    if tip is None:
        raise UsageError(
            f"target {target.name}: the programs' repository has no branch {target.branch}",
            remedy="Push it, or leave --target out to deploy what lies on disk.",
        )
    return tip


def _options(wanted: Launch, target: Target | None) -> Options:
    try:
        most = Amount.parse(wanted.max_failures) if wanted.max_failures is not None else None
    except ValueError:
        raise UsageError(f"--max-failures {wanted.max_failures}: a count or a percentage, such as 3 or 10%") from None
    options = options_of(
        target, max_failures=most, strict=wanted.strict, force=wanted.force, at_once=wanted.at_once, priority=wanted.priority
    )
    return options.model_copy(update={"refresh": True}) if wanted.drifted else options

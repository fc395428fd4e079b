"""`infra plan` and `infra rollout`."""

import getpass
from collections.abc import Sequence
from typing import Annotated

import typer

from infra_assets.cli.context import Context
from infra_assets.cli.options import Environments, Form, Output, Projects, Rings, Tenants, Teps, selection
from infra_assets.cli.output import Format, stderr, write_matrix
from infra_assets.cli.watch import end, follow
from infra_assets.errors import DIFFERENCES, FAILED
from infra_assets.planning.parts import Plan
from infra_assets.planning.plan import ERROR, UNCHANGED, Planned
from infra_assets.reports.matrix import Row
from infra_assets.rollouts.launching import Launch, launch, planned
from infra_assets.rollouts.models import State, Trigger

Target = Annotated[
    str | None, typer.Option("--target", help="A target of targets.yaml: its branch, to its TEPs. Default: what lies on disk.")
]


def plan(
    teps: Teps = None, tenants: Tenants = None, environments: Environments = None, rings: Rings = None, projects: Projects = None,
    target: Target = None, form: Form = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """Show what a rollout would do, and why, cell by cell; runs nothing. Exit code 3 where there is something to do.

    Examples: infra plan --env prod · infra plan --target prod · infra plan --project network --format json
    """
    planner = Context().planner
    found = planned(planner, selection(teps, tenants, environments, rings, projects), planner.targets.get(target) if target else None)
    warn(found)
    rows = [planned_row(item) for item in found.planned]
    write_matrix(rows, form, output, extra={"commit": found.commit})
    if form is Format.TABLE:
        for row in rows:
            if row.cause and row.verdict != ERROR:
                stderr.print(f"{row.project}/{row.tep.name}: {row.cause}", style="dim", highlight=False, markup=False, soft_wrap=True)
        for resolution in found.resolutions.values():
            for problem in resolution.problems:
                stderr.print(f"{resolution.tep}: {problem}", style="red", highlight=False, markup=False, soft_wrap=True)
    if any(item.verdict == ERROR for item in found.planned):
        raise typer.Exit(FAILED)
    if any(item.verdict != UNCHANGED for item in found.planned):
        raise typer.Exit(DIFFERENCES)


def rollout(
    teps: Teps = None, tenants: Tenants = None, environments: Environments = None, rings: Rings = None, projects: Projects = None,
    target: Target = None,
    max_failures: Annotated[
        str | None, typer.Option("--max-failures", metavar="N|N%", help="More failed TEPs halt it. Default: the target's, or 10%.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Never more at once than failures are still tolerated, plus one.")
    ] = False,
    at_once: Annotated[bool, typer.Option("--at-once", help="All rings in one wave.")] = False,
    priority: Annotated[str, typer.Option("--priority", help="hotfix goes before everything that waits.")] = "rollout",
    drifted: Annotated[
        bool, typer.Option("--drifted", help="Only what was found drifted last: what was changed in the cloud is changed back.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Run the engine also where nothing changed.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until it ends, or waits for a person or a window.")] = False,
    form: Form = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """Deploy what changed, ring by ring: one Dagster run per TEP, under the cap. Exit code 1 where a cell failed, 4 where it halted.

    Examples: infra rollout --wait · infra rollout --target prod --max-failures 5% · infra rollout --tep customer1-prod --priority hotfix ·
    infra rollout --drifted --env prod --wait
    """
    if priority not in ("hotfix", "rollout"):
        raise typer.BadParameter("hotfix or rollout", param_hint="--priority")
    context = Context()
    chosen = selection(teps, tenants, environments, rings, projects)
    trigger = Trigger(kind="person", who=getpass.getuser(), detail="infra rollout")
    wanted = Launch(
        chosen,
        trigger,
        target,
        max_failures,
        True if strict else None,
        force,
        at_once,
        "hotfix" if priority == "hotfix" else "rollout",
        drifted,
    )
    launched = launch(context.planner, wanted)
    warn(launched.plan)
    if launched.rollout is None:
        write_matrix([planned_row(item) for item in launched.plan.planned], form, output, extra={"rollout_id": None})
        return
    client = context.dagster_started()
    watch = context.watch(launched.rollout.id, client)
    count, cap = len({item.cell.tep.name for item in launched.plan.planned if item.verdict not in (UNCHANGED, ERROR)}), client.cap()
    stderr.print(f"rollout {launched.rollout.id}: {count} runs, at most {cap} at once; {client.url}/runs", highlight=False)
    if cap == 0:
        stderr.print("the queue is frozen (INFRA_CAP=0): nothing starts until Dagster runs with a cap", style="yellow")
    if wait:
        ended = follow(context, watch)
    else:
        context.conductor(client).advance(launched.rollout.id)
        ended = watch.rollout
        stderr.print(f"infra rollouts show {ended.id} shows how it goes", style="dim")
    rows = [*watch.rows(), *_untouched(launched.plan.planned, watch.rows())]
    write_matrix(rows, form, output, extra={"rollout_id": ended.id, "rollout_state": ended.state.value})
    if wait or ended.state is State.WAITING:
        end(ended, watch.rows())


def _untouched(every: Sequence[Planned], shown: Sequence[Row]) -> list[Row]:
    """Return the rows of TEPs in which there was nothing to do: the rollout does not hold them."""
    known = {row.tep.name for row in shown}
    return [Row(item.cell.tep, item.cell.project.name, UNCHANGED) for item in every if item.cell.tep.name not in known]


def warn(found: Plan) -> None:
    """Show what the evaluation of the environments warned of, each once, and which projects the commit does not have any more."""
    said = dict.fromkeys(warning for resolution in found.resolutions.values() for warning in resolution.warnings)
    for warning in [*said, *found.told_orphans()]:
        stderr.print(f"warning: {warning}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def planned_row(item: Planned) -> Row:
    """Return a row of a plan's matrix."""
    return Row(item.cell.tep, item.cell.project.name, item.state, verdict=item.verdict, cause="; ".join(item.reasons))

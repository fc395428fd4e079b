"""`infra status` and `infra history`: what the ledger knows."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from infra_assets.cli.context import Context
from infra_assets.cli.options import Environments, Form, Output, Projects, Rings, Tenants, Teps, selection
from infra_assets.cli.output import Format, markdown_table, problems, stderr, write_matrix, write_table
from infra_assets.fleet.selection import Selection
from infra_assets.reports.matrix import Row, from_entry
from infra_assets.runs import OPERATION_TAG, Run
from infra_assets.stacks.ledger import DEPLOYING, FAILED, REMOVED, Entry, Key


def status(
    teps: Teps = None, tenants: Tenants = None, environments: Environments = None, rings: Rings = None, projects: Projects = None,
    form: Form = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """Show the state of every cell: TEPs by projects.

    Examples: infra status --env prod · infra status --format json
    """
    context = Context()
    chosen = selection(teps, tenants, environments, rings, projects)
    fleet, picked = context.teps(chosen), context.projects(chosen)
    latest = context.ledger.latest([tep.name for tep in fleet])
    client = context.dagster()
    active = {run.tep: run for run in client.runs(active=True)} if client else {}
    rows: list[Row] = []
    names = [*(project.name for project in picked), *_only_deployed(latest, context, chosen)]
    for tep in fleet:
        for project in names:
            entry = latest.get((tep.name, project))
            rows.append(from_entry(tep, project, entry, state=_state(entry, active.get(tep.name), known=client is not None)))
    write_matrix(rows, form, output)
    for problem in problems(rows):
        stderr.print(problem, style="red", highlight=False, soft_wrap=True)


def _only_deployed(latest: Mapping[Key, Entry], context: Context, chosen: Selection) -> list[str]:
    """Return projects that are deployed and do not lie on disk: another commit has them, or one had."""
    if chosen.projects:
        return []
    known = {item.name for item in (*context.catalogue.projects, *context.catalogue.problems)}
    return sorted({project for (_, project), entry in latest.items() if project not in known and entry.state != REMOVED})


def _state(entry: Entry | None, run: Run | None, *, known: bool) -> str:
    """Overrule the ledger where Dagster knows better: a run that waits, or a process that died without a word."""
    if entry is not None and entry.state == DEPLOYING and known and (run is None or run.id != entry.run_id):
        return FAILED
    if run is not None and run.tags.get(OPERATION_TAG) == "up" and (entry is None or entry.run_id != run.id):
        return "queued"
    return ""


def history(
    tep: Annotated[str, typer.Argument(help="A TEP, such as acme-prod.")],
    project: Annotated[str | None, typer.Option("--project", help="Only this project.")] = None,
    form: Form = Format.TABLE,
    output: Output = None,
) -> None:
    """Show what was done to a TEP's stacks, newest first.

    Example: infra history customer1-prod --project network
    """
    context = Context()
    context.registry.get(tep)
    entries = context.ledger.history(tep, project)
    if project and not entries:
        context.catalogue.get(project)  # says which there are
    headings = ("started", "project", "operation", "state", "changes", "took", "run")
    table = Table(*headings)
    for entry in entries:
        table.add_row(*_columns(entry))
    write_table(table, [_plain(entry) for entry in entries], markdown_table(headings, map(_columns, entries)), form, output)


def _columns(entry: Entry) -> tuple[str, ...]:
    changes = ", ".join(f"{name} {count}" for name, count in entry.changes.items())
    took = f"{entry.duration_s:.1f} s" if entry.duration_s is not None else ""
    return (f"{entry.started_at:%Y-%m-%d %H:%M:%S}", entry.project, entry.operation, entry.state, changes, took, (entry.run_id or "")[:8])


def _plain(entry: Entry) -> dict[str, Any]:
    return {
        "tep": entry.tep, "project": entry.project, "operation": entry.operation, "state": entry.state, "changes": dict(entry.changes),
        "inputs": dict(entry.inputs), "outputs": dict(entry.outputs), "run_id": entry.run_id, "rollout_id": entry.rollout_id,
        "started_at": entry.started_at.isoformat(), "finished_at": entry.finished_at.isoformat() if entry.finished_at else None,
        "duration_s": entry.duration_s, "message": entry.message, "environments": dict(entry.environments or {}),
    }  # fmt: skip

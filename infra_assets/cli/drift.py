"""`infra drift`: what differs from the cloud, and what is merged or configured and not applied."""

import getpass
from dataclasses import replace
from typing import Annotated

import typer

from infra_assets.cli.checking import exit_by, follow, write_report
from infra_assets.cli.context import Context
from infra_assets.cli.options import Environments, Output, Projects, ReportForm, Rings, Tenants, Teps, selection
from infra_assets.cli.output import Format, stderr, write_table
from infra_assets.errors import DIFFERENCES, FAILED, UsageError
from infra_assets.fleet.selection import Selection
from infra_assets.previews.beginning import begin_drift
from infra_assets.reports.report import Report


def drift(
    compared: Annotated[list[str] | None, typer.Argument(metavar="[ENV [ENV]]", help="With --parity: one or two environments.")] = None,
    teps: Teps = None, tenants: Tenants = None, environments: Environments = None, rings: Rings = None, projects: Projects = None,
    last: Annotated[bool, typer.Option("--last", help="Show the last check again; looks at nothing.")] = False,
    bare: Annotated[bool, typer.Option("--bare", help="A line a cell: its name, a tab, 0 or 1 (not in sync, or not to be told).")] = False,
    parity: Annotated[
        bool, typer.Option("--parity", help="Compare two environments of each tenant, or one environment across tenants.")
    ] = False,
    form: ReportForm = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """Compare every stack with the cloud, and with what is merged and configured. Changes nothing.

    Exit code 0: all in sync; 1: something could not be checked; 3: something differs.

    Examples: infra drift · infra drift --tenant acme --project network · infra drift --parity stag prod · infra drift --last --format html
    --output report.html
    """
    context = Context()
    chosen = selection(teps, tenants, environments, rings, projects)
    if parity:
        _parity(context, chosen, compared or [], form, output)
        return
    if compared:
        raise UsageError(f"{' '.join(compared)}: environments are compared with --parity", remedy="Or choose TEPs: --env, --tep, --tenant.")
    if last:
        check = context.checks.get("last", kind="drift")
    else:
        check = begin_drift(context.planner, context.teps(chosen), chosen, getpass.getuser())
        stderr.print(f"check {check.id}: {len(check.teps)} TEPs, {len(check.projects)} projects", highlight=False)
        check = follow(context, check)
    report = context.report(check)
    if last:
        report = _part(report, chosen)
    write_report(report, form, output, bare=bare)
    exit_by(report)


def _part(report: Report, chosen: Selection) -> Report:
    """Return the part of a report that is meant."""
    teps = {tep.name for tep in chosen.pick({row.tep.name: row.tep for row in report.rows}.values())}
    projects = chosen.pick_projects(dict.fromkeys(row.project for row in report.rows))
    return replace(report, rows=[row for row in report.rows if row.tep.name in teps and row.project in projects])


def _parity(context: Context, chosen: Selection, compared: list[str], form: Format, output: Output) -> None:
    from infra_assets.previews.parity.parity import parity
    from infra_assets.previews.parity.report import as_markdown, notes, parity_table

    if form is Format.CSV:
        raise UsageError("--parity has no CSV", remedy="--format json has every value.")
    found = parity(context.planner, chosen, compared)
    write_table(parity_table(found), found.as_json(), as_markdown(found), form, output)
    if form is Format.TABLE:
        for note in notes(found):
            stderr.print(note, highlight=False, markup=False, soft_wrap=True)
    if found.unread:
        raise typer.Exit(FAILED)
    if not found.alike:
        raise typer.Exit(DIFFERENCES)

"""`infra checks`: previews and drift checks, those that go on and those that were."""

from typing import Annotated, Any

import typer
from rich.table import Table

from infra_assets.cli.checking import write_report
from infra_assets.cli.context import Context
from infra_assets.cli.options import Form, Output, ReportForm
from infra_assets.cli.output import Format, markdown_table, stderr, write_table
from infra_assets.previews.models import Check

app = typer.Typer(help="Previews and drift checks: those that go on, and those that were.", no_args_is_help=True)
HEADINGS = ("id", "kind", "state", "begun", "by", "what")

Id = Annotated[str, typer.Argument(help="A check's id, how it begins, or last.")]


@app.command("list")
def list_checks(form: Form = Format.TABLE, output: Output = None) -> None:
    """List previews and drift checks, newest first.

    Example: infra checks list --format json
    """
    found = Context().checks.checks()
    table = Table(*HEADINGS)
    for check in found:
        table.add_row(*_columns(check))
    write_table(table, [_plain(check) for check in found], markdown_table(HEADINGS, map(_columns, found)), form, output)


@app.command()
def show(check: Id, form: ReportForm = Format.TABLE, output: Output = None) -> None:
    """Show a check's report.

    Examples: infra checks show last · infra checks show 20261129 --format html --output report.html
    """
    context = Context()
    write_report(context.report(context.checks.get(check)), form, output)


@app.command()
def stop(check: Id) -> None:
    """Stop a check: what was not looked at stays so, and its report says so.

    Example: infra checks stop 20261129T0200
    """
    context = Context()
    found = context.checks.get(check)
    conductor = context.check_conductor(context.dagster())
    conductor.stop(found.id)
    conductor.advance(found.id)
    stderr.print(f"check {found.id} is {context.checks.get(found.id).state}", highlight=False)


def _columns(check: Check) -> tuple[str, ...]:
    return (check.id, check.kind, check.state.value, f"{check.created_at:%Y-%m-%d %H:%M:%S}", check.who, check.title)


def _plain(check: Check) -> dict[str, Any]:
    return {
        "id": check.id, "kind": check.kind, "state": check.state.value, "title": check.title, "about": dict(check.about), "who": check.who,
        "created_at": check.created_at.isoformat(), "finished_at": check.finished_at.isoformat() if check.finished_at else None,
    }  # fmt: skip

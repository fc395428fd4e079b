"""`infra fleet`: tenants as data."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from infra_assets.cli.context import Context
from infra_assets.cli.options import Environments, Form, Output, Rings, Tenants, Teps, selection
from infra_assets.cli.output import Format, stderr, write_table
from infra_assets.environments.layers import root
from infra_assets.fleet.accounts import Organization
from infra_assets.fleet.document import read
from infra_assets.fleet.importer import import_fleet
from infra_assets.fleet.models import Tep
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.stacks.console import account_link

app = typer.Typer(help="Tenants as data: which TEPs there are.", no_args_is_help=True)

HEADINGS = ("TEP", "ring", "region", "account")


@app.command("import")
def import_(file: Annotated[Path, typer.Argument(help="A fleet file, such as fleet.yaml.")]) -> None:
    """Bring in a fleet file: adds and updates TEPs, creates AWS accounts for those that have none.

    Example: infra fleet import fleet.yaml
    """
    context = Context()
    document = read(file)
    context.sandbox.check()
    organization = Organization(Aws(environment(context.settings)), email=context.settings.account_email)
    organization.ensure()

    def create(name: str) -> str:
        stderr.print(f"creating an AWS account for {name}", style="dim")
        return organization.create_account(name)

    done = import_fleet(document, context.registry, create)
    if client := context.dagster():
        client.prepare(done.added, {})
    for what, names in (("added", done.added), ("changed", done.changed), ("unchanged", done.unchanged)):
        if names:
            stderr.print(f"{what}: {', '.join(names)}", highlight=False)


@app.command("list")
def list_(
    teps: Teps = None, tenants: Tenants = None, environments: Environments = None, rings: Rings = None,
    form: Form = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """List the TEPs.

    Example: infra fleet list --ring beta --format json
    """
    found = Context().teps(selection(teps, tenants, environments, rings))
    table = Table(*HEADINGS)
    for tep in found:
        table.add_row(*_row(tep))
    markdown = "\n".join(
        ["| " + " | ".join(HEADINGS) + " |", "|" + " --- |" * len(HEADINGS), *(f"| {' | '.join(_row(t))} |" for t in found)]
    )
    write_table(table, [_plain(tep) for tep in found], markdown, form, output)


@app.command()
def show(tep: Annotated[str, typer.Argument(help="A TEP, such as acme-prod.")], form: Form = Format.TABLE, output: Output = None) -> None:
    """Show what the register knows of a TEP; `infra env show` shows its configuration.

    Example: infra fleet show ourcompany-prod
    """
    found = Context().registry.get(tep)
    plain = _plain(found) | {"external_id": found.external_id, "configuration": root(found), "console": account_link(found)}
    rows = [(name, str(value)) for name, value in plain.items()]
    table = Table(show_header=False)
    for name, value in rows:
        table.add_row(name, value)
    write_table(table, plain, "\n".join(f"- {name}: {value}" for name, value in rows), form, output)


def _row(tep: Tep) -> tuple[str, ...]:
    return (tep.name, tep.ring.value, tep.region, tep.account_id)


def _plain(tep: Tep) -> dict[str, Any]:
    fields = asdict(tep)
    return {"tep": tep.name, **{name: fields[name] for name in ("tenant", "environment", "ring", "region", "account_id")}}

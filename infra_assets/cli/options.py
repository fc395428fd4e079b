"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from infra_assets.cli.output import Format
from infra_assets.fleet.selection import Selection

Teps = Annotated[list[str] | None, typer.Option("--tep", help="TEPs, by name or shell glob: acme-prod, '*-prod'. Repeatable.")]
Tenants = Annotated[list[str] | None, typer.Option("--tenant", help="Tenants. Repeatable.")]
Environments = Annotated[list[str] | None, typer.Option("--env", help="Environments: dev, prod. Repeatable.")]
Rings = Annotated[list[str] | None, typer.Option("--ring", help="Rings: internal, beta, regular. Repeatable.")]
Projects = Annotated[list[str] | None, typer.Option("--project", help="Projects: network, cluster. Repeatable.")]
Form = Annotated[Format, typer.Option("--format", help="How the result is printed.")]
ReportForm = Annotated[Format, typer.Option("--format", help="How the report is printed.")]
Output = Annotated[Path | None, typer.Option("--output", help="Write the result to a file instead of stdout.", dir_okay=False)]


def selection(
    teps: list[str] | None,
    tenants: list[str] | None = None,
    environments: list[str] | None = None,
    rings: list[str] | None = None,
    projects: list[str] | None = None,
) -> Selection:
    """Return what the options select."""
    return Selection(teps or (), tenants or (), environments or (), rings or (), projects or ())

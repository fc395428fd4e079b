"""`infra env usage`."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from infra_assets.cli.context import Context
from infra_assets.cli.options import Form, Output
from infra_assets.cli.output import Format, markdown_table, plain_table, write_table
from infra_assets.environments.usage import Usage, Use, totals
from infra_assets.fleet.database import connect

HEADINGS = ("environment", "opens", "secrets", "values")


def usage(
    days: Annotated[int, typer.Option("--days", min=1, help="How many days, today included.")] = 30,
    daily: Annotated[bool, typer.Option("--daily", help="A line for each environment and day.")] = False,
    price_secret: Annotated[float | None, typer.Option(help="What a service charges for a secret and month.")] = None,
    price_opens: Annotated[float | None, typer.Option(help="What a service charges for 10,000 opens.")] = None,
    form: Form = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """Show what environments are used: opens, secrets and values, and what that would cost at a service's prices.

    Example: infra env usage --days 7 --price-secret 0.50 --price-opens 0.10
    """
    uses = Usage(connect(Context().settings.database_url)).read(days=days)
    total = list(totals(uses).values())
    shown = uses if daily else total
    headings = ("day", *HEADINGS) if daily else HEADINGS
    rows = [_row(use, daily=daily) for use in shown]
    summary: dict[str, Any] = {"opens": sum(use.opens for use in total), "secrets": sum(use.secrets for use in total),
                               "values": sum(use.values for use in total)}  # fmt: skip
    if price_secret is not None or price_opens is not None:
        summary["cost_30_days"] = _cost(summary, days, price_secret or 0, price_opens or 0)
    table = plain_table(headings, rows, caption=", ".join(f"{name} {value}" for name, value in summary.items()))
    plain = {"days": days, "summary": summary, "environments": [_plain(use, daily=daily) for use in shown]}
    write_table(table, plain, markdown_table(headings, rows), form, output)


def _cost(summary: dict[str, Any], days: int, price_secret: float, price_opens: float) -> float:
    """Return what thirty such days come to."""
    return round(summary["secrets"] * price_secret + summary["opens"] * 30 / days / 10_000 * price_opens, 2)


def _row(use: Use, *, daily: bool) -> tuple[str, ...]:
    counts = (use.environment, str(use.opens), str(use.secrets), str(use.values))
    return (str(use.day), *counts) if daily else counts


def _plain(use: Use, *, daily: bool) -> dict[str, Any]:
    plain = asdict(use) | {"day": str(use.day)}
    return plain if daily else {name: value for name, value in plain.items() if name != "day"}

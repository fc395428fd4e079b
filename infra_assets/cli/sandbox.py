"""`infra sandbox`: the embedded AWS, engine, provider and state."""

from typing import Annotated, Any

import typer
from rich.table import Table

from infra_assets.cli.context import Context
from infra_assets.cli.options import Form, Output
from infra_assets.cli.output import Format, stderr, write_table
from infra_assets.errors import FAILED, UsageError

app = typer.Typer(help="The embedded default: AWS by moto, the real engine and AWS provider, no cloud account.", no_args_is_help=True)


@app.command()
def up() -> None:
    """Get engine and provider, start the AWS emulator. A second time it does nothing.

    Example: infra sandbox up
    """
    running = Context().sandbox.up(lambda text: stderr.print(text, style="dim", highlight=False))
    stderr.print(f"sandbox is up: AWS at {running.server_url}", highlight=False)


@app.command()
def down(
    force: Annotated[bool, typer.Option("--force", help="Stop runs that are going on, gracefully.")] = False,
) -> None:
    """Stop Dagster and the AWS emulator, whose memory is lost: `reset` before the next rollout.

    Example: infra sandbox down
    """
    context = Context()
    if force:
        context.services.stop_workers()
    else:
        _refuse_while_runs_go_on(context)
    dagster, aws = context.services.stop(), context.sandbox.down()
    stderr.print("stopped: " + (" and ".join(name for name, was in (("Dagster", dagster), ("AWS", aws)) if was) or "nothing ran"))


@app.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Put the emulator, Pulumi's state and the ledger back to nothing, together; the sandbox is up afterwards.

    Example: infra sandbox reset --yes
    """
    context = Context()
    if context.settings.cloud != "sandbox":
        raise UsageError("INFRA_CLOUD is not the sandbox: there is nothing here that may be reset")
    _refuse_while_runs_go_on(context)
    if not yes:
        typer.confirm("Forget every resource, state, TEP and operation of the sandbox?", abort=True, err=True)
    context.services.stop()
    context.sandbox.reset()
    Context().sandbox.up(lambda text: stderr.print(text, style="dim", highlight=False))
    stderr.print("the sandbox is empty; infra fleet import FILE brings in a fleet")


def _refuse_while_runs_go_on(context: Context) -> None:
    client = context.dagster()
    active = client.runs(active=True) if client else []
    if active:
        teps = ", ".join(sorted(run.tep for run in active))
        raise UsageError(f"{len(active)} runs are going on: {teps}", remedy="Wait for them, or stop them: infra sandbox down --force.")
    if workers := context.services.workers():
        pids = ", ".join(str(worker.pid) for worker in workers)
        raise UsageError(
            f"deployments go on without a Dagster that knows of them: processes {pids}",
            remedy="Wait for them, or stop them: infra sandbox down --force.",
        )


@app.command()
def status(form: Form = Format.TABLE, output: Output = None) -> None:
    """Show what runs, where, and whether emulator, state and ledger agree. Exit code 1 where they do not.

    Example: infra sandbox status --format json
    """
    context = Context()
    found = context.sandbox.status()
    plain: dict[str, Any] = {
        "aws_endpoint": found.emulator.server_url if found.emulator else None,
        "aws_proxy": found.emulator.proxy_url if found.emulator else None,
        "aws_ca_bundle": str(found.emulator.ca_bundle) if found.emulator else None,
        "state_backend": context.settings.state_backend,
        "dagster_url": context.services.url(),
        "healthy": found.healthy,
        "agrees": found.agrees,
        "accounts": {tep.name: tep.account_id for tep in context.registry.list()},
    }
    table = Table(show_header=False)
    for name, value in plain.items():
        table.add_row(name, "\n".join(f"{tep} {value[tep]}" for tep in value) if name == "accounts" else str(value))
    write_table(table, plain, "\n".join(f"- {name}: {value}" for name, value in plain.items()), form, output)
    if found.emulator and not found.agrees:
        stderr.print("the emulator was restarted and has forgotten what state and ledger speak of: infra sandbox reset", style="bold red")
    if not (found.healthy and found.agrees):
        raise typer.Exit(FAILED)

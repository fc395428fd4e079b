"""`infra`: the command's entry, and how its errors end."""

import sys
from typing import Annotated

import typer
from rich.markup import escape

from infra_assets.cli import checks, drift, env, fleet, preview, rollout, rollouts, sandbox, status, system, unlock
from infra_assets.cli.output import stderr
from infra_assets.errors import FAILED, InfraError

INTERRUPTED = 130
"""How a command that Ctrl-C ended exits, as a shell has it."""

app = typer.Typer(
    help="The control plane of a fleet of Pulumi stacks: every tenant-environment pair (TEP) in an AWS account of its own.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(fleet.app, name="fleet")
app.add_typer(env.app, name="env")
app.add_typer(rollouts.app, name="rollouts")
app.add_typer(checks.app, name="checks")
for command in (
    rollout.plan,
    rollout.rollout,
    preview.preview,
    drift.drift,
    status.status,
    status.history,
    system.doctor,
    system.ui,
    unlock.unlock,
):
    app.command()(command)


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=system.print_version, is_eager=True)
    ] = False,
) -> None:
    """Exit codes: 0 done, nothing differs; 1 failed; 2 usage; 3 differences found; 4 halted, or waits for approval."""


def run() -> None:
    """Run the command; an error for people is printed as such, with what to do next."""
    try:
        app()
    except InfraError as error:
        stderr.print(f"[bold red]error:[/] {escape(error.message)}", highlight=False, soft_wrap=True)
        if error.remedy:
            stderr.print(escape(error.remedy), highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == INTERRUPTED:
            stderr.print("interrupted", style="yellow")
        raise
    except KeyboardInterrupt:
        stderr.print("interrupted", style="yellow")
        sys.exit(FAILED)

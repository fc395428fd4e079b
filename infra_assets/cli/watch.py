"""Watches a rollout from a command: Ctrl-C halts it and lets what runs stop gracefully; how it ended is the exit code."""

import getpass
from collections.abc import Sequence

import typer

from infra_assets.cli.context import Context
from infra_assets.cli.output import problems, stderr
from infra_assets.cli.progress import Progress
from infra_assets.errors import FAILED, HALTED
from infra_assets.reports.matrix import Row
from infra_assets.rollouts.models import GOOD, Rollout, State
from infra_assets.rollouts.watching import Watch


def follow(_context: Context, watch: Watch) -> Rollout:
    """Show a live table until the rollout ends or stands; Ctrl-C halts it, a second one stops watching."""
    with Progress() as progress:
        try:
            return watch.wait(progress.show)
        except KeyboardInterrupt:
            progress.note("stopping: nothing new will start, what runs finishes the resource it is at")
            watch.stop(getpass.getuser())
        ended = watch.wait(progress.show)
    not_done = [f"{row.project}/{row.tep.name}" for row in watch.rows() if row.state not in GOOD]
    stderr.print(f"rollout {ended.id} was stopped. Not done: {', '.join(not_done) or 'nothing'}", style="yellow", soft_wrap=True)
    return ended


def end(rollout: Rollout, rows: Sequence[Row]) -> None:
    """Say what went wrong and what to do next; exit by how the rollout stands."""
    for problem in problems([row for row in rows if row.state in ("failed", "skipped")]):
        stderr.print(problem, style="red", highlight=False, markup=False, soft_wrap=True)
    match rollout.state:
        case State.FAILED:
            _say(f"rollout {rollout.id} ended with failures", f"infra rollouts resume {rollout.id} goes on with what is not done")
            raise typer.Exit(FAILED)
        case State.HALTED:
            _say(f"rollout {rollout.id} is halted: {rollout.reason}", f"infra rollouts resume {rollout.id} goes on with what is not done")
            raise typer.Exit(HALTED)
        case State.WAITING:
            approve = f"infra rollouts approve {rollout.id} lets it go on" if rollout.approval else "it goes on by itself"
            _say(f"rollout {rollout.id} {rollout.reason}", approve)
            raise typer.Exit(HALTED)
        case _:
            return


def _say(what: str, remedy: str) -> None:
    stderr.print(what, style="bold red", highlight=False, markup=False, soft_wrap=True)
    stderr.print(remedy, highlight=False, markup=False, soft_wrap=True)

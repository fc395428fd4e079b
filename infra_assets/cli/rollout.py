"""`infra plan` and `infra rollout`."""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from infra_assets.cli.context import Context
from infra_assets.cli.options import Environments, Form, Output, Projects, Rings, Tenants, Teps, selection
from infra_assets.cli.output import Format, matrix_table, problems, stderr, write_matrix
from infra_assets.environments.resolution import Resolution
from infra_assets.errors import DIFFERENCES, FAILED
from infra_assets.reports.matrix import Row
from infra_assets.rollouts.plan import ERROR, UNCHANGED, Planned
from infra_assets.rollouts.rollout import GOOD, Rollout, Watch, start


def plan(
    teps: Teps = None, tenants: Tenants = None, environments: Environments = None, rings: Rings = None, projects: Projects = None,
    form: Form = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """Show what a rollout would do, and why, cell by cell; runs nothing. Exit code 3 where there is something to do.

    Examples: infra plan --env prod · infra plan --project network --format json
    """
    planned, resolutions = Context().plan(selection(teps, tenants, environments, rings, projects))
    warn(resolutions)
    rows = [_planned_row(item) for item in planned]
    write_matrix(rows, form, output)
    if form is Format.TABLE:
        for row in rows:
            if row.cause and row.verdict != ERROR:
                stderr.print(f"{row.project}/{row.tep.name}: {row.cause}", style="dim", highlight=False, markup=False, soft_wrap=True)
        for resolution in resolutions.values():
            for problem in resolution.problems:
                stderr.print(f"{resolution.tep}: {problem}", style="red", highlight=False, markup=False, soft_wrap=True)
    if any(item.verdict == ERROR for item in planned):
        raise typer.Exit(FAILED)
    if any(item.verdict != UNCHANGED for item in planned):
        raise typer.Exit(DIFFERENCES)


def rollout(
    teps: Teps = None, tenants: Tenants = None, environments: Environments = None, rings: Rings = None, projects: Projects = None,
    force: Annotated[bool, typer.Option("--force", help="Run the engine also where nothing changed.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress until every run has ended.")] = False,
    form: Form = Format.TABLE, output: Output = None,
) -> None:  # fmt: skip
    """Deploy what changed: one Dagster run per TEP, under the cap. Exit code 1 where a cell failed.

    Examples: infra rollout --wait · infra rollout --ring internal --wait · infra rollout --tep customer1-prod --project cluster
    """
    context = Context()
    planned, resolutions = context.plan(selection(teps, tenants, environments, rings, projects), force=force)
    warn(resolutions)
    if all(item.verdict == UNCHANGED for item in planned):
        write_matrix([_planned_row(item) for item in planned], form, output, extra={"rollout_id": None})
        return
    client = context.dagster_started()
    started = start(planned, client, context.ledger, context.hand_over(resolutions), force=force)
    count, cap = len(started.run_ids), client.cap()
    stderr.print(f"rollout {started.id}: {count} runs, at most {cap} at once; {client.url}/runs", highlight=False)
    if cap == 0:
        stderr.print("the queue is frozen (INFRA_CAP=0): nothing starts until Dagster runs with a cap", style="yellow")
    watch = Watch(started, client, context.ledger)
    if not wait:
        rows, _ = watch.look()
        write_matrix(rows, form, output, extra={"rollout_id": started.id})
        stderr.print("infra status shows how it goes", style="dim")
        return
    rows = _follow(started, watch)
    context.handover.drop(started.id)
    write_matrix(rows, form, output, extra={"rollout_id": started.id})
    for problem in problems(rows):
        stderr.print(problem, style="red", highlight=False, soft_wrap=True)
    if any(row.state not in GOOD for row in rows):
        raise typer.Exit(FAILED)


def warn(resolutions: Mapping[str, Resolution]) -> None:
    """Show what the evaluation of the environments warned of, each once."""
    said = dict.fromkeys(warning for resolution in resolutions.values() for warning in resolution.warnings)
    for warning in said:
        stderr.print(f"warning: {warning}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def _follow(started: Rollout, watch: Watch) -> list[Row]:
    """Show a live table until all runs have ended; Ctrl-C asks them to stop, a second one stops watching."""
    began = time.monotonic()
    with Progress(began) as progress:
        try:
            return watch.wait(progress.show)
        except KeyboardInterrupt:
            progress.note("stopping: queued runs will not start, running ones finish the resource they are at")
            watch.stop()
        rows = watch.wait(progress.show, stopping=True)
    not_done = [f"{row.project}/{row.tep.name}" for row in rows if row.state not in GOOD]
    stderr.print(f"rollout {started.id} was stopped. Not done: {', '.join(not_done) or 'nothing'}", style="yellow", soft_wrap=True)
    return rows


class Progress:
    """The live table on a terminal; elsewhere a line for each cell whose state changes."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._live = Live(console=stderr, transient=True, auto_refresh=False) if stderr.is_terminal else None
        self._note = ""
        self._said: dict[tuple[str, str], str] = {}

    def __enter__(self) -> "Progress":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def note(self, text: str) -> None:
        """Say something besides the states."""
        self._note = text
        if self._live is None:
            stderr.print(text)

    def show(self, rows: Sequence[Row]) -> None:
        """Show the states as they are now."""
        elapsed = time.monotonic() - self._began
        if self._live:
            counts = ", ".join(f"{count} {state}" for state, count in _counts(rows).items())
            self._live.update(
                Group(matrix_table(rows), Text(f"{elapsed:.0f} s · {counts}"), Text(self._note, style="yellow")), refresh=True
            )
            return
        for row in rows:
            key = (row.tep.name, row.project)
            if self._said.get(key, "queued") != row.state and row.state != UNCHANGED:
                stderr.print(f"{elapsed:6.1f} s  {row.project}/{row.tep.name} {row.state}", highlight=False)
            self._said[key] = row.state


def _counts(rows: Sequence[Row]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + 1
    return counts


def _planned_row(item: Planned) -> Row:
    return Row(item.cell.tep, item.cell.project.name, item.state, verdict=item.verdict, cause="; ".join(item.reasons))

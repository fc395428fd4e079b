"""`infra rollouts`: what was and is rolled out, and control of it."""

import getpass
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from infra_assets.cli.context import Context
from infra_assets.cli.options import Form, Output
from infra_assets.cli.output import (
    Format,
    markdown_table,
    matrix_table,
    plain_table,
    problems,
    stderr,
    write,
    write_matrix,
    write_table,
    write_tables,
)
from infra_assets.cli.progress import Progress
from infra_assets.cli.watch import end, follow
from infra_assets.errors import UsageError
from infra_assets.reports.matrix import as_json, as_markdown
from infra_assets.rollouts.control import LEFT_ALONE
from infra_assets.rollouts.models import MOVING, Event, Rollout, State
from infra_assets.rollouts.watching import rows as rows_of
from infra_assets.runs import NoRuns

app = typer.Typer(help="Rollouts: list, show, halt, resume, approve, roll back.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="A rollout, by its id or how that begins; `last` is the newest.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show progress until it ends, or waits for a person or a window.")]


@app.command("list")
def list_(
    target: Annotated[str | None, typer.Option("--target", help="Only this target's.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")] = 20,
    form: Form = Format.TABLE,
    output: Output = None,
) -> None:
    """List rollouts, newest first.

    Example: infra rollouts list --target prod
    """
    context = Context()
    store = context.rollouts
    found = store.rollouts(target=target, limit=limit)
    if target and not found:
        context.planner.targets.get(target)  # says which there are
    headings = ("id", "state", "target", "asked for by", "commit", "cells", "started", "took", "reason")
    lines = [_line(rollout, store.counts(rollout.id)) for rollout in found]
    plain = [about(rollout) | {"cells": store.counts(rollout.id)} for rollout in found]
    write_table(plain_table(headings, lines), plain, markdown_table(headings, lines), form, output)


@app.command()
def show(
    rollout_id: Id,
    follow_: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on showing it until it ends or waits; Ctrl-C just stops showing.")
    ] = False,
    form: Form = Format.TABLE,
    output: Output = None,
) -> None:
    """Show one rollout: who asked, from where to where, its waves, its cells, and all that happened to it.

    Examples: infra rollouts show last · infra rollouts show 3f2a --follow
    """
    context = Context()
    rollout = _get(context, rollout_id)
    if follow_:
        rollout = _show_on(context, rollout)
    elif rollout.state in (State.PENDING, *MOVING) and (missing := context.services.missing()):
        gone = f"Dagster's {', '.join(missing)} does not run: nothing moves it on. infra ui starts what is missing"
        stderr.print(gone, style="yellow", highlight=False, soft_wrap=True)
    store, fleet = context.rollouts, context.fleet()
    rows, events = rows_of(store, rollout.id, fleet), store.events(rollout.id)
    facts = _facts(context, rollout)
    if form is Format.JSON:
        content = about(rollout) | as_json(rows) | {"links": facts.get("diff", ""), "events": [_event(event) for event in events]}
        write(json.dumps(content, indent=2), output)
        return
    history = [(f"{event.at:%Y-%m-%d %H:%M:%S}", event.kind, event.who, event.message) for event in events]
    headings = ("at", "what", "who", "")
    if form is Format.MD:
        told = "\n".join(f"- **{name}**: {value}" for name, value in facts.items())
        write(f"{told}\n\n{as_markdown(rows)}\n\n{markdown_table(headings, history)}", output)
        return
    write_tables([plain_table(("", ""), list(facts.items())), matrix_table(rows), plain_table(headings, history)], form, output)
    for problem in problems(rows):
        stderr.print(problem, style="red", highlight=False, markup=False, soft_wrap=True)


@app.command()
def halt(
    rollout_id: Id,
    reason: Annotated[str, typer.Option("--reason", help="Why; for the history and for those who are told.")] = "",
    give_up: Annotated[
        bool, typer.Option("--give-up", help="For good: it is never resumed, and keeps nothing waiting. Also of one that has halted.")
    ] = False,
) -> None:
    """Start nothing new of a rollout; what runs goes on to its end.

    Examples: infra rollouts halt last --reason "customer2 has called" · infra rollouts halt 3f2a --give-up
    """
    context = Context()
    rollout = _get(context, rollout_id)
    who = getpass.getuser()
    if give_up:
        context.conductor(context.dagster() or NoRuns()).halt(rollout.id, reason or f"halted by {who}", who)
        context.control.give_up(rollout.id, who)
        stderr.print(f"rollout {rollout.id} is given up", highlight=False)
        return
    # Without a Dagster nothing goes on that would have to be stopped: what it still had queued will not find its request.
    if not context.conductor(context.dagster() or NoRuns()).halt(rollout.id, reason or f"halted by {who}", who):
        raise UsageError(f"rollout {rollout.id} is {rollout.state}: there is nothing to halt")
    stderr.print(f"rollout {rollout.id} is halted; infra rollouts resume {rollout.id} goes on", highlight=False)


@app.command()
def resume(
    rollout_id: Id,
    exactly: Annotated[
        bool, typer.Option("--exactly", help="Also TEPs that failed get their own environments as they were pinned, not as they are now.")
    ] = False,
    wait: Wait = False,
) -> None:
    """Go on with exactly what a halted or failed rollout has not done, from the same commit and the same environments.

    Example: infra rollouts resume last --wait
    """
    context = Context()
    rollout = _get(context, rollout_id)
    resumed = context.control.resume(rollout.id, getpass.getuser(), exactly=exactly)
    for name, (pinned, now) in resumed.mended.items():
        stderr.print(f"{name}: {pinned[:8] or 'new'} → {now[:8]}", style="dim", highlight=False)
    for cell in resumed.left:
        stderr.print(f"{cell} is left alone: something newer has deployed it since", style="yellow", highlight=False)
    stderr.print(
        f"rollout {rollout.id} goes on with {len(resumed.cells)} cells: {', '.join(resumed.cells)}", highlight=False, soft_wrap=True
    )
    _go_on(context, rollout.id, wait=wait)


@app.command()
def approve(rollout_id: Id, wait: Wait = False) -> None:
    """Let a rollout go on that waits for an approval.

    Example: infra rollouts approve 3f2a
    """
    context = Context()
    rollout = _get(context, rollout_id)
    context.control.approve(rollout.id, getpass.getuser())
    stderr.print(f"rollout {rollout.id} is approved: {rollout.approval}", highlight=False, soft_wrap=True)
    _go_on(context, rollout.id, wait=wait)


@app.command()
def rollback(rollout_id: Id, wait: Wait = False) -> None:
    """Return the cells that a rollout has changed to what they were deployed from before it, as a rollout of its own.

    Example: infra rollouts rollback last --wait
    """
    context = Context()
    rollout = _get(context, rollout_id)
    started = context.control.rollback(rollout.id, getpass.getuser())
    typer.echo(started.id)
    stderr.print(f"rollout {started.id} takes back what {rollout.id} has changed", highlight=False)
    for event in context.rollouts.events(started.id):
        if event.kind == LEFT_ALONE:
            stderr.print(f"left alone: {event.message}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    _go_on(context, started.id, wait=wait)


def _go_on(context: Context, rollout_id: str, *, wait: bool) -> None:
    client = context.dagster_started()
    if not wait:
        context.conductor(client).advance(rollout_id)
        return
    watch = context.watch(rollout_id, client)
    ended = follow(context, watch)
    write_matrix(watch.rows(), Format.TABLE, None)
    end(ended, watch.rows())


def _show_on(context: Context, rollout: Rollout) -> Rollout:
    client = context.dagster_started()
    try:
        with Progress() as progress:
            return context.watch(rollout.id, client).wait(progress.show)
    except KeyboardInterrupt:
        return context.rollouts.get(rollout.id)


def _get(context: Context, rollout_id: str) -> Rollout:
    return context.rollouts.get(rollout_id)


def about(rollout: Rollout) -> dict[str, Any]:
    """Return a rollout as JSON shows it."""
    return {
        "id": rollout.id, "state": rollout.state.value, "reason": rollout.reason, "kind": rollout.kind, "of": rollout.of,
        "target": rollout.target, "triggers": [str(trigger) for trigger in rollout.triggers], "commit": rollout.commit,
        "previous_commit": rollout.previous_commit, "environments": dict(rollout.pins),
        "changed_environments": {name: list(pair) for name, pair in rollout.changed.items()},
        "options": rollout.options.model_dump(mode="json"), "approval": rollout.approval, "until": _moment(rollout.until),
        "waves": [asdict(wave) for wave in rollout.waves],
        "wave": rollout.wave, "created_at": _moment(rollout.created_at), "finished_at": _moment(rollout.finished_at),
    }  # fmt: skip


def _facts(context: Context, rollout: Rollout) -> dict[str, str]:
    known = context.planner.past.link(rollout.previous_commit, rollout.commit)
    waves = [
        f"{wave.name}{' ✓' if wave.ended_at else ' …' if number == rollout.wave and rollout.open else ''}"
        for number, wave in enumerate(rollout.waves)
    ]
    every = {
        "rollout": f"{rollout.id} ({rollout.kind}{f' of {rollout.of}' if rollout.of else ''})",
        "state": rollout.standing,
        "asked for by": "; ".join(map(str, rollout.triggers)),
        "target": rollout.target or "",
        "commit": context.planner.past.way(rollout.previous_commit, rollout.commit),
        "commits": "; ".join(context.planner.past.subjects(rollout.previous_commit, rollout.commit)),
        "diff": known,
        "environments": ", ".join(f"{name} {before[:8]} → {now[:8]}" for name, (before, now) in rollout.changed.items()),
        "waves": " · ".join(waves),
        "started": f"{rollout.created_at:%Y-%m-%d %H:%M:%S}",
        "took": _took(rollout),
    }
    return {name: value for name, value in every.items() if value}


def _line(rollout: Rollout, counts: Mapping[str, int]) -> Sequence[str]:
    return (
        rollout.id, rollout.state.value, rollout.target or "", "; ".join(map(str, rollout.triggers)), (rollout.commit or "")[:8],
        ", ".join(f"{count} {state}" for state, count in counts.items()), f"{rollout.created_at:%Y-%m-%d %H:%M:%S}", _took(rollout),
        rollout.reason,
    )  # fmt: skip


def _took(rollout: Rollout) -> str:
    return f"{(rollout.finished_at - rollout.created_at).total_seconds():.0f} s" if rollout.finished_at else ""


def _event(event: Event) -> dict[str, Any]:
    return {"at": _moment(event.at), "kind": event.kind, "who": event.who, "message": event.message}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None

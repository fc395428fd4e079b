"""What `infra preview` and `infra drift` share: following a check, writing its report, and how they exit."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import typer
from rich.live import Live
from rich.text import Text

from infra_assets.cli.context import Context
from infra_assets.cli.output import Format, stderr, write, write_tables
from infra_assets.errors import DIFFERENCES, FAILED, NotRunningError
from infra_assets.previews.conductor import CheckConductor
from infra_assets.previews.models import Check, CheckState
from infra_assets.reports.matrix import CLEAN, ERROR
from infra_assets.reports.report import Report
from infra_assets.runs import check_runs_page, report_page

POLL_S = 0.3
REVIVE_S = 3.0


def follow(context: Context, check: Check) -> Check:
    """Show how a check comes on until it has ended; Ctrl-C stops it, and leaves nothing behind."""
    if not context.checks.requests(check.id):
        context.check_conductor(None).advance(check.id)
        return context.checks.get(check.id)
    client = context.dagster_started()
    conductor = context.check_conductor(client)
    stderr.print(f"{client.url}{check_runs_page(check.id)}", style="dim", highlight=False, soft_wrap=True)
    if client.cap() == 0:
        stderr.print("the queue is frozen (INFRA_CAP=0): nothing starts until Dagster runs with a cap", style="yellow")
    with _Progress() as progress:
        try:
            ended = _wait(context, conductor, check, progress)
        except KeyboardInterrupt:
            progress.note("stopping: what is being looked at ends by itself")
            conductor.stop(check.id)
            ended = _wait(context, conductor, check, progress)
    stderr.print(f"report: {client.url}{report_page(check.id)}", highlight=False, soft_wrap=True)
    return ended


def _wait(context: Context, conductor: CheckConductor, check: Check, progress: "_Progress") -> Check:
    revived = time.monotonic()
    while True:
        began = time.monotonic()
        try:
            if began - revived > REVIVE_S:
                revived = began
                if (client := context.revived()) is not None:
                    conductor = context.check_conductor(client)
            conductor.advance(check.id)
        except NotRunningError:
            revived = 0.0
        now = context.checks.get(check.id)
        progress.show(context.checks.counts(check.id), lambda: context.checks.told(check.id))
        if now.state != CheckState.RUNNING and now.reported:
            return now
        time.sleep(max(POLL_S, 3 * (time.monotonic() - began)))


def write_report(report: Report, form: Format, output: Path | None, *, bare: bool = False) -> None:
    """Write a report in the form that was asked for."""
    from pydantic_core import to_json

    if bare:
        from infra_assets.reports.table import one_line_a_cell

        write(one_line_a_cell(report), output)
        return
    match form:
        case Format.JSON:
            write(to_json(report.as_json(), indent=2).decode(), output)
        case Format.MD:
            from infra_assets.reports.markdown import as_markdown

            write(as_markdown(report), output)
        case Format.HTML:
            from infra_assets.reports.html import as_html

            write(as_html(report), output, private=True)
        case Format.CSV:
            from infra_assets.reports.frame import as_csv

            write(as_csv(report), output)
        case Format.TABLE:
            from infra_assets.reports.table import tables

            write_tables(tables(report), form, output)


def exit_by(report: Report) -> None:
    """Exit by what was found: 1 where something could not be told, 3 where something differs."""
    summary = report.summary
    if summary.get(ERROR):
        raise typer.Exit(FAILED)
    if any(verdict not in CLEAN for verdict in summary):
        raise typer.Exit(DIFFERENCES)


class _Progress:
    """A line that is kept up to date on a terminal; elsewhere a line for each cell."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._live = Live(console=stderr, transient=True, auto_refresh=False) if stderr.is_terminal else None
        self._said: set[str] = set()
        self._note = ""

    def __enter__(self) -> "_Progress":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def note(self, text: str) -> None:
        """Say something besides."""
        self._note = text
        if self._live is None:
            stderr.print(text, style="yellow")

    def show(self, counts: Mapping[str, int], told: Callable[[], Iterable[tuple[str, str]]]) -> None:
        """Show how far it is: cells by verdict. `told` names those that were looked at, and is asked where there are new ones."""
        elapsed = time.monotonic() - self._began
        every = sum(counts.values())
        seen = every - counts.get("", 0)
        if self._live:
            found = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if verdict)
            self._live.update(Text(f"{elapsed:.0f} s · {seen} of {every} cells · {found} {self._note}"), refresh=True)
        elif seen > len(self._said):
            for name, verdict in told():
                if name not in self._said:
                    self._said.add(name)
                    stderr.print(f"{elapsed:6.1f} s  {name} {verdict}", highlight=False)

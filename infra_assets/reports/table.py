"""A report on a terminal: what needs attention first, then the matrix, then one line."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from infra_assets.reports.counting import amounts
from infra_assets.reports.grouping import Said, Which, doubts, failures, groups, losses, told
from infra_assets.reports.headline import headline
from infra_assets.reports.lines import SIGNS, head, one_line
from infra_assets.reports.matrix import BOTH, CLEAN, PENDING, Row
from infra_assets.reports.page.values import MESSAGE_LIMIT, cut
from infra_assets.reports.report import Report
from infra_assets.texts import counted, listed

STYLES = {
    "deployed": "green", "unchanged": "dim", "deploying": "bold yellow", "queued": "cyan", "failed": "bold red", "skipped": "magenta",
    "never": "dim", "removed": "dim", "run": "yellow", "maybe": "cyan", "changed": "yellow", "same": "dim", "in-sync": "green",
    "drifted": "bold yellow", "pending": "yellow", "both": "bold magenta", "error": "bold red",
}  # fmt: skip
SIGN_STYLES = {"+": "green", "-": "red", "±": "bold red", "~": "yellow", "#": "dim"}
SMALL = 40
"""TEPs above which the matrix has only those that are not clean."""
GROUPS_SHOWN = 30
LINES_SHOWN = 60
"""Of one group."""
ERRORS_SHOWN = 20
_ABOVE: tuple[Which, ...] = ("resources", "drift")


def tables(report: Report) -> Sequence[RenderableType]:
    """Return the whole report, piece by piece."""
    title = Text(one_line(report.title), style="bold")
    for name, text in report.about.items():
        title.append(f"\n{one_line(name)}: {one_line(text)}", style="not bold dim")
    return [
        title,
        *_losses(report),
        *_changes(report),
        *_doubts(report),
        *_failures(report),
        *_matrix(report),
        *_rest(report),
        Text(headline(report), "bold"),
    ]


def one_line_a_cell(report: Report) -> str:
    """Return a line for each cell: its name, a tab, and 0 if it is clean, 1 if it is anything else."""
    return "".join(f"{one_line(row.name)}\t{int(row.verdict not in CLEAN)}\n" for row in report.rows)


def matrix_table(rows: Sequence[Row], *, title: str = "") -> Table:
    """Return the matrix with TEPs down and projects across."""
    projects = list(dict.fromkeys(row.project for row in rows))
    table = Table(title=title or None, title_justify="left")
    # A name that is cut off cannot be typed again: rather let the states wrap.
    table.add_column("TEP", no_wrap=True, min_width=max((len(row.tep.name) for row in rows), default=0))
    table.add_column("ring", no_wrap=True, min_width=len("internal"))
    for project in projects:
        table.add_column(Text(one_line(project)))
    for tep, cells in _by_tep(rows).items():
        ring = next(iter(cells.values())).tep.ring.value
        table.add_row(Text(tep), ring, *(_cell(cells.get(project)) for project in projects))
    return table


def _losses(report: Report) -> Iterator[Text]:
    found = [(which, group) for which in _ABOVE for group in losses(report.rows, which)]
    if not found:
        return
    text = Text("replaced or deleted, and cannot be made again", style="bold red")
    for which, group in found:
        for change in group.changes:
            gone = " is gone:" if which == "drift" else ""
            text.append(f"\n  {head(change)}{gone} of {one_line(group.project)} in {_teps(group.teps)}")
    yield text


def _changes(report: Report) -> Iterator[Text]:
    if report.kind == "drift":
        yield from _groups("in the cloud, but not as it was left", report.rows, "drift")
        yield from _groups("not applied", [row for row in report.rows if row.verdict in (PENDING, BOTH)], "resources")
    else:
        yield from _groups("changes", report.rows, "resources")


def _groups(heading: str, rows: Sequence[Row], which: Which) -> Iterator[Text]:
    found = groups(rows, which)
    if found:
        yield Text(heading, style="bold")
    for group, sentence, lines in told(found[:GROUPS_SHOWN]):
        text = Text("  ").append(one_line(group.project), style="bold").append(f": {sentence}")
        if group.cause:
            text.append(f"\n    {one_line(group.cause)}", style="dim")
        for line in lines[:LINES_SHOWN]:
            text.append(f"\n    {line}", style=SIGN_STYLES.get(line[:1], ""))
        if len(lines) > LINES_SHOWN:
            text.append(f"\n    … {counted(len(lines) - LINES_SHOWN, 'more line')}", style="dim")
        yield text
    if len(found) > GROUPS_SHOWN:
        yield Text(f"  … and {counted(len(found) - GROUPS_SHOWN, 'other change')}; --format html shows them all", style="dim")


def _doubts(report: Report) -> Iterator[Text]:
    found = doubts(report.rows)
    if found:
        lines = [f"\n  {one_line(said.project)} in {_teps(said.teps)}: {one_line(said.text)}" for said in found[:GROUPS_SHOWN]]
        rest = f"\n  … and {len(found) - GROUPS_SHOWN:,} more" if len(found) > GROUPS_SHOWN else ""
        yield Text("may change", style="bold").append("".join([*lines, rest]), style="not bold")


def _failures(report: Report) -> Iterator[Text]:
    found = failures(report.rows)
    if found:
        yield Text("errors", style="bold red")
    yield from map(_failure, found[:ERRORS_SHOWN])
    if len(found) > ERRORS_SHOWN:
        yield Text(f"  … and {counted(len(found) - ERRORS_SHOWN, 'other error')}", style="dim")


def _failure(failure: Said) -> Text:
    text = Text("  ").append(f"{one_line(failure.project)} in {_teps(failure.teps)}", style="bold")
    for line in cut(failure.text, MESSAGE_LIMIT).splitlines():
        text.append(f"\n    {one_line(line)}")
    return text


def _matrix(report: Report) -> Iterator[RenderableType]:
    by_tep = _by_tep(report.rows)
    if not by_tep:
        return
    shown = {tep for tep, cells in by_tep.items() if any(row.verdict not in CLEAN for row in cells.values())}
    if len(by_tep) <= SMALL:
        yield matrix_table(report.rows)
        return
    if shown:
        yield matrix_table([row for row in report.rows if row.tep.name in shown])
    clean = len(by_tep) - len(shown)
    if clean:
        yield Text(f"{counted(clean, 'other TEP' if shown else 'TEP')} {'is' if clean == 1 else 'are'} clean", style="dim")


def _rest(report: Report) -> Iterator[Text]:
    if report.left_out:
        yield Text("not looked at", style="bold").append("".join(f"\n  {one_line(line)}" for line in report.left_out), style="not bold")
    if report.trend:
        trend = report.trend
        numbers = f"{len(trend.new):,} new, {len(trend.gone):,} gone, {len(trend.still):,} as before"
        named = [f"\n  {name}: {listed(cells)}" for name, cells in (("new", trend.new), ("gone", trend.gone)) if cells]
        yield Text(f"since {trend.before_at:%Y-%m-%d %H:%M}: {numbers}{''.join(named)}")


def _by_tep(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row.tep.name, {})[row.project] = row
    return found


def _teps(teps: Sequence[str]) -> str:
    return listed(teps) if len(teps) <= 5 else f"{counted(len(teps), 'TEP')}: {listed(teps)}"


def _cell(row: Row | None) -> Text:
    if row is None:
        return Text("")
    state = row.verdict or row.state
    text = Text(state, style=STYLES.get(state, ""))
    counts = " ".join(f"{SIGNS[name]}{count}" for name, count in amounts(row).items() if name in SIGNS and count)
    if counts:
        text.append(f" {counts}", style="dim")
    return text

"""A report as Markdown: a comment on a pull request, or a file.

All that comes from people and programs goes through `markdown_text`.
"""

from collections.abc import Iterator, Mapping, Sequence

from infra_assets.reports.blocks import BETWEEN, Block, fitted
from infra_assets.reports.counting import amounts
from infra_assets.reports.grouping import Group, Said, Which, doubts, failures, groups, losses, told
from infra_assets.reports.headline import headline
from infra_assets.reports.lines import SIGNS, one_line
from infra_assets.reports.markdown_text import code, fence, html, html_code, is_address, link, prose
from infra_assets.reports.matrix import BOTH, CLEAN, PENDING, Row
from infra_assets.reports.page.values import MESSAGE_LIMIT, cut
from infra_assets.reports.report import Report
from infra_assets.texts import counted, listed

LIMIT = 65_536
"""Characters of a comment on GitHub, which counts 262,144 bytes, four to a character."""
LEAST = 4_000
"""Characters below which no comment can be cut."""
TITLE, LINK, LINKS = 150, 400, 3
"""Of a title, and of a link, how much a comment takes; and how many links."""
ERRORS_SHOWN = 20
SMALL = 40
"""TEPs above which the matrix of a comment has only those that are not clean."""
NO_LINKS: Mapping[str, str] = {}
_WHICH: tuple[Which, ...] = ("resources", "drift")


def as_comment(report: Report, *, limit: int = LIMIT, marker: str = "", links: Mapping[str, str] = NO_LINKS) -> str:
    """Return a comment of at most `limit` characters; `marker` is its first line, the first of `links` leads to the whole report."""
    limit = max(limit, LEAST)
    short = [(name, address) for name, address in links.items() if len(link(name, address)) <= LINK][:LINKS]
    first, last = _first(report, marker), _footer(dict(short))
    note = _cut_note(["x" * TITLE], dict(short))
    rest = limit - len(first) - len(last) - len(note) - 3 * len(BETWEEN)
    texts, missing = fitted([*_blocks(report, comment=True)], rest)
    return BETWEEN.join(filter(None, [first, *texts, _cut_note(missing, dict(short)) if missing else "", last])) + "\n"


def as_markdown(report: Report, *, links: Mapping[str, str] = NO_LINKS) -> str:
    """Return the whole report."""
    texts = [block.text() or "" for block in _blocks(report, comment=False)]
    return BETWEEN.join(filter(None, [_first(report, ""), *texts, _footer(links)])) + "\n"


def _first(report: Report, marker: str) -> str:
    title = f"### {prose(cut(one_line(report.title), TITLE))}"
    return "\n".join([*filter(None, [marker]), title, "", headline(report, lambda text: f"**{text}**")])


def _footer(links: Mapping[str, str]) -> str:
    return f"---\n{' · '.join(link(name, address) for name, address in links.items())}" if links else ""


def _cut_note(missing: Sequence[str], links: Mapping[str, str]) -> str:
    where = next((link(name, address) for name, address in links.items() if is_address(address)), "with the run that has made this")
    what = cut(one_line(listed(missing, 3)), TITLE).replace("`", "'")
    return f"**Cut to fit.** Not all is here of {code(what)}. The whole report: {where}"


def _blocks(report: Report, *, comment: bool) -> Iterator[Block]:
    yield from _about(report)
    yield from _losses(report)
    yield from _failures(report, comment=comment)
    if report.kind == "drift":
        yield from _diffs("In the cloud, but not as it was left", report.rows, "drift")
        yield from _diffs("Not applied", [row for row in report.rows if row.verdict in (PENDING, BOTH)], "resources")
    else:
        yield from _diffs("Changes", report.rows, "resources")
    yield from _doubts(report)
    yield from _matrix(report, comment=comment)
    if report.left_out:
        yield Block(
            "what was not looked at", [f"- {prose(line)}" for line in report.left_out], "#### Not looked at\n", more="- … {number} more"
        )


def _about(report: Report) -> Iterator[Block]:
    told_of = [f"- {prose(name)}: {code(text)}" for name, text in report.about.items()]
    if report.trend:
        numbers = {"new": report.trend.new, "gone": report.trend.gone, "as before": report.trend.still}
        since = f"since {report.trend.before_at:%Y-%m-%d %H:%M}"
        told_of.append(f"- {since}: {', '.join(f'{len(cells):,} {name}' for name, cells in numbers.items())}")
        told_of += [f"  - {name}: {_codes(cells)}" for name, cells in numbers.items() if cells and name != "as before"]
    if told_of:
        yield Block("what it is about", told_of, more="- … {number} more", share=0.2)


def _losses(report: Report) -> Iterator[Block]:
    lines = [_loss(group, line) for which in _WHICH for group in losses(report.rows, which) for line in _lost_lines(group, which)]
    if lines:
        heading = "#### ⚠️ Replaced or deleted, and cannot be made again\n"
        yield Block("what would be lost", lines, heading, more="- **… {number} more**", share=0.4)


def _lost_lines(group: Group, which: Which) -> list[str]:
    verbs = {"replace": "replace", "delete": "gone" if which == "drift" else "delete"}
    return [
        f"**{verbs[change.operation]}** {code(change.type)} {code(change.name)}"
        + (" (protected)" if change.protected else "")
        + (f", because of {_codes([each.path for each in change.properties])}" if change.properties else "")
        for change in group.changes
    ]


def _loss(group: Group, line: str) -> str:
    return f"- {line}, of {code(group.project)} in {_teps(group.teps)}"


def _failures(report: Report, *, comment: bool) -> Iterator[Block]:
    found = failures(report.rows)
    shown = found[:ERRORS_SHOWN] if comment else found
    for number, failure in enumerate(shown):
        heading = "#### Errors\n\n" if number == 0 else ""
        yield _failure(failure, report, heading, 0.1 if comment else 1.0)
    if len(found) > len(shown):
        rest = sum(len(failure.rows) for failure in found[len(shown) :])
        yield Block("errors", [f"… and {counted(len(found) - len(shown), 'other error')} in {counted(rest, 'cell')}"])


def _failure(failure: Said, report: Report, heading: str, share: float) -> Block:
    lines = [one_line(line) for line in cut(failure.text, MESSAGE_LIMIT).splitlines()]
    marks = fence("\n".join(lines))
    run_id = failure.rows[0].run_id
    address = f"{report.dagster_url.rstrip('/')}/runs/{run_id}"
    run = f", {link('run', address)}" if run_id and is_address(address) else ""
    return Block(
        f"the error of {failure.project}", lines, f"{heading}{code(failure.project)} in {_teps(failure.teps)}{run}\n\n{marks}text", marks,
        share=share,
    )  # fmt: skip


def _diffs(heading: str, rows: Sequence[Row], which: Which) -> Iterator[Block]:
    for number, (group, sentence, lines) in enumerate(told(groups(rows, which))):
        marks = fence("\n".join(lines))
        first = f"#### {heading}\n\n" if number == 0 else ""
        why = f"\n\n{code(group.cause)}" if group.cause else ""
        loud = " ⚠️" if group.severity == 0 else ""
        summary = f"<details><summary>{html_code(group.project)}: {html(sentence)}{loud}</summary>{why}"
        yield Block(
            f"the change of {group.project}", lines, f"{first}{summary}\n\n{marks}diff", f"{marks}\n\n</details>", share=0.25
        )  # fmt: skip


def _doubts(report: Report) -> Iterator[Block]:
    lines = [f"- {code(said.project)} in {_teps(said.teps)}: {code(said.text)}" for said in doubts(report.rows)]
    if lines:
        yield Block("what may change", lines, "#### May change\n", more="- … {number} more", share=0.2)


def _matrix(report: Report, *, comment: bool) -> Iterator[Block]:
    projects = list(dict.fromkeys(row.project for row in report.rows))
    by_tep: dict[str, dict[str, Row]] = {}
    for row in report.rows:
        by_tep.setdefault(row.tep.name, {})[row.project] = row
    shown = by_tep
    if comment and len(by_tep) > SMALL:
        shown = {tep: cells for tep, cells in by_tep.items() if any(row.verdict not in CLEAN for row in cells.values())}
    if not shown:
        return
    clean = f", {counted(len(by_tep) - len(shown), 'other')} clean" if len(shown) < len(by_tep) else ""
    summary = f"<details><summary>{counted(len(shown), 'TEP')}, {counted(len(projects), 'project')}{clean}</summary>"
    heads = "".join(f" {code(project, table=True)} |" for project in projects)
    lines = [
        f"| {code(tep, table=True)} |" + "".join(f" {_cell(cells.get(project))} |" for project in projects) for tep, cells in shown.items()
    ]
    yield Block(
        "the matrix", lines, f"{summary}\n\n| TEP |{heads}\n| --- |{' --- |' * len(projects)}", "\n</details>", more="| … {number} more |"
    )  # fmt: skip


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    counts = " ".join(f"{SIGNS[name]}{number}" for name, number in amounts(row).items() if name in SIGNS and number)
    return f"{prose(row.verdict or row.state)} {counts}".strip()


def _teps(teps: Sequence[str]) -> str:
    return _codes(teps) if len(teps) <= 5 else f"{counted(len(teps), 'TEP')}: {_codes(teps)}"


def _codes(names: Sequence[str]) -> str:
    return listed([code(name) for name in names])

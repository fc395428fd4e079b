"""A comparison of environments for people: a table, and Markdown."""

import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from infra_assets.previews.parity.result import Counts, Difference, Parity, Side
from infra_assets.reports.neutral import TEP
from infra_assets.texts import counted, listed

HEADINGS = ("project", "item", "property", "values")
MOST_SIDES = 4
"""Values that are shown of one property; the others are counted."""
MOST_PAIRS = 5
"""Differences that are shown of one property, where tenants differ each in its way."""
MOST_NAMES = 3
LONGEST = 160


def parity_table(parity: Parity) -> Table:
    """Return what differs as a table."""
    table = Table(title=_title(parity), title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in rows(parity):
        table.add_row(*map(Text, row))
    return table


def as_markdown(parity: Parity) -> str:
    """Return what differs, and what else is to be said, as Markdown."""
    lines = [f"### {_in_markdown(_title(parity))}", ""]
    found = rows(parity)
    if found:
        lines += [f"| {' | '.join(HEADINGS)} |", "| --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(map(_in_markdown, row))} |" for row in found]
    else:
        lines.append("Nothing differs.")
    return "\n".join([*lines, "", *(f"- {_in_markdown(note)}" for note in notes(parity))])


def rows(parity: Parity) -> list[tuple[str, str, str, str]]:
    """Return a row for each property that differs."""
    by_place: dict[tuple[str, str, str, str], list[Difference]] = {}
    for each in parity.differences:
        by_place.setdefault((each.project, each.kind, each.item, each.path), []).append(each)
    found: list[tuple[str, str, str, str]] = []
    for (project, _, item, path), differences in by_place.items():
        found += [(project, item, path, _sides(each.sides)) for each in differences[:MOST_PAIRS]]
        if rest := differences[MOST_PAIRS:]:
            tenants = sum(len(each.sides[0].teps) for each in rest)
            found.append((project, item, path, f"and {len(rest):,} other differences in {counted(tenants, 'tenant')}"))
    return found


def notes(parity: Parity) -> list[str]:
    """Return what is to be said besides: what is identical, what could not be compared and why, commits that are not the same."""
    return [*_identical(parity), *_commits(parity), *_unread(parity), *(f"not compared: {line}" for line in parity.left_out)]


def _title(parity: Parity) -> str:
    return f"Parity of {' and '.join(parity.environments)}: {counted(len(parity.teps), 'TEP')}, {_differences(len(parity.differences))}"


def _differences(number: int) -> str:
    return counted(number, "difference") if number else "no difference"


def _sides(sides: Sequence[Side]) -> str:
    lines = [_side(side) for side in sides[:MOST_SIDES]]
    if rest := sides[MOST_SIDES:]:
        teps = sum(len(side.teps) for side in rest)
        lines.append(f"and {counted(len(rest), 'other value')} in {counted(teps, 'TEP')}")
    return "\n".join(lines)


def _side(side: Side) -> str:
    where = counted(len(side.teps), "TEP") if len(side.teps) > MOST_NAMES else ", ".join(side.teps)
    own = side.teps[0] if len(side.teps) == 1 else TEP
    by = f" ({listed([layer.replace(TEP, own) for layer in side.layers], MOST_NAMES)})" if side.layers else ""
    return f"in {where}: {_shown(side.value)}{by}"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if value == "":
        return '""'
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _identical(parity: Parity) -> list[str]:
    every = parity.identical.values()
    if not every:
        return []
    total = Counts(sum(each.resources for each in every), sum(each.settings for each in every))
    return [f"identical everywhere: {counted(total.resources, 'resource')} and {counted(total.settings, 'setting')}"]


def _commits(parity: Parity) -> list[str]:
    return [
        f"{project} is deployed from several commits: " + ", ".join(
            f"{commit[:8] or 'an unknown one'} in {listed(teps, MOST_NAMES)}" for commit, teps in commits.items()
        )
        for project, commits in parity.commits.items()
    ]  # fmt: skip


def _unread(parity: Parity) -> list[str]:
    causes: dict[tuple[str, str], list[str]] = {}
    for item in parity.unread:
        causes.setdefault((item.kind, item.cause), []).append(item.name)
    return [f"{kind}s of {listed(names)} could not be compared: {cause}" for (kind, cause), names in causes.items()]


def _in_markdown(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("`", "\\`")
    return escaped.replace("\n", "<br>")

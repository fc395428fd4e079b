"""A report in one sentence."""

from collections.abc import Callable, Mapping, Sequence

from infra_assets.reports.counting import amounts, is_checked, total
from infra_assets.reports.matrix import BOTH, CLEAN, DRIFTED, ERROR, MAYBE, PENDING, Row
from infra_assets.reports.report import Report

LOUD = ("replace", "delete")


def headline(report: Report, strong: Callable[[str], str] = str) -> str:
    """Return what was found, what is lost by it `strong`."""
    if not report.rows:
        return "no cell was looked at"
    checked = [row for row in report.rows if is_checked(row)]
    said = [*(_drift(report, strong) if report.kind == "drift" else _preview(report, strong))]
    errors = sum(row.verdict == ERROR for row in checked)
    if errors:
        said.append(_many(errors, "error"))
    if len(checked) < len(report.rows):
        said.append(f"{_many(len(report.rows) - len(checked), 'cell')} not checked")
    return "; ".join(said)


def _preview(report: Report, strong: Callable[[str], str]) -> list[str]:
    changed = [row for row in report.rows if row.verdict != ERROR and any(amounts(row).values())]
    maybe = [row for row in report.rows if row.verdict == MAYBE]
    said: list[str] = []
    if changed:
        projects = _many(len({row.project for row in changed}), "project")
        said = [f"{projects} in {_of_all(changed, report)} would change: {_numbers(total(map(amounts, changed)), strong)}"]
    if maybe:
        said.append(f"{_many(len(maybe), 'cell')} in {_of_all(maybe, report)} may change")
    return said or [f"no change in {_clean(report)}"]


def _drift(report: Report, strong: Callable[[str], str]) -> list[str]:
    drifted = [row for row in report.rows if row.verdict in (DRIFTED, BOTH)]
    pending = [row for row in report.rows if row.verdict in (PENDING, BOTH)]
    said: list[str] = []
    if drifted:
        found = total({change.operation: 1} for row in drifted for change in row.drift)
        numbers = f": {_numbers(found, strong)}" if found else ""
        said.append(f"{_many(len(drifted), 'cell')} in {_of_all(drifted, report)} drifted{numbers}")
    if pending:
        said.append(f"{_many(len(pending), 'cell')} in {_of_all(pending, report)} not applied")
    return said or [f"no drift in {_clean(report)}"]


def _clean(report: Report) -> str:
    """Return of how many cells it is known that nothing is the matter with them: an error says nothing of that kind."""
    return f"{sum(row.verdict in CLEAN for row in report.rows):,} of {_many(len(report.rows), 'cell')}"


def _numbers(found: Mapping[str, int], strong: Callable[[str], str]) -> str:
    texts = {name: f"{number:,} {name}" for name, number in found.items()}
    return ", ".join(strong(text) if name in LOUD else text for name, text in texts.items())


def _of_all(rows: Sequence[Row], report: Report) -> str:
    return f"{len(_teps(rows)):,} of {_many(len(_teps(report.rows)), 'TEP')}"


def _teps(rows: Sequence[Row]) -> set[str]:
    return {row.tep.name for row in rows}


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"

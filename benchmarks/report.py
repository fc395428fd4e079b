"""The page of a report of 5,000 TEPs of eight projects: how long it takes to be built, how big it is, when it can be used.

`python -m benchmarks.report [--teps N] [--format json]` ends with exit code 1 where a goal is missed. Five of a hundred cells are not
clean, each has a history of fourteen checks. `interactive_s` is from the start of the navigation until the first click on a filter had its
effect, in a fresh chromium of Debian's, the least of three; `all_changed_*` is a preview in which each of the 40,000 cells would change,
for which there is no goal.
"""

import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.telling import Format, run, tell
from infra_assets.errors import InfraError
from infra_assets.reports.html import as_html
from infra_assets.reports.report import Report
from tests.end_to_end.browser import CHROMIUM, opened
from tests.reports.reports import EIGHT, report

GOALS = {"build_s": 10.0, "size_mb": 15.0, "interactive_s": 3.0}
NOT_CLEAN = 0.05
TIMES = 3
"""Pages are opened so often: what else goes on there only ever adds to what one takes."""


def built(fleet: Report) -> tuple[str, float]:
    """Return the page, and the seconds that it took."""
    began = time.perf_counter()
    page = as_html(fleet)
    return page, time.perf_counter() - began


def interactive_s(page: str, verdict: str) -> float:
    """Return the seconds from the start of the navigation until a click on a verdict's count had its effect.

    Raises:
        InfraError: there is no browser.
    """
    if not CHROMIUM.exists():
        raise InfraError(f"there is no browser at {CHROMIUM}; Debian's package is `chromium`")
    return min(_interactive_s(page, verdict) for _ in range(TIMES))


def _interactive_s(page: str, verdict: str) -> float:
    with tempfile.TemporaryDirectory(prefix="infra-benchmark-") as folder, opened() as browser:
        path = Path(folder) / "report.html"
        path.write_text(page, encoding="utf-8")
        browser.goto(path.as_uri(), wait_until="commit")
        browser.locator(f'[data-verdict="{verdict}"]').click()
        browser.locator("#status", has_text=verdict).wait_for()
        return browser.evaluate("performance.now()") / 1000


def measure(teps: int) -> dict[str, Any]:
    """Return the figures."""
    page, build_s = built(report(teps, EIGHT, not_clean=NOT_CLEAN))
    changed, changed_s = built(report(teps, EIGHT, kind="preview", not_clean=1))
    return {
        "teps": teps, "cells": teps * len(EIGHT), "goals": GOALS,
        "build_s": round(build_s, 2), "size_mb": _mb(page), "interactive_s": round(interactive_s(page, "drifted"), 2),
        "all_changed_build_s": round(changed_s, 2), "all_changed_size_mb": _mb(changed),
        "all_changed_interactive_s": round(interactive_s(changed, "changed"), 2),
    }  # fmt: skip


def _mb(page: str) -> float:
    return round(len(page.encode()) / 1e6, 2)


def main(
    teps: Annotated[int, typer.Option(help="How many.")] = 5000,
    form: Format = "table",
) -> None:
    """Measure, and say by the exit code whether the goals are met."""
    figures = measure(teps)
    tell(figures, form, GOALS)


if __name__ == "__main__":
    run(main)

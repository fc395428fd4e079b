"""The end of a check: its trend, its cells' histories, and its report in every form, kept where the settings say."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from infra_assets.fleet.database import now
from infra_assets.fleet.models import Tep
from infra_assets.fleet.registry import Registry
from infra_assets.garbage import uncollected
from infra_assets.previews.models import Check
from infra_assets.previews.reporting import Reporter
from infra_assets.reports.artifacts import Artifacts, open_artifacts
from infra_assets.reports.report import Report
from infra_assets.sandbox.cloud import Aws, environment
from infra_assets.settings import Settings

AT_LEAST = 10
"""Checks that stay, however old they are."""


def artifacts(settings: Settings) -> Artifacts:
    """Return what keeps reports.

    Raises:
        UsageError: the setting names nothing that can.
    """
    return open_artifacts(settings.reports_url, lambda: Aws(environment(settings)))


def finisher(settings: Settings, registry: Registry, dagster_url: str = "") -> Callable[[Check], None]:
    """Return what finishes checks."""

    def finish(check: Check) -> None:
        fleet: Mapping[str, Tep] = {tep.name: tep for tep in registry.list()}
        reporter = Reporter(settings, fleet, dagster_url)
        with uncollected():
            report, histories = reporter.compared(check)
            keep(artifacts(settings), report)
        reporter.store.end_report(check.id, report.trend.as_json() if report.trend else None, histories)
        days = timedelta(days=settings.reports_days)
        artifacts(settings).prune(days, 2 * AT_LEAST)
        reporter.store.prune(now() - days, AT_LEAST)

    return finish


def keep(kept: Artifacts, report: Report) -> None:
    """Keep a report in every form.

    Raises:
        InfraError: it cannot be written.
    """
    from pydantic_core import to_json

    from infra_assets.reports.frame import as_csv
    from infra_assets.reports.html import as_html
    from infra_assets.reports.markdown import as_markdown

    forms = {
        "json": (to_json(report.as_json()), "application/json"),
        "csv": (as_csv(report).encode(), "text/csv; charset=utf-8"),
        "md": (as_markdown(report).encode(), "text/markdown; charset=utf-8"),
        "html": (as_html(report).encode(), "text/html; charset=utf-8"),
    }
    for form, (content, kind) in forms.items():
        kept.put(f"{report.id}/report.{form}", content, kind)

"""What an ended drift check of the whole fleet becomes in Dagster: a materialization of `fleet_report`, and a word to people."""

from collections import Counter
from typing import Any

import dagster as dg

from infra_assets.planning.following import Followed
from infra_assets.previews.models import Check
from infra_assets.previews.reporting import Reporter, is_whole
from infra_assets.previews.store import CheckStore
from infra_assets.reports.matrix import BOTH, CLEAN, DRIFTED, ERROR, IN_SYNC, PENDING
from infra_assets.reports.report import Report
from infra_assets.rollouts.announcements import Announcement
from infra_assets.rollouts.outbox import Outbox
from infra_assets.runs import LATEST_REPORT, check_runs_page, report_page
from infra_assets.texts import counted, listed

ASSET = "fleet_report"
PUBLISHED = "published_checks"
VERDICTS = (IN_SYNC, DRIFTED, PENDING, BOTH, ERROR)


def fleet_report_asset() -> dg.AssetSpec:
    """Return the asset."""
    return dg.AssetSpec(
        ASSET,
        group_name="reports",
        description=f"Every stack, against the cloud and against what is merged and configured.\n\n[The matrix]({LATEST_REPORT})",
        metadata={"matrix": dg.MetadataValue.url(LATEST_REPORT)},
        kinds={"html"},
    )


def publish(instance: dg.DagsterInstance, reporter: Reporter, outbox: Outbox) -> list[Check]:
    """Report the drift checks that have ended since the last time; returns them, oldest first."""
    store = reporter.store
    ended, new = unpublished(store)
    fresh = [store.get(check_id) for check_id in new]
    for check in fresh:
        if not is_whole(check):
            continue  # a part of the fleet says nothing of the whole
        report = reporter.report(check)
        instance.report_runless_asset_event(dg.AssetMaterialization(ASSET, metadata=_metadata(report)))
        if report.trend.moved if report.trend else bool(report.attention):
            outbox.keep(announcement(report, outbox.public_url))
    if fresh:
        Followed(store.engine).set(PUBLISHED, ids=ended)
    return fresh


def unpublished(store: CheckStore) -> tuple[list[str], list[str]]:
    """Return which drift checks have ended, newest first, and those of them that were not reported to Dagster, oldest first."""
    known = set(Followed(store.engine).get(PUBLISHED).get("ids", ()))
    ended = store.reported("drift")
    return ended, [check_id for check_id in reversed(ended) if check_id not in known]


def announcement(report: Report, public_url: str | None) -> Announcement:
    """Return what people are told of a report in which something is not as it was the last time."""
    summary, trend = report.summary, report.trend
    first = [row.name for row in report.attention]
    moved = {"new": trend.new, "gone": trend.gone, "still": trend.still} if trend else {"new": first}
    lines = [f"{word}: {listed(list(names))}" for word, names in moved.items() if names]
    base = public_url.rstrip("/") if public_url else ""
    links = {"report": f"{base}{report_page(report.id)}", "runs": f"{base}{check_runs_page(report.id)}"} if base else {}
    bad = sum(count for verdict, count in summary.items() if verdict not in CLEAN)
    return Announcement(
        report.id, "drift", f"{report.title}: {counted(bad, 'cell')} not in sync" if bad else f"{report.title}: everything is in sync",
        [*lines, *report.left_out], {name: summary[name] for name in VERDICTS if summary.get(name)}, links,
        "error" if summary.get(ERROR) else "warning" if bad else "info", at=report.finished_at,
    )  # fmt: skip


def _metadata(report: Report) -> dict[str, dg.MetadataValue[Any]]:
    shown: dict[str, dg.MetadataValue[Any]] = {"report": dg.MetadataValue.url(report_page(report.id))}
    # Numbers, so that Dagster plots them over time; a verdict that nobody has is a 0 in the plot.
    shown |= {name.replace("-", "_"): dg.MetadataValue.int(report.summary.get(name, 0)) for name in VERDICTS}
    counts = Counter(change.operation for row in report.rows for change in row.drift)
    shown["resources_changed_in_the_cloud"] = dg.MetadataValue.int(counts["update"])
    shown["resources_gone_in_the_cloud"] = dg.MetadataValue.int(counts["delete"])
    if report.trend:
        trend = report.trend
        for word, names in (("new", trend.new), ("gone", trend.gone), ("still", trend.still)):
            shown[word] = dg.MetadataValue.int(len(names))
        shown["what_is_new"] = dg.MetadataValue.text(listed(list(trend.new), 20) or "nothing")
    took = (report.finished_at - report.started_at).total_seconds() if report.finished_at else 0.0
    shown["took_s"] = dg.MetadataValue.float(round(took, 1))
    shown["teps"] = dg.MetadataValue.int(len({row.tep.name for row in report.rows}))
    if report.left_out:
        shown["left_out"] = dg.MetadataValue.md("\n".join(f"- {line}" for line in report.left_out))
    shown["runs"] = dg.MetadataValue.url(check_runs_page(report.id))
    return shown

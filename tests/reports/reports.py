"""Reports of fleets that there are not, of any size. The same arguments always make the same report."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from infra_assets.fleet.models import Ring, Tep
from infra_assets.reports.changes import DELETE, REPLACE, ResourceChange
from infra_assets.reports.matrix import BOTH, CHANGED, CLEAN, DRIFTED, ERROR, IN_SYNC, LETTERS, MAYBE, NEVER, PENDING, SAME, UNCHANGED, Row
from infra_assets.reports.report import Kind, Report, Trend
from infra_assets.stacks.outcome import PropertyChange

PROJECTS = ("account", "network", "cluster")
EIGHT = ("account", "network", "dns", "database", "cluster", "queue", "storage", "monitoring")
BEGAN = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
RINGS = (Ring.INTERNAL, Ring.BETA, Ring.REGULAR, Ring.REGULAR, Ring.REGULAR)
FOUND: dict[Kind, tuple[str, ...]] = {
    "drift": (DRIFTED, DRIFTED, PENDING, DRIFTED, ERROR, PENDING, BOTH, DRIFTED, NEVER, PENDING),
    "preview": (CHANGED, CHANGED, CHANGED, MAYBE, ERROR, CHANGED, MAYBE, CHANGED, CHANGED, NEVER),
}
QUIET: dict[Kind, tuple[str, ...]] = {"drift": (IN_SYNC,), "preview": (UNCHANGED, SAME, UNCHANGED)}
STEP = 7919
"""A prime: what is not clean is spread over the fleet, and is the same each time."""


def tep(number: int) -> Tep:
    """Return a TEP; three of four tenants have two of them."""
    tenant, environment = f"customer{number // 2:04}", ("prod", "test")[number % 2]
    region = ("eu-central-1", "us-east-1")[number % 3 == 0]
    return Tep(tenant, environment, RINGS[number % len(RINGS)], region, f"{100000000000 + number}", f"external-{number}")


def report(
    teps: int = 3,
    projects: Sequence[str] = PROJECTS,
    *,
    kind: Kind = "drift",
    not_clean: float = 0.34,
    history: int = 14,
    left_out: Sequence[str] = (),
    dagster_url: str = "http://127.0.0.1:3000",
) -> Report:
    """Return a report in which that share of the cells is not clean."""
    rows = [_row(tep(number), project, number * len(projects) + place, kind, not_clean, history)
            for number in range(teps) for place, project in enumerate(projects)]  # fmt: skip
    return Report(
        id="5f3c21a07be4",
        kind=kind,
        title=f"{kind.capitalize()} of {teps:,} TEPs",
        started_at=BEGAN,
        finished_at=BEGAN + timedelta(minutes=17),
        rows=rows,
        about={"programs": "main 4c1f0a2b", "environments": "main 9d8e7f6a", "asked by": "the schedule nightly"},
        left_out=left_out,
        dagster_url=dagster_url,
        trend=_trend(rows),
    )


def _row(tep: Tep, project: str, number: int, kind: Kind, not_clean: float, history: int) -> Row:
    chosen = number * STEP % 10_000
    verdict = QUIET[kind][number % len(QUIET[kind])]
    if chosen < not_clean * 10_000:
        # Never deployed is a state; its verdict says what would be done.
        verdict = FOUND[kind][chosen // 3 % len(FOUND[kind])]
    state, verdict = (NEVER, "") if verdict == NEVER else ("deployed", verdict)
    looked = verdict not in (ERROR, MAYBE, UNCHANGED, "")
    resources = _resources(tep, chosen) if verdict in (PENDING, BOTH, CHANGED) else ()
    drift = _drift(tep, chosen) if verdict in (DRIFTED, BOTH) else ()
    return Row(
        tep,
        project,
        state,
        verdict=verdict,
        cause="configuration: cluster:desired 2 → 3" if resources else "",
        run_id=f"{number // 8:08x}-0000-4000-8000-{number:012x}",
        finished_at=BEGAN - timedelta(days=number % 9, seconds=number),
        duration_s=(number * 37 % 4000) / 10 if looked else None,
        message=_error(tep, number) if verdict == ERROR else "",
        resources=resources,
        drift=drift,
        history=_history(verdict, number, history, kind),
    )


def _resources(tep: Tep, chosen: int) -> list[ResourceChange]:
    found = [
        ResourceChange(
            "aws:autoscaling/group:Group", "workers", "update", (PropertyChange("desiredCapacity", "update", 2, 3),), f"workers-{tep.name}"
        ),
        ResourceChange("aws:iam/policy:Policy", "reader", "create", (PropertyChange("name", "add", None, f"{tep.name}-reader"),)),
    ]
    if chosen % 4 == 1:
        found.append(
            ResourceChange(
                "aws:ec2/securityGroup:SecurityGroup",
                "web",
                "update",
                (
                    PropertyChange("ingress[0].fromPort", "update", 80, 443),
                    PropertyChange("ingress[0].cidrBlocks[0]", "update", "0.0.0.0/0", "10.0.0.0/8"),
                    PropertyChange("tags.Tep", "add", None, tep.name),
                ),
                f"sg-{chosen:08x}",
            )
        )
    if chosen % 97 == 3:
        found.append(
            ResourceChange(
                "aws:rds/cluster:Cluster",
                "main",
                REPLACE,
                (PropertyChange("engineVersion", "update", "14.9", "15.4"), PropertyChange("storageEncrypted", "update", False, True)),
                f"main-{tep.name}",
                protected=True,
            )
        )
    return found


def _drift(tep: Tep, chosen: int) -> list[ResourceChange]:
    found = [
        ResourceChange(
            "aws:ec2/vpc:Vpc",
            "main",
            "update",
            (PropertyChange("tags.Owner", "update", "platform", "nobody"), PropertyChange("tags.Name", "delete", f"{tep.name}-main", None)),
            f"vpc-{chosen:017x}",
        )
    ]
    if chosen % 5 == 2:
        found.append(ResourceChange("aws:sns/topic:Topic", "alarms", DELETE, (), f"arn:aws:sns:{tep.region}:{tep.account_id}:alarms"))
    if chosen % 89 == 6:
        found.append(ResourceChange("aws:s3/bucket:Bucket", "logs", DELETE, (), f"logs-{tep.account_id}"))
    return found


def _error(tep: Tep, number: int) -> str:
    if number % 3:
        return f"{tep.name}: AccessDenied: not allowed to assume arn:aws:iam::{tep.account_id}:role/infra-deploy"
    return "error: Preview failed: resource 'main' is protected\nUnprotect it, or take the change back."


def _history(verdict: str, number: int, length: int, kind: Kind) -> str:
    if not length:
        return ""
    quiet, now = LETTERS[QUIET[kind][0]], LETTERS.get(verdict, ".")
    if verdict in CLEAN:
        at = number * 31 % (length * 6)
        return quiet * length if at >= length - 2 else quiet * at + "d" + quiet * (length - at - 1)
    since = 1 + number % 6
    return (quiet * length + now * since)[-length:]


def _trend(rows: Sequence[Row]) -> Trend:
    found = [row.name for row in rows if row.verdict not in CLEAN]
    clean = [row.name for row in rows if row.verdict in CLEAN]
    new = found[::6]
    still = [name for place, name in enumerate(found) if place % 6]
    return Trend("1b9e77c0d2aa", BEGAN - timedelta(days=1), new, [*clean[:3], "network/left-prod"], still)

"""What a materialization shows: counts, names of outputs, links, and on a failure what the engine said."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from infra_assets.fleet.models import Tep
from infra_assets.previews.looking import Finding
from infra_assets.reports.changes import ResourceChange
from infra_assets.runs import report_page
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.console import account_link, resource_link
from infra_assets.stacks.operator import Deployment
from infra_assets.stacks.outcome import Outcome, PropertyChange

COUNTED = ("create", "update", "replace", "delete")
COLUMNS = ("resource", "operation", "property", "before", "after")
ROWS = 50
"""Resources that a table in the UI shows; the report has all of them."""
LONGEST = 200
Metadata = dict[str, dg.MetadataValue[Any]]


def deployed(cell: Cell, deployment: Deployment) -> Metadata:
    """Return the metadata of a success, in the order in which it is read; counts are numbers, so that the UI plots them over time."""
    outcome = deployment.outcome
    shown: Metadata = {"state": dg.MetadataValue.text("deployed" if outcome else "unchanged")}
    if outcome:
        shown["why"] = dg.MetadataValue.text("; ".join(deployment.reasons))
    for operation in COUNTED:
        shown[operation] = dg.MetadataValue.int(outcome.counts.get(operation, 0) if outcome else 0)
    if outcome:
        shown["resources"] = dg.MetadataValue.int(sum(change.operation != "delete" for change in outcome.changes))
        shown["duration_s"] = dg.MetadataValue.float(round(outcome.duration_s, 2))
        shown["outputs"] = dg.MetadataValue.json(_outputs(cell, outcome))
        shown |= _warnings(outcome) | _links(cell, outcome)
    shown["aws_account"] = dg.MetadataValue.url(account_link(cell.tep))
    shown["program"] = dg.MetadataValue.text(deployment.inputs.program[:16])
    shown["environments"] = dg.MetadataValue.json({name: revision[:10] for name, revision in sorted(deployment.environments.items())})
    return shown


def checked(tep: Tep, found: Finding, check_id: str) -> Metadata:
    """Return what a drift check shows of a cell, in the order in which it is read.

    Under other names than a materialization: the partition's page shows the newest of each name.
    """
    shown: Metadata = {"verdict": dg.MetadataValue.text(found.verdict), "stack_state": dg.MetadataValue.text(found.state or "unknown")}
    if said := found.message or found.cause:
        shown["finding"] = dg.MetadataValue.text(said)
    shown["drifted_resources"] = dg.MetadataValue.int(len(found.drift))
    for operation in COUNTED:
        shown[f"would_{operation}"] = dg.MetadataValue.int(found.changes.get(operation, 0))
    if found.drift:
        shown["in_the_cloud"] = _table(found.drift)
    if found.resources:
        shown["would_bring_it_in_sync"] = _table(found.resources)
    if check_id:
        shown["report"] = dg.MetadataValue.url(report_page(check_id))
    shown["aws_account"] = dg.MetadataValue.url(account_link(tep))
    return shown


def _table(changes: Sequence[ResourceChange]) -> dg.MetadataValue[Any]:
    records: list[dg.TableRecord] = []
    for change in changes[:ROWS]:
        for each in change.properties or (PropertyChange("", ""),):
            values = {"resource": f"{change.type} {change.name}", "operation": change.operation, "property": each.path}
            records.append(dg.TableRecord(values | {"before": _text(each.before), "after": _text(each.after)}))
    if len(changes) > ROWS:
        rest = f"and {len(changes) - ROWS} resources more: see the report"
        records.append(dg.TableRecord(dict.fromkeys(COLUMNS, "") | {"resource": rest}))
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in COLUMNS]))


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def failed(cell: Cell, outcome: Outcome) -> Metadata:
    """Return the metadata of a failure."""
    return {
        "diagnostics": dg.MetadataValue.md(
            "\n\n".join(
                f"**{diagnostic.severity}** {diagnostic.urn.rsplit('::', 1)[-1]}\n```\n{diagnostic.message}\n```"
                for diagnostic in outcome.diagnostics
            )
            or outcome.message
        ),
        **{operation: dg.MetadataValue.int(outcome.counts.get(operation, 0)) for operation in COUNTED},
        "duration_s": dg.MetadataValue.float(round(outcome.duration_s, 2)),
        "aws_account": dg.MetadataValue.url(account_link(cell.tep)),
    }


def _warnings(outcome: Outcome) -> Metadata:
    said = [diagnostic.message for diagnostic in outcome.diagnostics if diagnostic.severity == "warning"]
    return {"warnings": dg.MetadataValue.md("\n".join(f"- {warning}" for warning in said))} if said else {}


def _outputs(cell: Cell, outcome: Outcome) -> Mapping[str, Any]:
    public = cell.project.about.public_outputs
    return {name: value if name in public else "(not public)" for name, value in sorted(outcome.outputs.items())}


def _links(cell: Cell, outcome: Outcome) -> Metadata:
    links: Metadata = {}
    for change in outcome.changes:
        if change.type in cell.project.about.main_resources and (link := resource_link(cell.tep, change)):
            links[f"console_{change.name.replace('-', '_')}"] = dg.MetadataValue.url(link)
    return links

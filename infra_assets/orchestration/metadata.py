"""What a materialization shows: counts, names of outputs, links, and on a failure what the engine said."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from infra_assets.stacks.cell import Cell
from infra_assets.stacks.console import account_link, resource_link
from infra_assets.stacks.operator import Deployment
from infra_assets.stacks.outcome import Outcome

COUNTED = ("create", "update", "replace", "delete")
Metadata = dict[str, dg.MetadataValue[Any]]


def deployed(cell: Cell, deployment: Deployment) -> Metadata:
    """Return the metadata of a success; counts are numbers, so that the UI plots them over time."""
    outcome = deployment.outcome
    shown: Metadata = {
        "state": dg.MetadataValue.text("deployed" if outcome else "unchanged"),
        "account": dg.MetadataValue.url(account_link(cell.tep)),
        "program": dg.MetadataValue.text(deployment.inputs.program[:12]),
    }
    for operation in COUNTED:
        shown[operation] = dg.MetadataValue.int(outcome.counts.get(operation, 0) if outcome else 0)
    if outcome is None:
        return shown
    shown["why"] = dg.MetadataValue.text("; ".join(deployment.reasons))
    shown["duration_s"] = dg.MetadataValue.float(round(outcome.duration_s, 2))
    shown["resources"] = dg.MetadataValue.int(sum(change.operation != "delete" for change in outcome.changes))
    shown["outputs"] = dg.MetadataValue.json(_outputs(cell, outcome))
    warnings = [diagnostic.message for diagnostic in outcome.diagnostics if diagnostic.severity == "warning"]
    if warnings:
        shown["warnings"] = dg.MetadataValue.md("\n".join(f"- {warning}" for warning in warnings))
    return shown | _links(cell, outcome)


def failed(cell: Cell, outcome: Outcome) -> Metadata:
    """Return the metadata of a failure."""
    return {
        "account": dg.MetadataValue.url(account_link(cell.tep)),
        "duration_s": dg.MetadataValue.float(round(outcome.duration_s, 2)),
        "diagnostics": dg.MetadataValue.md(
            "\n\n".join(
                f"**{diagnostic.severity}** {diagnostic.urn.rsplit('::', 1)[-1]}\n```\n{diagnostic.message}\n```"
                for diagnostic in outcome.diagnostics
            )
            or outcome.message
        ),
        **{operation: dg.MetadataValue.int(outcome.counts.get(operation, 0)) for operation in COUNTED},
    }


def _outputs(cell: Cell, outcome: Outcome) -> Mapping[str, Any]:
    public = cell.project.about.public_outputs
    return {name: value if name in public else "(not public)" for name, value in sorted(outcome.outputs.items())}


def _links(cell: Cell, outcome: Outcome) -> Metadata:
    links: Metadata = {}
    for change in outcome.changes:
        if change.type in cell.project.about.main_resources and (link := resource_link(cell.tep, change)):
            links[f"console_{change.name.replace('-', '_')}"] = dg.MetadataValue.url(link)
    return links

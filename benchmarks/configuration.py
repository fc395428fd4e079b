"""What the loop and the floor are configured with: the same values as ours, and the role that the provider assumes by itself."""

from typing import Any

from infra_assets.environments.opening import open_resolver
from infra_assets.environments.resolution import Resolution
from infra_assets.fleet.accounts import role_arn
from infra_assets.fleet.models import Tep
from infra_assets.settings import Settings
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.projects import discover


def resolve(configured: Settings, tep: Tep) -> Resolution:
    """Return a TEP's configuration."""
    return open_resolver(configured, lambda: [tep]).resolve(tep, discover(configured.root).wanted())


def plain(cell: Cell, resolution: Resolution) -> dict[str, Any]:
    """Return a cell's settings, all in clear: what a script that knows nothing of environments would hold."""
    role = {"roleArn": role_arn(cell.tep, cell.project.about.role), "externalId": cell.tep.external_id, "sessionName": "benchmark"}
    configuration = resolution.cell(cell.project.name)
    clear = {key: value.plain(reveal=True) for key, value in configuration.values.items()}
    return {**cell.settings(configuration, str), **clear, "aws:assumeRoles": [role]}

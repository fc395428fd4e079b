"""What previews have foreseen of a rollout, against its limits."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra_assets.planning.targets import Limits
from infra_assets.rollouts.models import RolloutCell
from infra_assets.texts import listed

DELETES = "delete"
REPLACEMENTS = "replace"
ERROR = "error"
NAMED = 10


def above_limits(cells: Sequence[RolloutCell], limits: Limits) -> str:
    """Return what is to be approved, with the list; "" where everything is within the limits."""
    cells = [cell for cell in cells if not cell.good]
    told = [
        _above(cells, DELETES, "deletes", limits.deletes),
        _above(cells, REPLACEMENTS, "replacements", limits.replacements),
        _not_foreseen(cells),
    ]
    return "; ".join(filter(None, told))


def _above(cells: Sequence[RolloutCell], operation: str, title: str, limit: int | None) -> str:
    if limit is None:
        return ""
    found = [f"{cell.project}/{cell.tep} {name}" for cell in cells for name in _foreseen(cell).get(operation, ())]
    return f"{len(found)} {title}, more than the limit of {limit}: {listed(found, NAMED)}" if len(found) > limit else ""


def _not_foreseen(cells: Sequence[RolloutCell]) -> str:
    """What cannot be previewed may hold anything."""
    found = [f"{cell.project}/{cell.tep}" for cell in cells if ERROR in _foreseen(cell)]
    return f"{len(found)} cells could not be previewed: {listed(found, NAMED)}" if found else ""


def _foreseen(cell: RolloutCell) -> Mapping[str, Any]:
    return cell.foreseen or {}

"""What must hold before an operation may change a stack. Each refusal says what to do; nothing is mended by itself."""

from collections.abc import Mapping

from infra_assets.errors import InfraError
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.ledger import Entry, Key
from infra_assets.stacks.state import Checkpoint, Lock

SHRUNK = 0.5
"""A state that holds less than this part of what the ledger recorded was damaged or swapped, not edited."""


def check_state(cell: Cell, checkpoint: Checkpoint | None, locks: list[Lock], recorded: int) -> None:
    """Refuse to work on a stack whose state does not fit what is known of it; `recorded` is how many resources it last held.

    Raises:
        InfraError: it is locked, an operation on it was cut off, or resources that were there are missing from its state.
    """
    if locks:
        held = "; ".join(f"{lock.owner}, lock {lock.id}" for lock in locks)
        raise InfraError(
            f"{cell.name} is locked by {held}",
            remedy=f"If that operation is gone for good: infra unlock {cell.name} --lock {locks[0].id}",
        )
    if checkpoint and checkpoint.pending:
        urns = ", ".join(f"{item.operation} {item.urn}" for item in checkpoint.pending)
        raise InfraError(
            f"{cell.name}: an operation was cut off, and these may exist without being recorded: {urns}",
            remedy="Look for them in the account, then import them or clear them with pulumi refresh --clear-pending-creates.",
        )
    present = checkpoint.resources if checkpoint else 0
    if present < recorded * SHRUNK:
        raise InfraError(
            f"{cell.name}: the state holds {present} resources, the last operation recorded {recorded}",
            remedy="Restore the state from the backend's backups: going on would create everything again.",
        )


def check_upstream(cell: Cell, successes: Mapping[Key, Entry], latest: Mapping[Key, Entry]) -> None:
    """Refuse to deploy a cell whose upstream is not deployed. One that was skipped since its last success stands as it was.

    Raises:
        InfraError: an upstream cell failed, or was never deployed.
    """
    missing: list[str] = []
    for name in cell.project.about.depends_on:
        key = (cell.tep.name, name)
        if key not in successes:
            entry = latest.get(key)
            missing.append(f"{name}/{cell.tep.name}, which is {entry.state if entry else 'never deployed'}")
    if missing:
        raise InfraError(f"{cell.name} needs {', and '.join(missing)}", remedy="Deploy what is upstream first.")

"""Repairs of drift: which cells are to be run again, and which of them may be without asking anybody."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from infra_assets.fleet.models import Tep
from infra_assets.previews.models import CheckedCell
from infra_assets.previews.store import CheckStore
from infra_assets.reports.changes import restored
from infra_assets.reports.matrix import DRIFTED
from infra_assets.stacks.ledger import Key, Ledger


def to_repair(ledger: Ledger, store: CheckStore, teps: Sequence[Tep]) -> dict[Key, CheckedCell]:
    """Return the cells that drift was found in and that nothing was deployed to since."""
    names = {tep.name for tep in teps}
    found = {key: cell for key, cell in store.to_repair().items() if key[0] in names}
    since = ledger.successes(sorted({tep for tep, _ in found})) if found else {}

    def repaired(key: Key, cell: CheckedCell) -> bool:
        last = since.get(key)
        return last is not None and last.finished_at is not None and cell.started_at is not None and last.finished_at > cell.started_at

    return {key: cell for key, cell in found.items() if not repaired(key, cell)}


def low_risk(cell: CheckedCell) -> bool:
    """Return whether a repair only updates, touches nothing that holds state, and brings nothing else with it."""
    changes = [*restored(cell.resources), *restored(cell.drift)]
    return cell.verdict == DRIFTED and bool(changes) and all(each.operation == "update" and not each.stateful for each in changes)


def by_itself(cells: Iterable[CheckedCell], fleet: Iterable[Tep], globs: str) -> list[Key]:
    """Return the cells that are repaired by themselves: of low risk, in environments that one of the globs (with commas) matches."""
    patterns = [glob.strip() for glob in globs.split(",") if glob.strip()]
    teps = {tep.name for tep in fleet if any(fnmatchcase(tep.environment, glob) for glob in patterns)}
    return [(cell.tep, cell.project) for cell in cells if cell.tep in teps and low_risk(cell)]

"""Takes a lock away that a killed operation has left.

`pulumi cancel` deletes every lock of a stack and asks nobody; two operations at once then lose each other's resources. Here one
lock goes, named by its id, and only when its owner is certainly gone.
"""

import os

import psutil

from infra_assets.errors import InfraError, UsageError
from infra_assets.stacks.state import Lock, Store, delete_lock, read_locks


def unlock(store: Store, project: str, stack: str, lock_id: str) -> Lock:
    """Take one lock away and return what it was.

    Raises:
        UsageError: the stack has no such lock.
        InfraError: its owner still runs, or cannot be asked from here.
    """
    locks = {lock.id: lock for lock in read_locks(store, project, stack)}
    lock = locks.get(lock_id)
    if lock is None:
        held = ", ".join(f"{other.id} ({other.owner})" for other in locks.values()) or "none"
        raise UsageError(f"{project}/{stack} has no lock {lock_id}; it has {held}")
    if lock.host != os.uname().nodename:
        where = f"on {lock.host}" if lock.host else "unknown"
        raise InfraError(
            f"lock {lock_id} of {project}/{stack}: its owner is {where}: {lock.owner}",
            remedy="Unlock it there; or, if that host is gone, delete the lock file in the state backend by hand.",
        )
    if _runs(lock.pid):
        raise InfraError(
            f"lock {lock_id} of {project}/{stack}: its owner still runs: {lock.owner}", remedy="Wait for it, or stop its run in Dagster."
        )
    delete_lock(store, project, stack, lock)
    return lock


def release_dead(store: Store, project: str, stack: str) -> list[Lock]:
    """Take away what locks killed operations of this host have left, and return the others.

    That an owner is dead can be told for certain on its own host, and only there; what it may have left undone, the state says.
    """
    held: list[Lock] = []
    for lock in read_locks(store, project, stack):
        if lock.host == os.uname().nodename and lock.pid and not _runs(lock.pid):
            delete_lock(store, project, stack, lock)
        else:
            held.append(lock)
    return held


def _runs(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and "pulumi" in process.name()
    except psutil.NoSuchProcess:
        return False

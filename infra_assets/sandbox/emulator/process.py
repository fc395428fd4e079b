"""The emulator's process: started once per folder, found again, stopped."""

import os
import signal
import sys
import time
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from infra_assets import processes
from infra_assets.errors import InfraError
from infra_assets.sandbox.emulator import records
from infra_assets.sandbox.emulator.control import healthy, reachable_by_proxy
from infra_assets.sandbox.emulator.records import Emulator

MODULE = "infra_assets.sandbox.emulator"
STOP_S = 5.0
POLL_S = 0.02
# Two readings of one process' creation time differ by less than this, even where the clock was set in between; a reused pid by more.
SAME_PROCESS_S = 2.0
# Nothing of the caller's AWS or proxy settings may reach the emulator: moto reads some of them.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "PYTHONPATH")


def start(folder: Path, *, wait_s: float = 60) -> Emulator:
    """Return the emulator of `folder`, started if there is none that answers. Safe to call from several processes at once.

    It runs in a session of its own and outlives the caller; its output goes to `folder`/emulator.log.

    Raises:
        InfraError: it did not come up within `wait_s` seconds; the message holds the log's end.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / records.LOCK, timeout=wait_s):
            running = find(folder)
            if running and healthy(running):
                return running
            _stop(folder)
            return _launch(folder, time.monotonic() + wait_s)
    except Timeout:
        raise InfraError(
            f"another process has been starting the emulator in {folder} for more than {wait_s:g} s",
            remedy=f"See {folder / records.LOG}; then try again.",
        ) from None


def stop(folder: Path) -> bool:
    """Stop the emulator of `folder`; its memory is lost. Return whether one was running."""
    folder = folder.resolve()
    if not folder.is_dir():
        return False
    with FileLock(folder / records.LOCK):
        return _stop(folder)


def find(folder: Path) -> Emulator | None:
    """Return the emulator of `folder` if its process lives. Cheap: it is not asked anything; see `healthy`."""
    recorded = records.read(folder)
    return recorded if recorded and _process(recorded) else None


def _process(emulator: Emulator) -> psutil.Process | None:
    return processes.Recorded(emulator.pid, emulator.started).process


def _stop(folder: Path) -> bool:
    recorded = records.read(folder)
    process = _process(recorded) if recorded else None
    if recorded is None or process is None:
        return False
    processes.stop([process], grace_s=STOP_S)
    if _process(recorded):
        raise InfraError(f"the emulator, process {process.pid}, does not end", remedy="It may be stuck in the kernel; see ps.")
    return True


def _launch(folder: Path, deadline: float) -> Emulator:
    pid = _spawn(folder)
    emulator = _await(folder, pid, deadline)
    while time.monotonic() < deadline:
        if healthy(emulator) and reachable_by_proxy(emulator):
            return emulator
        time.sleep(POLL_S)
    os.kill(pid, signal.SIGKILL)
    raise _failure(folder, "does not answer")


def _spawn(folder: Path) -> int:
    """Start the process, detached. Return its pid."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    # -P: nothing that lies in the caller's working directory can pose as a module.
    return processes.spawn([sys.executable, "-P", "-m", MODULE, str(folder)], environment, folder / records.LOG)


def _await(folder: Path, pid: int, deadline: float) -> Emulator:
    """Wait until the process has written its record."""
    while time.monotonic() < deadline:
        recorded = records.read(folder)
        if recorded and recorded.pid == pid:
            return recorded
        if processes.reap(pid):
            raise _failure(folder, "ended at once")
        time.sleep(POLL_S)
    os.kill(pid, signal.SIGKILL)
    raise _failure(folder, "did not come up in time")


def _failure(folder: Path, what: str) -> InfraError:
    log = folder / records.LOG
    return InfraError(f"the AWS emulator {what}\n{processes.log_end(log)}".rstrip(), remedy=f"Its log: {log}")

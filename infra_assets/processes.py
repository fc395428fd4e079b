"""Background processes that outlive the command which started them, found again by a record, stopped gracefully."""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

# Two readings of one process' creation time differ by less than this; a reused pid differs by more.
SAME_PROCESS_S = 0.05


@dataclass(frozen=True, slots=True)
class Recorded:
    """A process, told from a later one with the same number by when it was created."""

    pid: int
    created: float

    @property
    def process(self) -> psutil.Process | None:
        """The process, None if it is gone."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < SAME_PROCESS_S
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def spawn(command: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
    """Start a command detached: a session of its own, no terminal, no open file of ours. Returns its pid."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    # A shell's background job ignores Ctrl-C, and so would all that it starts: Dagster's runs could then not be stopped.
    default = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
    return os.posix_spawn(command[0], list(command), environment, file_actions=actions, setsid=True, setsigdef=default)


def record(path: Path, pid: int) -> Recorded:
    """Write down a process of ours."""
    recorded = Recorded(pid, psutil.Process(pid).create_time())
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(asdict(recorded)), encoding="utf-8")
    partial.replace(path)
    return recorded


def find(path: Path) -> psutil.Process | None:
    """Return the process of a record if it lives."""
    with suppress(FileNotFoundError, ValueError, TypeError):
        return Recorded(**json.loads(path.read_text(encoding="utf-8"))).process
    return None


def stop(processes: Sequence[psutil.Process], *, grace_s: float, children: bool = True) -> None:
    """End processes, with their children unless those are to outlive them: ask, wait for the grace, then kill."""
    family = [*processes]
    for process in processes if children else ():
        with suppress(psutil.NoSuchProcess):
            family.extend(process.children(recursive=True))
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(family, timeout=grace_s)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=grace_s)


def reap(pid: int) -> bool:
    """Return whether a child of ours has ended, so that it does not stay as a zombie."""
    with suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    return False


def log_end(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log."""
    with suppress(FileNotFoundError):
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    return ""


def wait_until(done: Callable[[], bool], *, seconds: float, poll_s: float = 0.05) -> bool:
    """Wait until `done` says so; returns whether it did in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll_s)
    return True

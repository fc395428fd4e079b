"""Run a program in bounds: with a time limit, with a word every few seconds, and with nothing left behind."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICK_S = 10.0
_KEPT_LINES = 40


@dataclass(frozen=True)
class Finished:
    """How a program ended: `code` as in a shell, None when its time was up; the last lines of both outputs."""

    code: int | None
    lines: list[str]

    @property
    def reason(self) -> str:
        """The last thing that it said."""
        if self.code is None:
            return "no end within the time limit"
        return next((line for line in reversed(self.lines) if line.strip()), f"exit code {self.code}")


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    timeout_s: float,
    on_line: Callable[[str], None] | None = None,
    on_tick: Callable[[], None] | None = None,
) -> Finished:
    """Run `command` and return how it ended; its whole process group is killed at the time limit or when we are interrupted.

    Raises:
        OSError: it cannot be started.
    """
    process = subprocess.Popen(
        command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        start_new_session=True,
    )  # fmt: skip
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    kept: deque[str] = deque(maxlen=_KEPT_LINES)
    try:
        in_time = _follow(lines, kept, time.monotonic() + timeout_s, on_line, on_tick)
        if in_time:
            process.wait()
    finally:
        _kill_group(process)
    return Finished(process.returncode if in_time else None, list(kept))


def _read(process: subprocess.Popen[str], lines: "queue.Queue[str | None]") -> None:
    assert process.stdout
    for line in process.stdout:
        lines.put(line.rstrip("\n"))
    lines.put(None)


def _follow(
    lines: "queue.Queue[str | None]",
    kept: deque[str],
    deadline: float,
    on_line: Callable[[str], None] | None,
    on_tick: Callable[[], None] | None,
) -> bool:
    next_tick = time.monotonic() + TICK_S
    while (now := time.monotonic()) < deadline:
        if now >= next_tick:
            if on_tick:
                on_tick()
            next_tick = now + TICK_S
        try:
            line = lines.get(timeout=min(deadline, next_tick) - now)
        except queue.Empty:
            continue
        if line is None:
            return True
        kept.append(line)
        if on_line:
            on_line(line)
    return False


def _kill_group(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):  # it ended by itself, and so did all that it started
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def took(since: float) -> str:
    """Return the time since `since` (of time.monotonic) for a person: `4 s`, `2 min 5 s`."""
    minutes, seconds = divmod(int(time.monotonic() - since), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

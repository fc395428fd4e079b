"""Shares work among forks of this process, where that is safe and worth it; else does it alone."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 8
"""Processes; each has some 50 MB of its own."""


def shared(
    work: Callable[[Sequence[Item]], Result], items: Sequence[Item], *, least: int, begin: Callable[[], None] = lambda: None
) -> list[Result]:
    """Return what `work` makes of consecutive parts of the items, in their order; results are pickled.

    A part has at least so many items. The first is done here, each of the others in a fork, which calls `begin` first. What a fork cannot
    do is done here as well: an error is raised here.
    """
    count = max(1, min(_processors(), MOST, len(items) // least))
    parts = [items[len(items) * index // count : len(items) * (index + 1) // count] for index in range(count)]
    forks = [_Fork(work, part, begin) for part in parts[1:]]
    try:
        return [work(parts[0]), *(fork.result() for fork in forks)]
    finally:
        for fork in forks:
            fork.end()


class _Fork(Generic[Item, Result]):
    """A process with one part of the work."""

    def __init__(self, work: Callable[[Sequence[Item]], Result], part: Sequence[Item], begin: Callable[[], None]) -> None:
        self._work = work
        self._part = part
        self._begin = begin
        context = multiprocessing.get_context("fork")
        self._receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=self._run, args=(sender,), daemon=True)
        self._process.start()
        sender.close()

    def result(self) -> Result:
        """Wait for the result; without one the work is done here."""
        try:
            return self._receiver.recv()
        except (EOFError, OSError):
            return self._work(self._part)

    def end(self) -> None:
        """End it, whatever it is at."""
        self._process.terminate()
        self._process.join()
        self._receiver.close()

    def _run(self, sender: "Connection") -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for whoever waits, and they end this
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with suppress(Exception):  # it comes again, where it can be told
            self._begin()
            sender.send(self._work(self._part))


def _processors() -> int:
    """Return how many processes are of use; 1 where a fork is not safe, because there are other threads, or nobody knows."""
    return len(os.sched_getaffinity(0)) if _threads() == 1 else 1


def _threads() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir())
    except OSError:
        return 0

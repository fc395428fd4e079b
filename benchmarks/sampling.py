"""What processes cost: seconds of CPU, and the most memory that they held at one moment. Sampled by a process of its own.

`python -m benchmarks.sampling SECONDS PID...` looks at these processes and all that they start until its input is closed, and prints JSON.
"""

import json
import select
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

CPU_S = 0.1
"""What is started between two samples and is gone by the second is counted with whoever has waited for it."""
MEMORY_EVERY = 5
"""How many samples of CPU there are for one of memory, which costs more."""


@dataclass
class Cost:
    """What some processes cost."""

    cpu_s: float = 0.0
    peak_mb: float = 0.0


@contextmanager
def sampled(pids: Iterable[int], *, memory: bool = False) -> Generator[Cost]:
    """Yield what is filled in at the end: the cost of some processes meanwhile, and of all that they start."""
    command = [sys.executable, "-m", "benchmarks.sampling", str(MEMORY_EVERY if memory else 0), *map(str, pids)]
    sampler = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert sampler.stdout
    sampler.stdout.readline()  # it has begun
    cost = Cost()
    try:
        yield cost
    finally:
        found, _ = sampler.communicate()
        cost.__dict__.update(json.loads(found))


def sample(pids: Iterable[int], ended: Callable[[float], bool], *, memory_every: int = 0) -> Cost:
    """Look until it has ended."""
    roots = [psutil.Process(pid) for pid in pids]
    standing = {process.pid: _own(process) for root in roots for process in (root, *root.children(recursive=True))}
    last = dict(standing)
    own = psutil.Process().pid
    peak, number, over = 0, 0, False
    while not over:
        over = ended(CPU_S)
        number += 1
        every = {process.pid: process for root in roots for process in _tree(root) if process.pid != own}
        for pid, process in every.items():
            with suppress(psutil.NoSuchProcess):
                if pid in standing:
                    last[pid] = _own(process)
                elif process.ppid() in standing:
                    last[pid] = max(last.get(pid, 0.0), sum(process.cpu_times()[:4]))
        if memory_every and number % memory_every == 0:
            peak = max(peak, sum(map(_pss_kb, every)))
    return Cost(sum(seconds - standing.get(pid, 0.0) for pid, seconds in last.items()), peak / 1024)


def _tree(root: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [root, *root.children(recursive=True)]
    return []


def _own(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def _pss_kb(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def main() -> None:
    """Sample until the input is closed."""
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    cost = sample(
        map(int, sys.argv[2:]), lambda seconds: bool(select.select([sys.stdin], [], [], seconds)[0]), memory_every=int(sys.argv[1])
    )
    sys.stdout.write(json.dumps(cost.__dict__))


if __name__ == "__main__":
    main()

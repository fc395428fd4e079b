import os
import time
from pathlib import Path

import psutil
import pytest

from infra_assets.sandbox.tools import process
from infra_assets.sandbox.tools.process import run


def test_lines_and_exit_code_come_back() -> None:
    seen: list[str] = []
    finished = run(["/bin/sh", "-c", "echo one; echo two >&2; exit 3"], env={}, cwd=Path("/"), timeout_s=10, on_line=seen.append)
    assert (finished.code, sorted(seen), sorted(finished.lines)) == (3, ["one", "two"], ["one", "two"])


def test_at_the_time_limit_the_program_and_what_it_started_are_killed(tmp_path: Path) -> None:
    start = time.monotonic()
    child = tmp_path / "child"
    finished = run(["/bin/sh", "-c", f"sleep 60 & echo $! > {child}; wait"], env=dict(os.environ), cwd=tmp_path, timeout_s=1)
    assert finished.code is None
    assert "time limit" in finished.reason
    assert time.monotonic() - start < 10
    pid = int(child.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_silent_program_is_reported_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TICK_S", 0.2)
    ticks: list[float] = []
    run(["/bin/sleep", "1"], env={}, cwd=Path("/"), timeout_s=10, on_tick=lambda: ticks.append(time.monotonic()))
    assert 2 <= len(ticks) <= 5

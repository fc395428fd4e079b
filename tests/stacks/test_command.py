"""How a command of the engine ends: by itself, by the limit, by an interruption. The engine is a script here, to misbehave at will."""

import os
import signal
import threading
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from pulumi.automation.errors import CommandError, ConcurrentUpdateError

from infra_assets.stacks.command import FleetCommand

POLITE = """trap 'echo finishing; sleep 0.2; echo "update canceled" >&2; exit 1' TERM
echo working
for i in $(seq 100); do sleep 0.05; done
"""
STUBBORN = """trap '' TERM
(trap '' TERM; sleep 30) &
echo $! > child
for i in $(seq 600); do sleep 0.05; done
"""


def command(folder: Path, script: str, *, limit_s: float = 30, grace_s: float = 5) -> FleetCommand:
    executable = folder / "pulumi"
    executable.write_text(f"#!/bin/bash\n{script}")
    executable.chmod(0o755)
    return FleetCommand(executable, "3.251.0", limit_s=limit_s, grace_s=grace_s)


@pytest.fixture(autouse=True)
def listening() -> Generator[None]:
    """Hear Ctrl-C, also where this process was started in a shell's background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    # Dagster, once used in this process, treats SIGTERM as SIGINT: ignored in a background job, and what is ignored is so in children too.
    terminating = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGINT, before)
    signal.signal(signal.SIGTERM, terminating)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def test_output_is_returned_and_the_environment_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "somebody-elses")
    lines: list[str] = []
    result = command(tmp_path, 'echo "args $*"; env | sort').run(["stack", "ls"], str(tmp_path), {"GIVEN": "1"}, lines.append)
    assert result.stdout.splitlines() == lines
    assert lines[0] == "args --non-interactive stack ls"
    assert "GIVEN=1" in lines
    assert not [line for line in lines if line.startswith("AWS_")]


def test_a_failure_is_the_sdks_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such thing"):
        command(tmp_path, "echo 'error: no such thing' >&2; exit 255").run(["up"], str(tmp_path), {})
    with pytest.raises(ConcurrentUpdateError):
        command(tmp_path, "echo 'error: the stack is currently locked by 1 lock(s)' >&2; exit 255").run(["up"], str(tmp_path), {})


def test_the_limit_asks_once_and_lets_the_engine_finish(tmp_path: Path) -> None:
    engine = command(tmp_path, POLITE, limit_s=0.3)
    with pytest.raises(CommandError, match="update canceled"):
        engine.run(["up"], str(tmp_path), {})
    assert "finishing" in (tmp_path / "stdout").read_text()
    assert engine.stopped == "cancelled after 0 s, the limit for one operation"
    assert not engine.dirty


def test_an_engine_that_does_not_stop_is_killed_with_its_children_and_that_is_noted(tmp_path: Path) -> None:
    engine = command(tmp_path, STUBBORN, limit_s=0.3, grace_s=0.3)
    with pytest.raises(CommandError):
        engine.run(["up"], str(tmp_path), {})
    assert engine.dirty
    assert not alive(int((tmp_path / "child").read_text()))


def test_an_interruption_waits_for_the_engine_and_goes_on(tmp_path: Path) -> None:
    engine = command(tmp_path, POLITE)
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        engine.run(["up"], str(tmp_path), {})
    assert 0.4 < time.monotonic() - began < 4
    assert "finishing" in (tmp_path / "stdout").read_text()
    assert (engine.stopped, engine.dirty) == ("interrupted", False)


def test_a_second_interruption_does_not_wait(tmp_path: Path) -> None:
    engine = command(tmp_path, STUBBORN, grace_s=30)
    for delay in (0.3, 0.6):
        threading.Timer(delay, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        engine.run(["up"], str(tmp_path), {})
    assert time.monotonic() - began < 5
    assert engine.dirty

"""`infra drift` of the demo's fleet against the bare engine: the same stacks, the same refresh, the same number at once.

`python -m benchmarks.drift --format json` rolls the fleet out, and then prints `drift_to_floor`: `infra drift` through the real Dagster,
which runs already, over warm processes that call `preview --refresh` for each stack and nothing else. In turn, so often as `--rounds` says;
the least of each counts. CPU is that of the emulator too. Exit code 1 where the goal is missed.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.engines import Bare, Counted, bare, in_forks
from benchmarks.sampling import Cost, sampled
from benchmarks.telling import Format, house, infra, run, say, tell
from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.fleet.accounts import Organization
from infra_assets.fleet.database import connect
from infra_assets.fleet.document import read
from infra_assets.fleet.importer import import_fleet
from infra_assets.fleet.registry import Registry
from infra_assets.orchestration import warm
from infra_assets.orchestration.services import NAMES, Services
from infra_assets.sandbox import cloud, emulator
from infra_assets.sandbox.lifecycle import Sandbox
from infra_assets.settings import Settings
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.operator import Operator
from infra_assets.stacks.projects import discover

GOALS = {"drift_to_floor": 1.3}
CALL = "preview --refresh"


def fleet(configured: Settings) -> Registry:
    """Bring the demo's TEPs in."""
    registry = Registry(connect(configured.database_url))
    organization = Organization(cloud.Aws(cloud.environment(configured)), email=configured.account_email)
    organization.ensure()
    import_fleet(read(configured.root / "fleet.yaml"), registry, organization.create_account)
    return registry


def pids(configured: Settings, services: Services) -> list[int]:
    """Return the processes that serve a check, and the emulator."""
    found = emulator.find(configured.home / "sandbox")
    assert found is not None
    return [found.pid, *(process.pid for name in NAMES if (process := services.find(name)))]


def prepared(configured: Settings, registry: Registry) -> list[list[Bare]]:
    """Return what the bare engine is called with, by TEP."""
    operator = Operator(configured)
    projects = discover(configured.root).tenant_projects()
    return [[bare(configured, operator, Cell(project, tep)) for project in projects] for tep in registry.list()]


def floor(configured: Settings, work: list[list[Bare]], cap: int) -> None:
    """Call the bare engine for each stack."""

    def look(cells: list[Bare]) -> None:
        for each in cells:
            each.preview(configured, refresh=True, in_sync=True)

    in_forks([partial(look, cells) for cells in work], cap)


def drift() -> None:
    """Look for drift as a user does.

    Raises:
        InfraError: there was some.
    """
    command = [str(Path(sys.executable).with_name("infra")), "drift", "--format", "json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise InfraError(f"infra drift ended with {done.returncode}:\n{done.stderr[-2000:]}{done.stdout[-2000:]}")


def measure(cap: int, rounds: int) -> dict[str, Any]:
    """Return the figures; everything lives in a folder that is removed afterwards."""
    configured = settings.load()
    sandbox, services = Sandbox(configured), Services(configured)
    try:
        sandbox.up(say)
        counted = Counted(configured, configured.home)
        registry = fleet(configured)
        services.start(say)
        infra("rollout", "--at-once", "--wait", "--format", "json")
        configured = settings.load()
        work = prepared(configured, registry)
        warm.preload(configured.root)
        floor(configured, work[:1], cap)
        counted.calls()
        return _measured(configured, services, counted, work, cap, rounds)
    finally:
        services.stop()
        sandbox.down()


def _measured(
    configured: Settings, services: Services, counted: Counted, work: list[list[Bare]], cap: int, rounds: int
) -> dict[str, Any]:  # fmt: skip
    ours: list[tuple[float, Cost, Counter[str]]] = []
    theirs: list[tuple[float, Cost, Counter[str]]] = []
    serving = pids(configured, services)
    for _ in range(rounds):
        for found, do in ((ours, drift), (theirs, partial(floor, configured, work, cap))):
            with sampled([os.getpid(), *serving]) as cost:
                began = time.perf_counter()
                do()
                took = time.perf_counter() - began
            found.append((took, cost, counted.calls()))
            say(f"{'infra drift' if found is ours else 'bare warm engine'}: {took:.2f} s, {cost.cpu_s:.2f} s of CPU")
    stacks = sum(map(len, work))
    wanted = Counter({CALL: stacks})
    for _, _, calls in (*ours, *theirs):
        if calls != wanted:
            raise InfraError(f"the engine was called {dict(calls)}, not {dict(wanted)}")
    drift_s, floor_s = min(took for took, _, _ in ours), min(took for took, _, _ in theirs)
    drift_cpu_s, floor_cpu_s = min(cost.cpu_s for _, cost, _ in ours), min(cost.cpu_s for _, cost, _ in theirs)
    return {
        "teps": len(work), "stacks": stacks, "cap": cap, "goals": GOALS, "engine_calls": stacks,
        "drift_to_floor": round(drift_s / floor_s, 3), "cpu_to_floor": round(drift_cpu_s / floor_cpu_s, 3),
        "drift_s": round(drift_s, 2), "floor_s": round(floor_s, 2),
        "drift_cpu_s": round(drift_cpu_s, 2), "floor_cpu_s": round(floor_cpu_s, 2),
        "drift_cell_s": round(drift_s / stacks, 3), "floor_cell_s": round(floor_s / stacks, 3),
    }  # fmt: skip


def main(
    cap: Annotated[int, typer.Option(help="Stacks at once, on both sides.")] = 4,
    rounds: Annotated[int, typer.Option(help="How often each side is measured.")] = 2,
    form: Format = "table",
) -> None:
    """Measure in a home of its own, and say by the exit code whether the goal is met."""
    with house(cap, INFRA_CHECK_SHARE="1", INFRA_DRIFT_CRON=""):
        figures = measure(cap, rounds)
    tell(figures, form, GOALS)


if __name__ == "__main__":
    run(main)

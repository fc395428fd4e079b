"""`infra preview` of an edit of one layer that three of four TEPs take and one project reads, against the bare engine.

`python -m benchmarks.previews [--teps N] [--format json]` deploys one TEP, copies it, and previews the edit through the real Dagster.
`candidates_s` is until it is known which cells are concerned. The engine must be called once for each of them, and for no other cell.
The floor is warm processes that call the bare engine's `preview` for some of these cells, and nothing else. Memory is that of Dagster, the
command and all runs. Exit code 1 where a goal is missed.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.engines import Bare, Counted, bare, in_forks
from benchmarks.previews_fleet import AFTER, KEY, NOT_TAKING, copy_all, register, write_root
from benchmarks.sampling import Cost, sampled
from benchmarks.telling import Format, clocked, infra, run, say, tell
from infra_assets import settings
from infra_assets.errors import DIFFERENCES, InfraError
from infra_assets.fleet.models import Tep
from infra_assets.orchestration import warm
from infra_assets.orchestration.services import NAMES, Services
from infra_assets.sandbox.lifecycle import Sandbox
from infra_assets.settings import Settings, find_root
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.operator import Operator
from infra_assets.stacks.projects import discover

GOALS = {"preview_to_floor": 1.3}
PROJECT = "cluster"
SAMPLE = 16
"""Cells that the floor previews, at most: its pace is the same whatever their number."""


@dataclass(frozen=True)
class Previewed:
    """What a preview took and found."""

    took_s: float
    candidates_s: float
    verdicts: Counter[str]
    cost: Cost


def preview(proposal: Path, serving: list[int]) -> Previewed:
    """Preview as a user does.

    Raises:
        InfraError: it ended otherwise than expected.
    """
    command = [str(Path(sys.executable).with_name("infra")), "preview", "--environments", f"{proposal}/", "--format", "json"]
    began, candidates_s, said = time.perf_counter(), 0.0, list[str]()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, text=True)
        assert process.stderr
        with sampled([process.pid, *serving], memory=True) as cost:
            for line in process.stderr:
                said.append(line)
                if "TEPs are touched" in line:
                    candidates_s = time.perf_counter() - began
            process.wait()
        took_s = time.perf_counter() - began
        output.seek(0)
        content = output.read()
    if process.returncode != DIFFERENCES:
        raise InfraError(f"infra preview ended with {process.returncode}:\n{''.join(said)[-2000:]}")
    return Previewed(took_s, candidates_s, Counter(cell["verdict"] for cell in json.loads(content)["cells"]), cost)


def floor(configured: Settings, work: list[Bare], cap: int) -> None:
    """Call the bare engine for each cell."""
    in_forks([partial(each.preview, configured, refresh=False, in_sync=False) for each in work], cap)


def prepared(configured: Settings, teps: list[Tep]) -> list[Bare]:
    """Return what the bare engine is called with: what is proposed."""
    operator = Operator(configured)
    project = discover(configured.root).get(PROJECT)
    found = [bare(configured, operator, Cell(project, tep), "preview") for tep in teps]
    return [replace(each, configuration=each.configuration | {KEY: type(each.configuration[KEY])(AFTER)}) for each in found]


def measure(root: Path, count: int, cap: int) -> dict[str, Any]:
    """Return the figures."""
    teps = write_root(root, find_root(Path(__file__).resolve().parent), count)
    configured = settings.load()
    sandbox, services = Sandbox(configured), Services(configured)
    try:
        sandbox.up(say)
        counted = Counted(configured, configured.home)
        configured = settings.load()
        model, *others = register(configured, teps)
        infra("rollout", "--tep", model.name, "--at-once", "--wait", "--format", "json")
        fleet_s = clocked(f"{len(others)} copies", lambda: copy_all(configured, model, others))
        taking = [tep for number, tep in enumerate([model, *others]) if number % NOT_TAKING != NOT_TAKING - 1]
        counted.calls()
        serving = [process.pid for name in NAMES if (process := services.find(name))]
        found = preview(root / "proposal", serving)
        say(f"infra preview: {found.took_s:.2f} s, {found.candidates_s:.2f} s of them until the candidates are known")
        _check(found, counted.calls(), len(teps), len(taking))
        work = prepared(configured, taking[:SAMPLE])
        warm.preload(configured.root)
        floor(configured, work[:1], cap)
        with sampled([os.getpid()]) as cost:
            floor_s = clocked(f"bare warm engine, {len(work)} cells", lambda: floor(configured, work, cap))
        return _figures(len(teps), found, cost, len(taking), len(work), floor_s) | {"cap": cap, "copying_s": round(fleet_s, 2)}
    finally:
        services.stop()
        sandbox.down()


def _check(found: Previewed, calls: Counter[str], teps: int, candidates: int) -> None:
    if calls != {"preview": candidates}:
        raise InfraError(f"the engine was called {dict(calls)}, and there are {candidates} candidates")
    wanted = {"changed": candidates, "unchanged": teps * 3 - candidates}
    if found.verdicts != wanted:
        raise InfraError(f"the preview says {dict(found.verdicts)}, not {wanted}")


def _figures(teps: int, found: Previewed, floor_cost: Cost, candidates: int, sample: int, floor_s: float) -> dict[str, Any]:
    pace, floor_pace = candidates / found.took_s, sample / floor_s
    cpu_s, floor_cpu_s = found.cost.cpu_s / candidates, floor_cost.cpu_s / sample
    return {
        "teps": teps, "cells": teps * 3, "candidates": candidates, "engine_calls": candidates, "goals": GOALS,
        "preview_to_floor": round(floor_pace / pace, 3), "cpu_to_floor": round(cpu_s / floor_cpu_s, 3),
        "preview_s": round(found.took_s, 2), "candidates_s": round(found.candidates_s, 2), "peak_mb": round(found.cost.peak_mb),
        "cells_per_s": round(pace, 3), "floor_cells_per_s": round(floor_pace, 3),
        "cell_cpu_s": round(cpu_s, 2), "floor_cell_cpu_s": round(floor_cpu_s, 2),
    }  # fmt: skip


def main(
    teps: Annotated[int, typer.Option(help="How many.")] = 40,
    cap: Annotated[int, typer.Option(help="Stacks at once, on both sides.")] = 4,
    form: Format = "table",
) -> None:
    """Measure in a folder of its own, and say by the exit code whether the goal is met."""
    with tempfile.TemporaryDirectory(prefix="infra-benchmark-", ignore_cleanup_errors=True) as name:
        root = Path(name).resolve()
        home = root / "dagster_home"
        os.environ |= {
            "INFRA_ROOT": str(root), "INFRA_HOME": str(home), "DAGSTER_HOME": str(home), "INFRA_CAP": str(cap), "INFRA_CHECK_SHARE": "1",
            "INFRA_DRIFT_CRON": "",
        }  # fmt: skip
        figures = measure(root, teps, cap)
    tell(figures, form, GOALS)


if __name__ == "__main__":
    run(main)

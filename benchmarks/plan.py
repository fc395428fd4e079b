"""Planning a rollout of a fleet that is deployed already: 5,000 TEPs of eight projects, after an edit of one layer that all share.

`python -m benchmarks.plan [--teps N] [--format json]` runs the real `infra plan`, and ends with exit code 1 where a goal is missed.
`plan_ratio` is its CPU, that of all its processes, over that of a fixed piece of Python in the same run: unlike the seconds it hardly
depends on the machine, and on what else goes on there. `tick_idle_s` is a look of the sensor `esc_changes` at the same fleet where
nothing has changed, `tick_edit_s` one after an edit of one TEP's own layer.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer

from benchmarks import plan_fleet
from benchmarks.telling import Format, run, tell
from infra_assets import settings
from infra_assets.errors import DIFFERENCES, InfraError

GOALS = {"plan_s": 10.0, "peak_mb": 1024.0, "tick_idle_s": 1.0}
TARGETS = "targets: {everyone: {environments: ['*']}}\n"
SAMPLE_S = 0.05
REFERENCE_ROUNDS = 100_000


def reference() -> float:
    """Return the seconds of CPU that this machine takes for a fixed piece of Python: dictionaries, JSON, hashes."""
    began = time.process_time()
    for number in range(REFERENCE_ROUNDS):
        entries = {f"key{part}:{number}": {"value": part, "text": str(number), "list": [part] * 4} for part in range(8)}
        sha256(json.dumps(dict(sorted(entries.items())), sort_keys=True).encode()).hexdigest()
    return time.process_time() - began


def infra_plan(variables: Mapping[str, str], folder: Path, *arguments: str, expected: int) -> tuple[float, float, Path]:
    """Run `infra plan` as a user does; returns the seconds it took, those of CPU, and what it printed.

    Raises:
        InfraError: it ended otherwise than expected.
    """
    output, errors = folder / "plan.out", folder / "plan.err"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with output.open("wb") as out, errors.open("wb") as err:
        code = subprocess.run([_infra(), "plan", *arguments], env=variables, cwd=folder, stdout=out, stderr=err, check=False).returncode
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    _check(code, expected, errors)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, output


def peak_mb(variables: Mapping[str, str], folder: Path, *arguments: str, expected: int) -> float:
    """Return the most memory that `infra plan` and all processes that it starts held at one moment: the sum of their proportional shares.

    Raises:
        InfraError: it ended otherwise than expected.
    """
    errors, peak = folder / "plan.err", 0
    with errors.open("wb") as err:
        process = subprocess.Popen([_infra(), "plan", *arguments], env=variables, cwd=folder, stdout=subprocess.DEVNULL, stderr=err)
        while process.poll() is None:
            peak = max(peak, _tree_kb(process.pid))
            time.sleep(SAMPLE_S)
    _check(process.returncode, expected, errors)
    return peak / 1024


def _infra() -> str:
    return str(Path(sys.executable).with_name("infra"))


def _check(code: int, expected: int, errors: Path) -> None:
    if code != expected:
        raise InfraError(f"infra plan ended with {code}, not {expected}:\n{errors.read_text(encoding='utf-8')[-2000:]}")


def _tree_kb(pid: int) -> int:
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return sum(_pss_kb(process.pid) for process in (root, *root.children(recursive=True)))
    return 0


def _pss_kb(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def ticks(variables: Mapping[str, str], root: Path) -> dict[str, float | int]:
    """Return what a tick of the sensor `esc_changes` takes; the file that it edits is as it was afterwards.

    Raises:
        InfraError: it did not see just the one edit.
    """
    (root / "targets.yaml").write_text(TARGETS, encoding="utf-8")
    leaf = root / "environments" / "tenants" / f"customer0000-{plan_fleet.ENVIRONMENTS[0]}.yaml"
    text = leaf.read_text(encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.ticks", str(leaf), "cluster:desired: 1", "cluster:desired: 2"]
    done = subprocess.run(command, env=variables, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    leaf.write_text(text, encoding="utf-8")
    if done.returncode or json.loads(done.stdout)["tick_wishes"] != 1:
        raise InfraError(f"the ticks ended with {done.returncode}: {done.stdout}{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def measure(teps: int) -> dict[str, Any]:
    """Return the figures; everything lives in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="infra-benchmark-") as name:
        root = Path(name).resolve()
        plan_fleet.write_root(root, plan_fleet.new_key())
        variables = plan_fleet.environment(root)
        os.environ.update(variables)
        plan_fleet.fill(settings.load(), teps)
        return _measured(variables, root, teps)


def _measured(variables: Mapping[str, str], root: Path, teps: int) -> dict[str, Any]:
    first = reference()
    ticked = ticks(variables, root)
    noop_s, noop_cpu_s, _ = infra_plan(variables, root, "--format", "json", expected=0)
    _edit(root)
    plan_s, plan_cpu_s, output = infra_plan(variables, root, "--format", "json", expected=DIFFERENCES)
    verdicts = Counter(cell["verdict"] for cell in json.loads(output.read_text(encoding="utf-8"))["cells"])
    table_s, _, _ = infra_plan(variables, root, expected=DIFFERENCES)
    peak = peak_mb(variables, root, "--format", "json", expected=DIFFERENCES)
    reference_s = (first + reference()) / 2
    moved = teps - len(range(0, teps, plan_fleet.OWN_SIZE))
    wanted = {"run": moved, "maybe": moved * (len(plan_fleet.MOVED) - 1)}
    wanted["unchanged"] = teps * len(plan_fleet.DEPENDS_ON) - sum(wanted.values())
    if dict(verdicts) != {name: count for name, count in wanted.items() if count}:
        raise InfraError(f"the plan says {dict(verdicts)}, not {wanted}")
    return {
        "teps": teps, "cells": teps * len(plan_fleet.DEPENDS_ON), "goals": GOALS, "verdicts": dict(verdicts),
        "plan_s": round(plan_s, 2), "plan_cpu_s": round(plan_cpu_s, 2), "plan_ratio": round(plan_cpu_s / reference_s, 2),
        "noop_s": round(noop_s, 2), "noop_cpu_s": round(noop_cpu_s, 2), "table_s": round(table_s, 2),
        "reference_s": round(reference_s, 2), "peak_mb": round(peak), **ticked,
    }  # fmt: skip


def _edit(root: Path) -> None:
    path = root / "environments" / f"{plan_fleet.EDITED}.yaml"
    text = path.read_text(encoding="utf-8")
    assert plan_fleet.BEFORE in text
    path.write_text(text.replace(plan_fleet.BEFORE, plan_fleet.AFTER), encoding="utf-8")


def main(
    teps: Annotated[int, typer.Option(help="How many.")] = 5000,
    form: Format = "table",
) -> None:
    """Measure, and say by the exit code whether the goals are met."""
    figures = measure(teps)
    tell(figures, form, GOALS)


if __name__ == "__main__":
    run(main)

"""Resolving a fleet's configuration: 5,000 TEPs, six documents each, against the official evaluator on the same files.

`python -m benchmarks.environments [--teps N] [--json FILE]` ends with exit code 1 where a goal is missed. Each side works in a fresh
process, and reads the files itself.
"""

import hashlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.environments_fleet import SHARED, write_fleet
from benchmarks.telling import run, verdict
from infra_assets import settings
from infra_assets.environments.opening import open_resolver
from infra_assets.environments.resolution import Resolution, Wanted
from infra_assets.environments.sources.folder import FolderSource
from infra_assets.errors import InfraError
from infra_assets.fleet.models import Ring, Tep
from infra_assets.garbage import uncollected
from tests.environments.language.oracle import build

GOALS = {"full_s": 5.0, "leaf_s": 0.05, "shared_s": 5.0, "peak_mb": 500.0}
LEAF_EDITS = 9
WANTED = [Wanted("app"), Wanted("network", ("app",)), Wanted("cluster", ("app", "network"))]


class Fleet:
    """Keeps every TEP's fingerprints up to date, with what the control plane resolves a fleet with."""

    def __init__(self, folder: Path, roots: Sequence[str]) -> None:
        teps = [_tep(number, root) for number, root in enumerate(roots)]
        self._teps = {tep.name: tep for tep in teps}
        self._resolver = open_resolver(settings.load(), lambda: teps, source=FolderSource(folder))
        self._resolutions: dict[str, Resolution] = {}
        self.fingerprints: dict[str, list[str]] = {}

    def resolve(self) -> int:
        """Notice what changed, and resolve what rests on it; returns how many TEPs that were."""
        # What was loaded is known as it is: only from then on there is something to notice.
        stale = self._resolver.affected(self._resolver.refresh()) if self._resolutions else set(self._teps)
        with uncollected():
            for tep, found in self._resolver.resolve_all([self._teps[name] for name in stale], WANTED).items():
                if found.problems:
                    raise InfraError(f"{tep}: {found.problems[0]}")
                self._resolutions[tep] = found
                self.fingerprints[tep] = [cell.fingerprint(b"benchmark") for cell in found.cells.values()]
        return len(stale)

    def digest(self) -> str:
        """Return a hash of all values, for comparing them with the official evaluator's."""
        digest = hashlib.sha256()
        for name in self._teps:
            resolution = self._resolutions[name]
            values = {key: value.plain(reveal=True) for cell in resolution.cells.values() for key, value in cell.values.items()}
            digest.update(json.dumps(values, sort_keys=True, separators=(",", ":")).encode())
        return digest.hexdigest()


def _tep(number: int, root: str) -> Tep:
    tenant, _, environment = root.partition("/")[2].rpartition("-")
    return Tep(tenant, environment, Ring.REGULAR, "us-east-1", f"{number:012d}", "benchmark")


def measure_ours(folder: Path) -> dict[str, float | str]:
    """Resolve all, then edit documents on disk and resolve what rests on them."""
    roots = (folder / "roots.txt").read_text(encoding="utf-8").split()
    began = time.perf_counter()
    fleet = Fleet(folder, roots)
    resolved = fleet.resolve()
    full_s = time.perf_counter() - began
    fleet.resolve()  # from now on, changes are noticed
    figures = {"full_s": full_s, "roots": resolved, "digest": fleet.digest()}
    every = len(roots) // LEAF_EDITS or 1
    leaves = [_edited(fleet, folder, root, expected=1) for root in roots[::every][:LEAF_EDITS]]
    shared = [_edited(fleet, folder, name, expected=len(roots)) for name in SHARED]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {**figures, "leaf_s": statistics.median(leaves), "shared_s": statistics.median(shared), "peak_mb": peak}


def _edited(fleet: Fleet, folder: Path, name: str, *, expected: int) -> float:
    path = folder / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("  pulumiConfig:\n", f"  pulumiConfig:\n    app:edited-{name.replace('/', '-')}: {len(text)}\n", 1), encoding="utf-8"
    )
    before = fleet.fingerprints.copy()
    began = time.perf_counter()
    resolved = fleet.resolve()
    took = time.perf_counter() - began
    other = sum(before[root] != fingerprint for root, fingerprint in fleet.fingerprints.items())
    if (resolved, other) != (expected, expected):
        raise InfraError(f"after an edit of {name}, {resolved} TEPs were resolved and {other} came out other: not {expected}")
    return took


def measure(teps: int) -> dict[str, Any]:
    """Return both sides' figures; the fleet lives in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="infra-benchmark-") as name:
        folder = Path(name)
        write_fleet(folder, teps)
        official = _official(folder)
        ours = _child([sys.executable, "-m", "benchmarks.environments", "--child", str(folder)])
    if official and official["digest"] != ours["digest"]:
        raise InfraError("the two sides do not come to the same values")
    return {"teps": teps, "goals": GOALS, "ours": ours, "official": official}


def _official(folder: Path) -> dict[str, Any] | None:
    try:
        program = build().program
    except InfraError as error:
        sys.stderr.write(f"the official evaluator is not measured: {error}\n")
        return None
    return _child([str(program), "bench", str(folder)])


def _child(command: Sequence[str]) -> dict[str, Any]:
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def table(figures: Mapping[str, Any]) -> Table:
    """Return the figures as a table."""
    shown = Table("", "ours", "goal", "official", "ours / official", title=f"{figures['teps']} TEPs, six documents each")
    # The official evaluator keeps nothing: whatever was edited, what rests on it is evaluated from nothing.
    ours: dict[str, float] = figures["ours"]
    official: dict[str, float] = figures["official"] or {}
    whole = official.get("seconds")
    per_root = whole and whole / figures["teps"]
    rows = [
        ("full resolve, s", "full_s", whole),
        ("after an edit of a leaf, s", "leaf_s", per_root),
        ("after an edit of a shared layer, s", "shared_s", whole),
        ("peak memory, MB", "peak_mb", official.get("peak_mb")),
    ]
    for label, name, theirs in rows:
        shown.add_row(label, _text(ours[name]), f"≤ {GOALS[name]}", _text(theirs), _text(ours[name] / theirs if theirs else None))
    return shown


def _text(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.4g}"


def main(
    teps: Annotated[int, typer.Option(help="How many.")] = 5000,
    to: Annotated[Path | None, typer.Option("--json", help="Write the figures there as well.")] = None,
    child: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Measure both, print a table, and say by the exit code whether the goals are met."""
    if child:
        sys.stdout.write(json.dumps(measure_ours(child)))
        return
    figures = measure(teps)
    if to:
        to.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    Console().print(table(figures))
    verdict(figures["ours"], GOALS)
    missed = [name for name, goal in GOALS.items() if figures["ours"][name] > goal]
    if missed:
        sys.stderr.write(f"missed: {', '.join(missed)}\n")
        raise typer.Exit(1)


if __name__ == "__main__":
    run(main)

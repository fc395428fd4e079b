"""What benchmarks have in common: how they say what they do, what they found, and whether the goals are met."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from infra_assets.settings import find_root

Format = Annotated[str, typer.Option("--format", help="table or json.")]


def say(text: str) -> None:
    """Report progress."""
    sys.stderr.write(f"{text}\n")


def clocked(what: str, work: Callable[[], None]) -> float:
    """Return the seconds that something takes."""
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    say(f"{what}: {took:.2f} s")
    return took


def infra(*arguments: str) -> None:
    """Run the command as a user does."""
    subprocess.run([str(Path(sys.executable).with_name("infra")), *arguments], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def house(cap: int, **variables: str) -> Generator[Path]:
    """Yield a home that is removed afterwards, for the programs of this checkout."""
    root = find_root(Path(__file__).resolve().parent)
    with tempfile.TemporaryDirectory(prefix="infra-benchmark-", ignore_cleanup_errors=True) as name:
        home = Path(name).resolve()
        shutil.copy(root / "dagster_home" / "dagster.yaml", home)
        os.environ |= {"INFRA_ROOT": str(root), "INFRA_HOME": str(home), "DAGSTER_HOME": str(home), "INFRA_CAP": str(cap), **variables}
        yield home


def tell(figures: Mapping[str, Any], form: str, goals: Mapping[str, float] | None = None) -> None:
    """Print the figures, and say by the exit code whether the goals are met: none may be exceeded."""
    width = max(map(len, figures)) + 2
    lines = "".join(f"{name:{width}}{value}\n" for name, value in figures.items())
    sys.stdout.write(json.dumps(figures, indent=2) + "\n" if form == "json" else lines)
    verdict(figures, goals or {})


def verdict(figures: Mapping[str, Any], goals: Mapping[str, float]) -> None:
    """End with exit code 1 where a goal is missed, and say which."""
    missed = [name for name, goal in goals.items() if figures[name] > goal]
    if missed:
        say(f"missed: {', '.join(missed)}")
        raise typer.Exit(1)


def run(main: Callable[..., None]) -> None:
    """Run a benchmark's command."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()

"""A tick of the sensor `esc_changes` over a fleet: how long it takes to see that nothing has changed, and that one TEP's layer has.

`benchmarks.plan` runs it as a process of its own, as Dagster's code server is one: `python -m benchmarks.ticks` prints the figures as JSON.
"""

import json
import sys
import time
from pathlib import Path

from infra_assets import settings
from infra_assets.planning.planner import Planner
from infra_assets.rollouts.triggers import Triggers, Watched

ROUNDS = 3
NAME = "benchmark"


def tick(watched: Watched) -> tuple[float, int]:
    """Return the seconds of one look, and how many rollouts it has asked for."""
    began = time.perf_counter()
    noticed = Triggers(Planner(settings.load())).follow_environments(watched, NAME)
    return time.perf_counter() - began, len(noticed.wishes)


def measure(edited: Path, before: str, after: str) -> dict[str, float | int]:
    """Return the figures: the first look of a process that was just started, one with nothing new, one after an edit of a file."""
    watched = Watched(Planner(settings.load()))
    first_s, _ = tick(watched)
    idle_s = min(tick(watched)[0] for _ in range(ROUNDS))
    text = edited.read_text(encoding="utf-8")
    assert before in text
    edited.write_text(text.replace(before, after), encoding="utf-8")
    edit_s, wishes = tick(watched)
    return {"tick_first_s": round(first_s, 2), "tick_idle_s": round(idle_s, 3), "tick_edit_s": round(edit_s, 3), "tick_wishes": wishes}


if __name__ == "__main__":
    file, was, becomes = sys.argv[1:]
    sys.stdout.write(json.dumps(measure(Path(file), was, becomes)))

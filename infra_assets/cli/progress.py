"""How a rollout is shown while it goes on: a live table on a terminal, a line for each change elsewhere."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Self

from rich.console import Group
from rich.live import Live
from rich.text import Text

from infra_assets.cli.output import matrix_table, stderr
from infra_assets.planning.plan import UNCHANGED
from infra_assets.reports.matrix import Row
from infra_assets.rollouts.models import Rollout

MOST_ROWS = 40
"""Rows of a live table: what is longer than a screen cannot be redrawn in place."""
SETTLED = ("deployed", UNCHANGED)


class Progress:
    """The live view of one rollout."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._live = Live(console=stderr, transient=True, auto_refresh=False) if stderr.is_terminal else None
        self._note = ""
        self._said: dict[tuple[str, str], str] = {}
        self._said_of_all = ""

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def note(self, text: str) -> None:
        """Say something besides the states."""
        self._note = text
        if self._live is None:
            stderr.print(text)

    def show(self, rollout: Rollout, rows: Sequence[Row]) -> None:
        """Show the rollout as it is now."""
        elapsed = time.monotonic() - self._began
        headline = _headline(rollout)
        if self._live:
            counts = ", ".join(f"{count} {state}" for state, count in Counter(row.state for row in rows).items())
            parts = [Text(headline, style="bold"), matrix_table(_interesting(rows)), Text(f"{elapsed:.0f} s · {counts}")]
            self._live.update(Group(*parts, Text(self._note, style="yellow")), refresh=True)
            return
        if headline != self._said_of_all:
            stderr.print(f"{elapsed:6.1f} s  {headline}", highlight=False, markup=False, soft_wrap=True)
            self._said_of_all = headline
        known = {} if self._said else {(row.tep.name, row.project): row.state for row in rows if row.state in SETTLED}
        self._said.update(known)  # what was done before is no news
        for row in rows:
            key = (row.tep.name, row.project)
            if self._said.get(key, "queued") != row.state and row.state != UNCHANGED:
                stderr.print(f"{elapsed:6.1f} s  {row.project}/{row.tep.name} {row.state}", highlight=False)
            self._said[key] = row.state


def _headline(rollout: Rollout) -> str:
    wave = rollout.waves[rollout.wave].name if 0 <= rollout.wave < len(rollout.waves) else "previews" if rollout.waves else ""
    where = f", wave {wave} ({max(rollout.wave, 0) + 1} of {len(rollout.waves)})" if wave and rollout.open else ""
    if rollout.reason.startswith("waits "):
        return f"rollout {rollout.id} {rollout.reason}"
    return f"rollout {rollout.id} {rollout.state}{where}{f': {rollout.reason}' if rollout.reason else ''}"


def _interesting(rows: Sequence[Row]) -> Sequence[Row]:
    """Return what fits on a screen: TEPs in which something goes on or went wrong come first."""
    busy = {row.tep.name for row in rows if row.state not in (*SETTLED, "queued")}
    teps = list(dict.fromkeys(row.tep.name for row in rows))
    shown = set([*(name for name in teps if name in busy), *(name for name in teps if name not in busy)][:MOST_ROWS])
    return [row for row in rows if row.tep.name in shown]

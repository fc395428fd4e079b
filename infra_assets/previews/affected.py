"""Which cells a proposal concerns: whose program is another, or whose configuration resolves to something else. Runs nothing.

First everything is evaluated under the proposal with nothing opened; only where that rests on an environment that the proposal changes are
both sides resolved in full and compared, by value.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from infra_assets.environments.layers import root
from infra_assets.environments.proposal import Proposal
from infra_assets.environments.resolution import Resolution, Wanted
from infra_assets.environments.resolver import Resolver
from infra_assets.fleet.models import Tep
from infra_assets.garbage import uncollected
from infra_assets.planning.planner import Planner
from infra_assets.planning.reasons import Side, reasons
from infra_assets.previews.models import CheckedCell
from infra_assets.previews.sides import Pair, Sides
from infra_assets.reports.matrix import ERROR, MAYBE, NEVER
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.inputs import details
from infra_assets.stacks.ledger import Key, Standing

STATIC = "not previewed: this is a static plan"
SAID_EVERY = 500
"""TEPs between two words of progress."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Affected:
    """What a proposal concerns."""

    cells: Sequence[CheckedCell]
    """Those that are to be looked at, and those that are errors already; all others are unchanged."""
    resolutions: Mapping[str, Resolution] = field(default_factory=dict[str, Resolution])
    """What the proposal comes to, of the TEPs that it concerns."""


class Finder:
    """Finds the cells of one proposal."""

    def __init__(
        self, planner: Planner, sides: Sides, proposed: Resolver | None, live: Resolver | None, proposal: Proposal | None, *,
        static: bool = False,
    ) -> None:  # fmt: skip
        self._planner = planner
        self._sides = sides
        self._proposed = proposed
        self._live = live
        self._changed = proposal.changed if proposal else frozenset[str]()
        self._narrowed = proposal.narrowing.closure(proposal.changed) if proposal else None
        self._static = static
        self.unresolved = 0
        """How many TEPs were not resolved, because Pulumi Cloud says that they do not refer to what is changed."""

    def find(self, teps: Sequence[Tep], progress: Progress) -> Affected:
        """Return what is concerned in some TEPs."""
        latest, successes = self._planner.ledger.standings([tep.name for tep in teps])
        cells: list[CheckedCell] = []
        resolutions: dict[str, Resolution] = {}
        with uncollected():
            for number, tep in enumerate(teps, 1):
                found, resolution = self._of_tep(tep, latest, successes)
                cells += found
                if resolution is not None and any(cell.candidate and not cell.verdict for cell in found):
                    resolutions[tep.name] = resolution
                if number % SAID_EVERY == 0:
                    progress(f"{number} of {len(teps)} TEPs resolved")
        return Affected(cells, resolutions)

    def _of_tep(
        self, tep: Tep, latest: Mapping[Key, Standing], successes: Mapping[Key, Standing]
    ) -> tuple[list[CheckedCell], Resolution | None]:
        pairs = self._sides.of(tep)
        touched = self._touched(tep, [pair.wanted for pair in pairs])
        if touched is not None and touched.problems:
            said = "\n".join(map(str, touched.problems))
            return [self._row(pair, tep, latest, verdict=ERROR, message=said) for pair in pairs], None
        live = self._resolved(self._live, tep, [pair.wanted for pair in pairs]) if touched is not None else None
        rows: list[CheckedCell] = []
        concerned: set[str] = set()
        for pair in pairs:
            row = self._of_pair(pair, tep, touched, live, latest, successes)
            if row is not None:
                concerned.add(pair.name)
            elif concerned & set(pair.after.about.depends_on if pair.after else ()):
                concerned.add(pair.name)
                after = " and ".join(name for name in (pair.after.about.depends_on if pair.after else ()) if name in concerned)
                row = self._row(pair, tep, latest, candidate=False, cause=f"after {after}", closure=touched)
            if row is not None:
                rows.append(self._as_static(row))
        return rows, touched

    def _of_pair(
        self, pair: Pair, tep: Tep, touched: Resolution | None, live: Resolution | None, latest: Mapping[Key, Standing],
        successes: Mapping[Key, Standing],
    ) -> CheckedCell | None:  # fmt: skip
        if pair.problem and (self._sides.of_programs or touched is not None):
            return self._row(pair, tep, latest, verdict=ERROR, message=pair.problem)
        causes = [cause] if (cause := self._sides.program(pair)) else []
        if touched is not None and pair.after is not None:
            found = touched.cell(pair.name)
            if found.unresolved and not self._static:
                said = f"its configuration cannot be opened: {found.unresolved}"
                return self._row(pair, tep, latest, verdict=ERROR, message=said)
            causes += self._configured(Cell(pair.after, tep), touched, live)
        if not causes:
            return None
        pending = self._pending(pair, successes.get((tep.name, pair.name)))
        return self._row(pair, tep, latest, cause="; ".join([*causes, *pending]), closure=touched)

    def _touched(self, tep: Tep, wanted: Sequence[Wanted]) -> Resolution | None:
        """Return what the proposal makes of a TEP's configuration, None where it does not concern it."""
        if self._proposed is None:
            return None
        if self._narrowed is not None and root(tep) not in self._narrowed:
            self.unresolved += 1
            return None
        closed = self._proposed.resolve(tep, wanted, closed=True, logins=False)
        if not self._changed & {*closure_names(closed), root(tep)} and not self._broken(closed, tep, wanted):
            return None
        return closed if closed.problems or self._static else self._resolved(self._proposed, tep, wanted)

    def _broken(self, closed: Resolution, tep: Tep, wanted: Sequence[Wanted]) -> bool:
        """Return whether a TEP's environment has errors that it does not have as it is live."""
        if not closed.problems:
            return False
        assert self._live is not None
        live = self._live.resolve(tep, wanted, closed=True, logins=False)
        # By their places: that something is missing is said with the sources that lack it.
        return [each.place for each in live.problems] != [each.place for each in closed.problems]

    def _resolved(self, resolver: Resolver | None, tep: Tep, wanted: Sequence[Wanted]) -> Resolution:
        assert resolver is not None
        return resolver.resolve(tep, wanted, closed=self._static, logins=not self._static)

    def _configured(self, cell: Cell, proposed: Resolution, live: Resolution | None) -> list[str]:
        """Say what of a cell's configuration resolves to something else: which keys, from what to what, and which layer says so."""
        key, name = self._sides.key, cell.project.name
        now = cell.fingerprint(proposed.cell(name), key)
        if live is None or live.problems:
            return ["configuration: as it is live it has errors"]
        if self._static and (proposed.cell(name).unresolved or live.cell(name).unresolved):
            return ["configuration: it rests on what only somebody with credentials can open"]
        before = cell.fingerprint(live.cell(name), key)
        if now == before:
            return []
        sides = [
            Side({"configuration": value}, details(cell, resolution.cell(name), {}, key), None, resolution.closure)
            for value, resolution in ((before, live), (now, proposed))
        ]
        return reasons(cell, sides[0], sides[1], proposed, self._planner.past)

    def _pending(self, pair: Pair, last: Standing | None) -> list[str]:
        if last is None or pair.before is None or last.inputs.get("program") == pair.before.tree_hash:
            return []
        return ["besides, a merged program is not applied yet"]

    def _row(
        self, pair: Pair, tep: Tep, latest: Mapping[Key, Standing], *, closure: Resolution | None = None, **values: object
    ) -> CheckedCell:
        entry = latest.get((tep.name, pair.name))
        pins = {name: revision for name, revision in closure.closure.items() if not name.startswith("fleet/")} if closure else None
        row = CheckedCell(
            "", tep.name, pair.name, pair.position, commit=pair.after.commit if pair.after else None, pins=pins,
            state=entry.state if entry else NEVER,
        )  # fmt: skip
        return replace(row, **values)  # pyright: ignore[reportArgumentType]  # fields of the row

    def _as_static(self, row: CheckedCell) -> CheckedCell:
        if not self._static or row.verdict:
            return row
        return replace(row, verdict=MAYBE, message=STATIC)


def closure_names(resolution: Resolution) -> frozenset[str]:
    """Return the environments that a TEP's configuration rests on."""
    return frozenset(resolution.closure)

"""What a plan of a fleet is, and how the parts that several processes plan become one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from infra_assets.environments import layers
from infra_assets.environments.resolution import Resolution
from infra_assets.environments.usage import Use
from infra_assets.planning.plan import Planned
from infra_assets.stacks.ledger import Key, Standing
from infra_assets.texts import counted


@dataclass(frozen=True)
class Plan:
    """What a rollout would do, and what that rests on."""

    planned: Sequence[Planned]
    resolutions: Mapping[str, Resolution]
    commit: str | None
    """Where the programs are from; None where each cell has its own."""
    pins: Mapping[str, str]
    """The revisions of the environments that it rests on, but for what the register writes."""
    changed: Mapping[str, Sequence[str]]
    """Environments whose revision is not the one that was deployed last: name → [before, now]."""
    orphans: Mapping[str, int] = field(default_factory=dict[str, int])
    """Projects that are deployed and that the commit does not have: in how many TEPs. Nothing is done to their stacks."""

    def told_orphans(self) -> list[str]:
        """Return a line for each project that the commit does not have any more."""
        return [
            f"{project} is deployed in {counted(teps, 'TEP')} and is not in commit {(self.commit or '')[:8]}: its stacks stay as they are"
            for project, teps in sorted(self.orphans.items())
        ]


@dataclass(frozen=True, slots=True)
class Part:
    """What a plan says of some TEPs, and what has to be written down of it."""

    planned: Sequence[Planned]
    resolutions: Mapping[str, Resolution]
    newest: Mapping[str, tuple[int, str]]
    uses: Sequence[Use]
    deployed: Counter[str]
    """In how many TEPs each project is."""


@dataclass(frozen=True, slots=True)
class Brief:
    """The same without values, and without what whoever asked has too: it goes from one process to another."""

    rows: Sequence[tuple[str, Sequence[str], str, bool]]
    resolutions: Mapping[str, Resolution]
    newest: Mapping[str, tuple[int, str]]
    uses: Sequence[Use]
    deployed: Counter[str]
    """In how many TEPs each project is."""


def pins_of(resolutions: Mapping[str, Resolution]) -> dict[str, str]:
    """Return the revisions that resolutions rest on, but for those of environments that the register writes."""
    written = f"{layers.FLEET}/"
    every = (item for resolution in resolutions.values() for item in resolution.closure.items())
    return {name: revision for name, revision in every if not name.startswith(written)}


def newest_of(successes: Mapping[Key, Standing]) -> dict[str, tuple[int, str]]:
    """Return which revision of each environment was deployed last, and by which operation."""
    # Cells that rest on the same environments share them: of these the newest will do.
    every = {id(entry.environments): entry for entry in sorted(successes.values(), key=lambda entry: entry.id) if entry.environments}
    newest: dict[str, tuple[int, str]] = {}
    for entry in sorted(every.values(), key=lambda entry: entry.id):
        newest.update({name: (entry.id, revision) for name, revision in (entry.environments or {}).items()})
    return newest


def moved(pins: Mapping[str, str], newest: Mapping[str, tuple[int, str]]) -> dict[str, list[str]]:
    """Return the environments that were deployed at other revisions: what a person wants to see the difference of."""
    return {name: [before, pins[name]] for name, (_, before) in sorted(newest.items()) if name in pins and before != pins[name]}


def shortened(part: Part) -> Brief:
    """Return a part as it goes to another process."""
    rows = [(item.verdict, item.reasons, item.state, item.configured) for item in part.planned]
    resolutions = {name: replace(found, cells={}, logins={}) for name, found in part.resolutions.items()}
    return Brief(rows, resolutions, part.newest, part.uses, part.deployed)


def together(parts: Sequence[Sequence[Use]]) -> list[Use]:
    """Return what was used, each environment once."""
    found: dict[str, Use] = {}
    for use in (use for part in parts for use in part):
        before = found.get(use.environment)
        found[use.environment] = replace(use, opens=use.opens + before.opens) if before else use
    return list(found.values())

"""Sees what has changed (a branch, an environment) and notes what is to be rolled out; asked by sensors and by webhooks alike.

How far it has read is remembered in the database after the wish is noted: what was seen by one that died is seen again.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from filelock import FileLock, Timeout

from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Tep
from infra_assets.planning.following import Followed
from infra_assets.planning.planner import Planner
from infra_assets.planning.targets import Target
from infra_assets.rollouts.models import Trigger
from infra_assets.rollouts.pending import ENVIRONMENTS, GIT, wish
from infra_assets.rollouts.store import RolloutStore
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.ledger import Entry
from infra_assets.texts import listed

SEEN = "environments"
NAMED = 3
LOCK_S = 10


@dataclass(frozen=True, slots=True)
class Noticed:
    """What a look has found."""

    wishes: Sequence[str]
    """Ids of the rollouts that are pending now."""
    said: str
    """For people: what was seen, or why there is nothing to do."""


class Triggers:
    """Looks for changes."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        engine = connect(planner.settings.database_url)
        self._store = RolloutStore(engine)
        self._followed = Followed(engine)
        self._lock = planner.settings.home / "run" / "triggers.lock"

    def follow_targets(self, who: str) -> Noticed:
        """Fetch the programs' repository, and note a wish for every target whose branch has moved.

        Raises:
            InfraError: the repository cannot be reached; nothing is forgotten.
        """
        targets = list(self._planner.targets.targets.values())
        if not targets:
            return Noticed((), f"no targets in {self._planner.settings.targets.name}")
        with self._alone():
            tips = self._planner.mirror.fetch()
            notes = [self._follow(target, tips.get(target.branch), who) for target in targets]
        return Noticed([rollout_id for rollout_id, _ in notes if rollout_id], "; ".join(text for _, text in notes))

    def _follow(self, target: Target, tip: str | None, who: str) -> tuple[str | None, str]:
        name = f"target/{target.name}"
        seen: str | None = self._followed.get(name).get("commit")
        if tip is None:
            return None, f"{target.name}: there is no branch {target.branch}{f', it stays at {seen[:8]}' if seen else ''}"
        if tip == seen:
            return None, f"{target.name} at {tip[:8]}"
        rewritten = bool(seen) and not self._planner.mirror.is_ancestor(str(seen), tip)
        approval = f"branch {target.branch} was rewritten: {str(seen)[:8]} is not in the history of {tip[:8]}" if rewritten else ""
        detail = f"{target.branch} {f'{seen[:8]} → ' if seen else ''}{tip[:8]}"
        rollout_id = wish(self._store, target.name, Trigger(kind=GIT, who=who, detail=detail), commit=tip, approval=approval)
        self._followed.set(name, commit=tip)
        return rollout_id, f"{target.name}: {detail}"

    def follow_environments(self, watch: "Watched", who: str) -> Noticed:
        """Note a wish for every target with cells whose resolved configuration is not what they were last deployed with.

        Raises:
            InfraError: a source does not answer; nothing is forgotten.
        """
        if not self._planner.targets.targets:
            return Noticed((), f"no targets in {self._planner.settings.targets.name}")
        with self._alone():
            changed, digest = watch.look(self._planner, self._followed.get(SEEN).get("digest"))
            if changed is None:
                return Noticed((), "no environment has changed")
            affected = watch.affected(self._planner, changed)
            why = f"{listed(sorted(changed), NAMED)} changed" if len(changed) <= NAMED else "environments changed"
            wishes = self._wish_environments(affected, why, who)
            self._followed.set(SEEN, digest=digest)
        return Noticed(wishes, f"{why}: {listed(sorted(tep.name for tep in affected)) or 'no cell resolves to anything else'}")

    def _wish_environments(self, affected: Sequence[Tep], why: str, who: str) -> list[str]:
        by_target: dict[str, list[str]] = {}
        for tep in affected:
            if target := self._planner.targets.of(tep):
                by_target.setdefault(target.name, []).append(tep.name)
        trigger = Trigger(kind=ENVIRONMENTS, who=who, detail=why)
        return [wish(self._store, target, trigger, teps=teps) for target, teps in by_target.items()]

    @contextmanager
    def _alone(self) -> Generator[None]:
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._lock, timeout=LOCK_S):
                yield
        except Timeout:
            raise InfraError(
                "another process has been looking for changes for a while", remedy="The next look sees what this one would have."
            ) from None


class Watched:
    """The environments as one process has seen them: what is asked again and again is answered from memory."""

    def __init__(self, planner: Planner) -> None:
        self._teps: Sequence[Tep] = ()
        self._resolver = planner.resolver_of(lambda: self._teps)
        self._known: set[str] = set()
        """TEPs of which it is known what their configuration rests on."""

    def look(self, planner: Planner, digest: str | None) -> tuple[set[str] | None, str]:
        """Return which environments have changed since `digest` was made, None for none, and the digest of how they are now.

        Raises:
            InfraError: a source does not answer.
        """
        fleet = planner.registry.list()
        if list(fleet) != list(self._teps):
            self._teps = fleet
        changed = self._resolver.refresh()
        names = self._resolver.library.names()
        now = _digest(names)
        if now == digest:
            return None, now
        # After a restart nothing is known of what it was.
        return (changed if self._known and changed else set(names)), now

    def affected(self, planner: Planner, changed: set[str]) -> list[Tep]:
        """Return the TEPs of which a deployed cell resolves to something else than at its last operation.

        Raises:
            InfraError: programs cannot be read, or the sandbox does not run.
        """
        mine = {tep.name: tep for tep in self._teps if planner.targets.of(tep)}
        names = (self._resolver.affected(changed) & mine.keys()) | (mine.keys() - self._known)
        names |= {name.partition("/")[2] for name in changed} & mine.keys()
        latest: dict[str, dict[str, Entry]] = {}
        for (tep, project), entry in planner.ledger.latest(sorted(names)).items():
            latest.setdefault(tep, {})[project] = entry
        return [mine[name] for name in sorted(latest) if self._differs(planner, mine[name], latest[name])]

    def _differs(self, planner: Planner, tep: Tep, latest: Mapping[str, Entry]) -> bool:
        catalogue = planner.catalogue(planner.commit_of(tep))
        resolution = self._resolver.resolve(tep, catalogue.wanted())
        self._known.add(tep.name)
        if resolution.problems:
            return True
        for project in catalogue.projects:
            entry, configuration = latest.get(project.name), resolution.cell(project.name)
            if entry is None or configuration.unresolved:
                continue
            if entry.refused:  # for its environments, most often: they have changed
                return True
            if "configuration" not in entry.inputs:
                continue
            if Cell(project, tep).fingerprint(configuration, planner.around.key) != entry.inputs["configuration"]:
                return True
        return False


def _digest(names: Mapping[str, str]) -> str:
    return sha256("\0".join(f"{name}={revision}" for name, revision in sorted(names.items())).encode()).hexdigest()

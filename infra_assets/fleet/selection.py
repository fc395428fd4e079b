"""`--tep --tenant --env --ring`: which TEPs are meant, by shell globs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from infra_assets.errors import UsageError
from infra_assets.fleet.models import Ring, Tep


@dataclass(frozen=True, slots=True)
class Selection:
    """Patterns of each kind; a TEP is meant if it matches one pattern of every kind that has any."""

    teps: Sequence[str] = ()
    tenants: Sequence[str] = ()
    environments: Sequence[str] = ()
    rings: Sequence[str] = ()
    projects: Sequence[str] = field(default=())

    def pick(self, fleet: Iterable[Tep]) -> list[Tep]:
        """Return the TEPs that are meant, in the order of `fleet`.

        Raises:
            UsageError: a ring that does not exist, a pattern that matches nothing, or nothing that matches all of them.
        """
        for ring in self.rings:
            if ring not in list(Ring):
                raise UsageError(f"--ring {ring}: unknown ring; there are {', '.join(Ring)}")
        everyone = list(fleet)
        picked = [
            tep
            for tep in everyone
            if _matches(tep.name, self.teps)
            and _matches(tep.tenant, self.tenants)
            and _matches(tep.environment, self.environments)
            and _matches(tep.ring, self.rings)
        ]
        for option, patterns, names in (
            ("--tep", self.teps, [tep.name for tep in everyone]),
            ("--tenant", self.tenants, [tep.tenant for tep in everyone]),
            ("--env", self.environments, [tep.environment for tep in everyone]),
        ):
            _refuse_idle(option, patterns, names)
        if not picked and everyone:
            raise UsageError("the selection matches no TEP", remedy="infra fleet list shows them.")
        return picked

    def pick_projects(self, names: Iterable[str]) -> list[str]:
        """Return the projects that are meant, in the order of `names`.

        Raises:
            UsageError: a pattern that matches none.
        """
        known = list(names)
        _refuse_idle("--project", self.projects, known)
        return [name for name in known if _matches(name, self.projects)]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _refuse_idle(option: str, patterns: Sequence[str], names: Sequence[str]) -> None:
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise UsageError(f"{option} {pattern}: matches nothing", remedy=f"There are: {', '.join(sorted(set(names))) or 'none'}.")

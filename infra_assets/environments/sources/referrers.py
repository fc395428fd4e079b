"""Which environments a change of others can concern, as Pulumi Cloud knows it."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from infra_assets.environments.names import InvalidNameError, canonical_name
from infra_assets.environments.sources.cloud_answers import Referrer, parse
from infra_assets.environments.sources.cloud_answers import Referrers as Page
from infra_assets.environments.sources.cloud_api import CloudApi, ForbiddenError
from infra_assets.environments.sources.protocol import SourceError

_PATH = "/esc/environments/{organization}/{project}/{environment}/referrers"
_COUNT = "500"
"""As many as the service gives at once."""
_PAGES = 1000
_MOST = 100
"""What concerns more environments than this is not followed: to ask for each would take longer than to resolve them."""
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Found:
    """What refers to an environment."""

    environments: frozenset[str]
    stacks: frozenset[str]
    """`PROJECT/STACK`, of stacks that Pulumi Cloud deploys: none of ours."""


class Referrers:
    """What refers to an organization's environments, as Pulumi Cloud has it.

    It counts who imports any revision, also in an older revision of its own: rather too many than too few.
    """

    def __init__(self, cloud: CloudApi) -> None:
        self._cloud = cloud

    def closure(self, changed: Collection[str]) -> frozenset[str] | None:
        """Return these environments and all that import one of them, directly or not; None where the service does not say, or for many.

        Raises:
            SourceError: no answer, or one that cannot be.
        """
        known = frozenset(changed)
        new = known
        while new:
            if len(known) > _MOST:
                return None
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                found = list(threads.map(self.of, sorted(new)))
            if any(each is None for each in found):
                return None
            new = frozenset[str]().union(*(each.environments for each in found if each)) - known
            known |= new
        return known

    def of(self, name: str) -> Found | None:
        """Return what refers to an environment, None where the service does not say.

        Raises:
            SourceError: no answer, or one that cannot be.
        """
        environments: set[str] = set()
        stacks: set[str] = set()
        try:
            for each in self._each(name):
                if each.environment:
                    environments.add(canonical_name(f"{each.environment.project}/{each.environment.name}").canonical)
                if each.stack:
                    stacks.add(f"{each.stack.project}/{each.stack.stack}")
        except (_UnknownError, ForbiddenError, InvalidNameError):
            return None
        return Found(frozenset(environments), frozenset(stacks))

    def _each(self, name: str) -> Iterator[Referrer]:
        project, environment = canonical_name(name).canonical.split("/")
        what = f"what refers to environment {name}"
        token: str | None = None
        tokens: set[str] = set()
        while len(tokens) < _PAGES:
            query = {"count": _COUNT, "allRevisions": "true", "latestStackVersionOnly": "true"}
            answer = self._cloud.get(
                what, _PATH, {"project": project, "environment": environment}, query | ({"continuationToken": token} if token else {})
            )
            if not answer.ok:
                raise _UnknownError
            page = parse(Page, answer, f"{what} ({self._cloud.place})")
            for group in page.referrers.values():
                yield from group
            token = page.continuation_token
            if not token:
                return
            if token in tokens:
                break
            tokens.add(token)
        raise SourceError(f"{what} ({self._cloud.place}): the pages of the list go in a circle")


class _UnknownError(Exception):
    """The service does not know the environment, or this call."""

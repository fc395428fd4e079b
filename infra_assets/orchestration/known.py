"""The projects that Dagster must know: those on disk, and those of every commit that a rollout or a target deploys."""

from collections.abc import Iterable

from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.planning.planner import Planner
from infra_assets.rollouts.store import RolloutStore
from infra_assets.settings import Settings
from infra_assets.stacks.projects import Catalogue, Problem, discover, merged


def known_catalogue(settings: Settings) -> Catalogue:
    """Return one catalogue of them all; what is on disk says how a project is described, all of them together what it depends on."""
    return merged([discover(settings.root), *_pinned(settings)])


def _pinned(settings: Settings) -> Iterable[Catalogue]:
    planner = Planner(settings)
    try:
        tips = planner.mirror.branches() if planner.targets.targets else dict[str, str]()
        branches = {target.branch for target in planner.targets.targets.values()}
        opened = RolloutStore(connect(settings.database_url)).opened()
        commits = {tips[branch] for branch in branches if branch in tips} | {rollout.commit for rollout in opened if rollout.commit}
    except InfraError as error:
        yield Catalogue((), (Problem("targets", str(error)),))
        return
    for commit in sorted(commits):
        try:
            found = planner.catalogue(commit)
        except InfraError as error:
            yield Catalogue((), (Problem(f"commit_{commit[:8]}", str(error)),))
            continue
        yield Catalogue(found.projects, ())
    yield from _left(planner)


def _left(planner: Planner) -> Iterable[Catalogue]:
    """Projects that are deployed somewhere, each as it was deployed last: their stacks are looked at though no commit has them any more."""
    for project, commit in planner.ledger.deployed_projects().items():
        try:
            found = planner.catalogue(commit)
        except InfraError:
            continue  # its cells say that the commit cannot be had
        yield Catalogue([each for each in found.projects if each.name == project], ())

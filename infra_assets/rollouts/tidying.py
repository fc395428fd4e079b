"""Removes what nothing uses any more: work trees of commits that no rollout and no target deploys."""

from datetime import timedelta

from infra_assets.fleet.database import now
from infra_assets.planning.following import Followed
from infra_assets.planning.planner import Planner
from infra_assets.rollouts.store import RolloutStore, moment

TIDIED = "tidied"
EVERY = timedelta(hours=1)


def tidy(planner: Planner, store: RolloutStore) -> list[str]:
    """Remove unused work trees, once an hour; returns the commits whose trees are gone."""
    followed = Followed(store.engine)
    last = moment(followed.get(TIDIED).get("at"))
    if last is not None and now() - last < EVERY:
        return []
    opened = store.opened()
    commits = {rollout.commit for rollout in opened} | {cell.commit for rollout in opened for cell in store.cells(rollout.id)}
    gone = planner.trees.collect({commit for commit in commits if commit} | set(planner.mirror.branches().values()))
    followed.set(TIDIED, at=now().isoformat())
    return gone

"""The history of rollouts in Dagster's UI: the asset `rollouts` gets a materialization for each that has ended."""

from typing import Any

import dagster as dg

from infra_assets.planning.following import Followed
from infra_assets.rollouts.models import Rollout, State
from infra_assets.rollouts.store import RolloutStore
from infra_assets.runs import runs_page

ASSET = "rollouts"
PUBLISHED = "published"
ENDED = (State.DONE, State.FAILED, State.SUPERSEDED)


def rollouts_asset() -> dg.AssetSpec:
    """Return the asset."""
    return dg.AssetSpec(
        ASSET, group_name="rollouts", description="Every rollout that has ended: who or what asked, from where to where, and how it went."
    )


def publish(instance: dg.DagsterInstance, store: RolloutStore) -> None:
    """Report what has ended since the last time."""
    followed = Followed(store.engine)
    known = set(followed.get(PUBLISHED).get("ids", ()))
    ended = store.rollouts(states=ENDED, limit=100)
    fresh = [rollout for rollout in reversed(ended) if f"{rollout.id} {rollout.finished_at}" not in known]
    for rollout in fresh:
        instance.report_runless_asset_event(dg.AssetMaterialization(ASSET, metadata=_metadata(store, rollout)))
    if fresh:
        followed.set(PUBLISHED, ids=[f"{rollout.id} {rollout.finished_at}" for rollout in ended])


def _metadata(store: RolloutStore, rollout: Rollout) -> dict[str, dg.MetadataValue[Any]]:
    counts = store.counts(rollout.id)
    took = (rollout.finished_at - rollout.created_at).total_seconds() if rollout.finished_at else 0.0
    shown: dict[str, dg.MetadataValue[Any]] = {
        "rollout": dg.MetadataValue.text(rollout.id),
        "state": dg.MetadataValue.text(rollout.state.value),
        "asked_for_by": dg.MetadataValue.text("; ".join(map(str, rollout.triggers))),
        "target": dg.MetadataValue.text(rollout.target or ""),
        "commit": dg.MetadataValue.text(_commits(rollout)),
        "environments": dg.MetadataValue.json({name: list(pair) for name, pair in rollout.changed.items()}),
        "cells": dg.MetadataValue.json(counts),
        "took_s": dg.MetadataValue.float(round(took, 1)),
        "runs": dg.MetadataValue.url(runs_page(rollout.id)),
    }
    if rollout.reason:
        shown["reason"] = dg.MetadataValue.text(rollout.reason)
    return shown


def _commits(rollout: Rollout) -> str:
    if rollout.commit is None:
        return "each cell's own"
    before = f"{rollout.previous_commit[:10]} → " if rollout.previous_commit and rollout.previous_commit != rollout.commit else ""
    return f"{before}{rollout.commit[:10]}"

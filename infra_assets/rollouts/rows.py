"""Rollouts as rows of their table, and back."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from infra_assets.rollouts.models import Options, Rollout, State, Trigger, Wave


def row_of(rollout: Rollout) -> dict[str, Any]:
    """Return a rollout as a row."""
    values = {name: getattr(rollout, name) for name in Rollout.__dataclass_fields__}
    return values | {
        "triggers": [trigger.model_dump() for trigger in rollout.triggers],
        "options": rollout.options.model_dump(mode="json"),
        "waves": [asdict(wave) for wave in rollout.waves],
        "state": rollout.state.value,
        "pins": dict(rollout.pins),
        "changed": {name: list(pair) for name, pair in rollout.changed.items()},
        "selection": dict(rollout.selection),
    }


def rollout_of(row: sa.RowMapping) -> Rollout:
    """Return the rollout that a row holds."""
    values: dict[str, Any] = dict(row)
    values["state"] = State(values["state"])
    values["triggers"] = [Trigger(**trigger) for trigger in values["triggers"]]
    values["options"] = Options.model_validate(values["options"])
    values["waves"] = [Wave(**wave) for wave in values["waves"]]
    return Rollout(**values)

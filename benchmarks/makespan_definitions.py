"""A code location whose deployments only take time: what queue, launcher and worker cost, without an engine."""

import json
import os
import time
from pathlib import Path

import dagster as dg

STEPS = "steps.jsonl"
"""In the home: a line as a step starts, a line as it ends, by the step itself."""

teps = dg.DynamicPartitionsDefinition(name="tep")


class StepConfig(dg.Config):
    """How long a step takes."""

    seconds: float = 1.0


@dg.asset(partitions_def=teps, deps=[])
def step(context: dg.AssetExecutionContext, config: StepConfig) -> None:
    """Take the time that a deployment would."""
    _note(context, "start")
    time.sleep(config.seconds)
    _note(context, "end")


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job  # pyright: ignore[reportUnknownMemberType]  # its hooks have no type
def halt_rollout() -> None:
    """Stands for the jobs by which people control rollouts."""
    nothing()


def _note(context: dg.AssetExecutionContext, what: str) -> None:
    line = json.dumps({"tep": context.partition_key, "run": context.run_id, "what": what, "at": time.time()})
    with (Path(os.environ["INFRA_HOME"]) / STEPS).open("a", encoding="utf-8") as steps:
        steps.write(line + "\n")


rollout = dg.define_asset_job("rollout", selection=[step])  # pyright: ignore[reportUnknownMemberType]  # its hooks have no type
defs = dg.Definitions(
    assets=[step],
    jobs=[rollout, halt_rollout],
    executor=dg.in_process_executor,
)

"""A run's process: executes one Dagster run and ends.

`python -m infra_assets.orchestration.worker RUN_ID` is the cold way; the warm host calls `execute` in a fork.
"""

import os
import signal
import sys
import traceback

import psutil

from infra_assets.runs import BY_HAND_TAG, CHECK_TAG, REQUEST_TAG

PARENT_TAG = "dagster/parent_run_id"
PROCESS_TAG = ".dagster/infra-worker"
"""On a run: `host:pid:start` of its process, so that any process of the instance can stop it or see that it died. Hidden in the UI."""


def identity(pid: int) -> str:
    """Return what tells a process from a later one with the same number."""
    return f"{os.uname().nodename}:{pid}:{psutil.Process(pid).create_time():.2f}"


def execute(run_id: str) -> int:
    """Execute a run of the instance that DAGSTER_HOME names; returns the process' exit code."""
    import dagster as dg
    from dagster._cli.api import _execute_run_command_body  # pyright: ignore[reportPrivateUsage]  # as dagster-celery does
    from dagster._utils.interrupts import setup_interrupt_handlers

    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where whoever started Dagster ignores it
    setup_interrupt_handlers()  # SIGTERM interrupts the step, as Ctrl-C does
    with dg.DagsterInstance.get() as instance:
        instance.add_run_tags(run_id, {PROCESS_TAG: identity(os.getpid())})
        run = instance.get_run_by_id(run_id)
        if run and run.is_finished:
            return 0  # it was given up because it took so long to start: another may be on its way
        key = run.tags.get(REQUEST_TAG, "") if run else ""
        try:
            if run and key and PARENT_TAG in run.tags:
                # A person has executed a rollout's or a check's run again: it is theirs, and goes by what is newest.
                instance.add_run_tags(run_id, {BY_HAND_TAG: "true"})
                key = ""
            if run and CHECK_TAG in run.tags:
                key = ""  # it changes nothing: no other must be kept from it
            if run and key and not _claim(key, run_id):
                instance.report_run_canceled(run, message=f"nothing was done: {key} was withdrawn, or another run has it")
                return 0
            _forget_secrets()
        except BaseException as error:
            traceback.print_exc()
            if run:  # Dagster would wait for it until the limit to its start
                instance.report_run_failed(run, f"it could not begin: {type(error).__name__}; its log tells more")
            raise
        try:
            return _execute_run_command_body(run_id, instance, lambda _event: None, set_exit_code_on_failure=True)
        finally:
            if key:
                ended = instance.get_run_by_id(run_id)
                _move_on(key, succeeded=ended is not None and ended.is_success)


def _forget_secrets() -> None:
    """Take out of the environment what is none of a program's business; the settings were read from it already."""
    from pydantic import SecretStr

    from infra_assets import settings

    loaded = settings.load()
    for name in type(loaded).model_fields:
        if isinstance(getattr(loaded, name), SecretStr):
            os.environ.pop(f"INFRA_{name.upper()}", None)


def _claim(key: str, run_id: str) -> bool:
    """Take a rollout's request for this run, before it touches anything: whatever asked twice, one run does it."""
    from infra_assets import settings
    from infra_assets.fleet.database import connect
    from infra_assets.rollouts.store import RolloutStore

    return RolloutStore(connect(settings.load().database_url)).asked.claim(key, run_id)


def _move_on(key: str, *, succeeded: bool) -> None:
    """Say that the run has ended, and see to what is next where nobody else would for a while."""
    from infra_assets import settings
    from infra_assets.errors import InfraError
    from infra_assets.fleet.database import connect
    from infra_assets.orchestration.client import DagsterClient
    from infra_assets.orchestration.services import Services
    from infra_assets.planning.planner import Planner
    from infra_assets.rollouts.conductor import Conductor
    from infra_assets.rollouts.store import RolloutStore
    from infra_assets.rollouts.work import end, wants_attention

    loaded = settings.load()
    store = RolloutStore(connect(loaded.database_url))
    try:
        rollout = end(store, key, succeeded=succeeded)
        url = Services(loaded).url()
        if url and wants_attention(store, rollout):
            Conductor(Planner(loaded), DagsterClient(url)).advance(rollout.id)
    except InfraError as error:
        sys.stderr.write(f"rollout of {key}: {error}; the sensor `rollouts` goes on with it\n")


if __name__ == "__main__":
    sys.exit(execute(sys.argv[1]))

"""A run's process: executes one Dagster run and ends.

`python -m infra_assets.orchestration.worker RUN_ID` is the cold way; the warm host calls `execute` in a fork.
"""

import os
import signal
import sys

import psutil

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
        return _execute_run_command_body(run_id, instance, lambda _event: None, set_exit_code_on_failure=True)


if __name__ == "__main__":
    sys.exit(execute(sys.argv[1]))

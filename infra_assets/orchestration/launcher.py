"""Launches runs: a fork of the warm host, or a fresh process where there is none.

Unlike Dagster's default launcher it can say whether a run's worker still lives, so that run monitoring fails a run whose process
was killed instead of waiting for its time limit.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, Self

import psutil
from dagster import DagsterInstance, DagsterRun
from dagster._config import UserConfigSchema
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClass
from dagster._serdes.config_class import ConfigurableClassData

from infra_assets import settings
from infra_assets.orchestration import warm
from infra_assets.orchestration.worker import PROCESS_TAG, identity
from infra_assets.processes import wait_until

START_S = 5.0


class WarmRunLauncher(RunLauncher[DagsterInstance], ConfigurableClass):
    """One process per run, on this host."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Where this was configured."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Nothing to configure."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        """Make one as dagster.yaml says."""
        return cls(inst_data=inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run's process."""
        run_id = context.dagster_run.run_id
        if warm.request(settings.load().home, run_id) is None:
            self._start_cold(run_id)

    def terminate(self, run_id: str) -> bool:
        """Ask the run's process to stop gracefully; returns whether it was there to be asked."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        # A worker names itself as its first act; one that was launched this very moment has not come to it yet.
        wait_until(lambda: PROCESS_TAG in self._tags(run_id), seconds=START_S)
        process = _process(self._tags(run_id))
        if process is None:
            return False
        process.send_signal(signal.SIGTERM)
        return True

    def _tags(self, run_id: str) -> Mapping[str, str]:
        run = self._instance.get_run_by_id(run_id)
        return run.tags if run else {}

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Yes."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Say whether the run's process lives."""
        identified = run.tags.get(PROCESS_TAG)
        if identified is None:
            return CheckRunHealthResult(WorkerStatus.UNKNOWN, "the run's process is not known yet")
        if identified.split(":", 1)[0] != os.uname().nodename:
            return CheckRunHealthResult(WorkerStatus.UNKNOWN, f"the run's process is on another host: {identified}")
        if _process(run.tags) is not None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, f"the run's process is gone: {identified}")

    @staticmethod
    def _start_cold(run_id: str) -> None:
        subprocess.Popen(
            [sys.executable, "-m", "infra_assets.orchestration.worker", run_id], stdin=subprocess.DEVNULL, start_new_session=True
        )


def _process(tags: Mapping[str, str]) -> psutil.Process | None:
    """Return a run's process, by the run's tags, if it lives on this host and is really the run's."""
    identified = tags.get(PROCESS_TAG, "")
    try:
        pid = int(identified.split(":")[1])
        process = psutil.Process(pid)
        return process if identity(pid) == identified and process.status() != psutil.STATUS_ZOMBIE else None
    except (IndexError, ValueError, psutil.NoSuchProcess):
        return None

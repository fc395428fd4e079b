"""Runs of the instance that this process belongs to, for a sensor's tick: what is to be launched becomes the tick's run requests."""

from collections.abc import Iterable, Mapping, Sequence

import dagster as dg

from infra_assets.errors import InfraError
from infra_assets.orchestration.client import DRIFT, ROLLOUT, DagsterClient, checks_of, run_config
from infra_assets.orchestration.services import Services
from infra_assets.runs import ACTIVE, PARTITION_TAG, TEP_TAG, Run, RunRequest
from infra_assets.settings import Settings

MOST = 1000


class InstanceRuns:
    """Asks the instance, and collects what the tick will request."""

    def __init__(self, instance: dg.DagsterInstance, settings: Settings) -> None:
        self._instance = instance
        self._settings = settings
        self.requested: list[dg.RunRequest] = []

    def launch(self, requests: Sequence[RunRequest]) -> None:
        """Collect runs: Dagster launches them after the tick, each key once, also where it dies in between."""
        self.requested += [_run_request(request) for request in requests]

    def runs(self, *, tags: Mapping[str, str] | None = None, active: bool = False, ids: Sequence[str] = ()) -> list[Run]:
        """Return runs by tags or ids, newest first."""
        chosen = dg.RunsFilter(
            run_ids=list(ids) or None,
            tags=dict(tags or {}),
            statuses=[dg.DagsterRunStatus(status) for status in ACTIVE] if active else (),
        )
        return [Run(run.run_id, run.status.value, run.tags) for run in self._instance.get_runs(chosen, limit=MOST)]

    def terminate(self, ids: Sequence[str]) -> None:
        """Ask runs to stop gracefully; queued ones never start."""
        for run_id in ids:
            self._instance.run_coordinator.cancel_run(run_id)

    def prepare(self, teps: Iterable[str], programs: Mapping[str, Sequence[str]]) -> None:
        """Give TEPs their partitions; have the code location reloaded where it lacks a project.

        Raises:
            InfraError: it lacks one, and there is no webserver to reload it.
        """
        present = set(self._instance.get_dynamic_partitions("tep"))
        if missing := [tep for tep in teps if tep not in present]:
            self._instance.add_dynamic_partitions("tep", missing)
        url = Services(self._settings).url()
        if url is None:
            return  # whatever is unknown to the code location Dagster refuses, and it is asked for again
        try:
            DagsterClient(url).prepare((), programs)
        except InfraError as error:
            raise InfraError(f"the code location does not know all projects of the rollout: {error.message}", remedy=error.remedy) from None


def _run_request(request: RunRequest) -> dg.RunRequest:
    tags = {**request.tags, PARTITION_TAG: request.tep, TEP_TAG: request.tep}
    if request.job not in (ROLLOUT, DRIFT):
        return dg.RunRequest(run_key=request.key, job_name=request.job, tags=tags, run_config=run_config(request))
    return dg.RunRequest(
        run_key=request.key,
        job_name=request.job,
        partition_key=request.tep if request.job == ROLLOUT else None,
        tags=tags,
        run_config=run_config(request),
        asset_selection=[dg.AssetKey(name) for name in request.projects] if request.job == ROLLOUT else [],
        asset_check_keys=[dg.AssetCheckKey(dg.AssetKey(project), name) for project, name in checks_of(request)],
    )

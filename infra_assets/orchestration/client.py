"""Talks to a running Dagster over GraphQL: launches runs, watches them, stops them. Does not import dagster.

Documented as "GraphQL API" by Dagster; the version is pinned, and a test runs each query against the real webserver.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx

from infra_assets.errors import InfraError, NotRunningError
from infra_assets.runs import ACTIVE, CHECK_TAG, PARTITION_TAG, TEP_TAG, Run, RunRequest
from infra_assets.stacks.health import CHECKS

REPOSITORY = "__repository__"
PAGE = 500
RUN_KEY_TAG = "dagster/run_key"
SENSOR_TAG = "dagster/sensor_name"
SENSOR = "rollouts"
CHECKS_SENSOR = "checks"
PREVIEW_OP = "preview_stacks"
ROLLOUT = "rollout"
PREVIEW = "preview"
DRIFT = "drift"
HEALTHY = "healthy"
"""The asset check of a project whose stacks can be asked whether they work."""
IN_SYNC = "in_sync"
"""The asset check of each project that looks for drift; the job `drift` is these."""

LAUNCH = """
mutation Launch($params: [ExecutionParams!]!) {
  launchMultipleRuns(executionParamsList: $params) {
    __typename
    ... on LaunchMultipleRunsResult {
      launchMultipleRunsResult {
        __typename
        ... on LaunchRunSuccess { run { id } }
        ... on RunConfigValidationInvalid { errors { message } }
        ... on Error { message }
      }
    }
    ... on Error { message }
  }
}
"""
RUNS = """
query Runs($filter: RunsFilter!, $limit: Int!, $cursor: String) {
  runsOrError(filter: $filter, limit: $limit, cursor: $cursor) {
    __typename
    ... on Runs { results { id status startTime endTime tags { key value } } }
    ... on Error { message }
  }
}
"""
TERMINATE = """
mutation Terminate($ids: [String!]!) {
  terminateRuns(runIds: $ids, terminatePolicy: SAFE_TERMINATE) {
    __typename
    ... on TerminateRunsResult { terminateRunResults { __typename ... on Error { message } } }
    ... on Error { message }
  }
}
"""
ASSETS = """
query Assets($location: String!) {
  assetNodes(group: null, pipeline: {pipelineName: "rollout", repositoryName: "__repository__", repositoryLocationName: $location}) {
    assetKey { path } opVersion dependencyKeys { path }
  }
}
"""
PARTITIONS = """
query Partitions($location: String!) {
  assetNodes(group: null, pipeline: {pipelineName: "rollout", repositoryName: "__repository__", repositoryLocationName: $location}) {
    partitionKeys
  }
}
"""
RELOAD = """
mutation Reload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) {
    __typename
    ... on WorkspaceLocationEntry { locationOrLoadError { __typename ... on PythonError { message } } }
    ... on Error { message }
  }
}
"""
CAP = "{ instance { runQueueConfig { maxConcurrentRuns } } }"
ADD_PARTITION = """
mutation Add($key: String!, $location: String!) {
  addDynamicPartition(
    partitionsDefName: "tep", partitionKey: $key,
    repositorySelector: {repositoryName: "__repository__", repositoryLocationName: $location}
  ) { __typename ... on Error { message } ... on UnauthorizedError { message } ... on DuplicateDynamicPartitionError { partitionName } }
}
"""


class DagsterClient:
    """One webserver."""

    def __init__(self, url: str, *, location: str = "infra_assets", timeout_s: float = 60) -> None:
        self.url = url.rstrip("/")
        self._location = location
        self._http = httpx.Client(timeout=timeout_s, trust_env=False)
        self._present: set[str] = set()
        """TEPs that have their partitions: none is ever taken away."""

    def launch(self, requests: Sequence[RunRequest]) -> None:
        """Launch runs.

        Raises:
            InfraError: Dagster refused one; the others are launched.
        """
        if not requests:
            return
        answer = self._ask(LAUNCH, {"params": [self._parameters(request) for request in requests]})["launchMultipleRuns"]
        if answer["__typename"] != "LaunchMultipleRunsResult":
            raise InfraError(f"Dagster refused to launch runs: {answer.get('message', answer)}")
        refused: list[str] = []
        for request, result in zip(requests, answer["launchMultipleRunsResult"], strict=True):
            if result["__typename"] != "LaunchRunSuccess":
                reason = result.get("message") or "; ".join(item["message"] for item in result.get("errors", ())) or result["__typename"]
                refused.append(f"the run for {request.tep}: {reason}")
        if refused:
            raise InfraError(f"Dagster refused {'; '.join(refused[:3])}", remedy=f"See {self.url}/locations.")

    def runs(self, *, tags: Mapping[str, str] | None = None, active: bool = False, ids: Sequence[str] = ()) -> list[Run]:
        """Return runs by tags or ids, all or those that are queued or go on; newest first."""
        chosen: dict[str, Any] = {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]}
        if active:
            chosen["statuses"] = list(ACTIVE)
        if ids:
            chosen["runIds"] = list(ids)
        found: list[Run] = []
        while True:
            cursor = found[-1].id if found else None
            answer = self._ask(RUNS, {"filter": chosen, "limit": PAGE, "cursor": cursor})["runsOrError"]
            if answer["__typename"] != "Runs":
                raise InfraError(f"Dagster does not list runs: {answer.get('message')}")
            found.extend(_run(item) for item in answer["results"])
            if len(answer["results"]) < PAGE:
                return found

    def terminate(self, ids: Sequence[str]) -> None:
        """Ask runs to stop gracefully; queued ones never start.

        Raises:
            InfraError: Dagster refused.
        """
        if not ids:
            return
        answer = self._ask(TERMINATE, {"ids": list(ids)})["terminateRuns"]
        if answer["__typename"] != "TerminateRunsResult":
            raise InfraError(f"Dagster refused to stop runs: {answer.get('message')}")

    def prepare(self, teps: Iterable[str], programs: Mapping[str, Sequence[str]]) -> None:
        """Give TEPs their partitions, and reload the code location where it lacks one of these projects or what it depends on.

        Raises:
            InfraError: the code location cannot be loaded, or lacks it still.
        """
        if self._lacking(programs):
            self._reload()
            if lacking := self._lacking(programs):
                raise InfraError(f"the code location has no project {', '.join(lacking)}", remedy=f"See {self.url}/locations.")
        wanted = set(teps) - self._present
        if not wanted:
            return
        nodes = self._ask(PARTITIONS, {"location": self._location})["assetNodes"]
        present = set(nodes[0]["partitionKeys"]) if nodes else set[str]()
        for tep in sorted(wanted - present):
            self._ask(ADD_PARTITION, {"key": tep, "location": self._location})
        self._present = present | wanted

    def _lacking(self, programs: Mapping[str, Sequence[str]]) -> list[str]:
        nodes = self._ask(ASSETS, {"location": self._location})["assetNodes"]
        loaded = {node["assetKey"]["path"][-1]: {key["path"][-1] for key in node["dependencyKeys"]} for node in nodes}
        return [name for name, upstream in programs.items() if name not in loaded or not loaded[name].issuperset(upstream)]

    def cap(self) -> int:
        """Return how many runs may go on at once."""
        return int(self._ask(CAP, {})["instance"]["runQueueConfig"]["maxConcurrentRuns"])

    def _reload(self) -> None:
        answer = self._ask(RELOAD, {"location": self._location})["reloadRepositoryLocation"]
        loaded = answer.get("locationOrLoadError") or {"__typename": "PythonError", "message": answer.get("message", "")}
        if loaded["__typename"] == "PythonError":
            raise InfraError(f"Dagster cannot load the programs: {loaded['message']}", remedy=f"See {self.url}/locations.")

    def _parameters(self, request: RunRequest) -> dict[str, Any]:
        # Named as a sensor's, so that Dagster itself sees that a tick of it has asked for the same.
        tags = {**request.tags, PARTITION_TAG: request.tep, TEP_TAG: request.tep}
        if request.key:
            tags |= {RUN_KEY_TAG: request.key, SENSOR_TAG: CHECKS_SENSOR if CHECK_TAG in request.tags else SENSOR}
        selected = _selected(request)
        return {
            "selector": {"repositoryLocationName": self._location, "repositoryName": REPOSITORY, "jobName": request.job, **selected},
            "runConfigData": run_config(request),
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        }

    def _ask(self, query: str, variables: Mapping[str, Any]) -> Any:
        try:
            answer = self._http.post(f"{self.url}/graphql", json={"query": query, "variables": dict(variables)}).json()
        except (httpx.HTTPError, ValueError) as error:
            raise NotRunningError(
                f"Dagster at {self.url} does not answer: {error}", remedy="infra sandbox status shows what runs."
            ) from None
        if answer.get("errors"):
            raise InfraError(f"Dagster at {self.url}: {answer['errors'][0]['message']}")
        return answer["data"]


def checks_of(request: RunRequest) -> list[tuple[str, str]]:
    """Return the asset checks that a request's run evaluates, as project and name.

    They are always named: where no check is, Dagster takes all those of the assets, and a rollout would look for drift each time.
    """
    if request.job == DRIFT:
        return [(project, IN_SYNC) for project in request.projects]
    return [(project, HEALTHY) for project in request.projects if project in CHECKS]


def _selected(request: RunRequest) -> dict[str, Any]:
    """Return what of a job is run."""
    if request.job not in (ROLLOUT, DRIFT):
        return {}
    assets = [{"path": [project]} for project in request.projects] if request.job == ROLLOUT else []
    checks = [{"assetKey": {"path": [project]}, "name": name} for project, name in checks_of(request)]
    return {"assetSelection": assets, "assetCheckSelection": checks}


def run_config(request: RunRequest) -> dict[str, Any]:
    """Return the configuration of a request's run."""
    if request.job == DRIFT:
        return {}
    if request.job != ROLLOUT:
        return {"ops": {PREVIEW_OP: {"config": {"tep": request.tep, "projects": list(request.projects)}}}}
    wanted = {name: True for name, asked in (("force", request.force), ("refresh", request.refresh)) if asked}
    meant = [project for project in request.projects if project not in request.following]
    return {"ops": {project: {"config": wanted} for project in meant}} if wanted else {}


def _run(item: Mapping[str, Any]) -> Run:
    tags = {tag["key"]: tag["value"] for tag in item["tags"]}
    return Run(item["id"], item["status"], tags, item["startTime"], item["endTime"])

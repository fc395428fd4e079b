"""Talks to a running Dagster over GraphQL: launches runs, watches them, stops them. Does not import dagster.

Documented as "GraphQL API" by Dagster; the version is pinned, and a test runs each query against the real webserver.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import httpx

from infra_assets.errors import InfraError, NotRunningError
from infra_assets.rollouts.runs import PARTITION_TAG, TEP_TAG, Run, RunRequest

REPOSITORY = "__repository__"
PAGE = 500

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
    assetKey { path } opVersion partitionKeys
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

    def launch(self, requests: Sequence[RunRequest]) -> list[str]:
        """Launch runs, returning their ids in the same order.

        Raises:
            InfraError: Dagster refused one; those before it are launched.
        """
        answer = self._ask(LAUNCH, {"params": [self._parameters(request) for request in requests]})["launchMultipleRuns"]
        if answer["__typename"] != "LaunchMultipleRunsResult":
            raise InfraError(f"Dagster refused to launch runs: {answer.get('message', answer)}")
        results = answer["launchMultipleRunsResult"]
        for request, result in zip(requests, results, strict=True):
            if result["__typename"] != "LaunchRunSuccess":
                reason = result.get("message") or "; ".join(item["message"] for item in result.get("errors", ())) or result["__typename"]
                raise InfraError(f"Dagster refused the run for {request.tep}: {reason}", remedy=f"See {self.url}/locations.")
        return [result["run"]["id"] for result in results]

    def runs(self, *, tags: Mapping[str, str] | None = None, statuses: Iterable[str] = (), ids: Sequence[str] = ()) -> list[Run]:
        """Return runs by tags, statuses or ids, newest first."""
        chosen: dict[str, Any] = {"tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]}
        if statuses:
            chosen["statuses"] = list(statuses)
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

    def prepare(self, teps: Iterable[str], programs: Mapping[str, str]) -> None:
        """Give TEPs their partitions, and reload the code location where it has other programs (name: version) than those.

        Raises:
            InfraError: the code location cannot be loaded.
        """
        nodes = self._assets()
        loaded = {node["assetKey"]["path"][-1]: node["opVersion"] for node in nodes}
        if any(loaded.get(name) != version for name, version in programs.items()):
            self._reload()
            nodes = self._assets()
        present = set(nodes[0]["partitionKeys"]) if nodes else set[str]()
        for tep in teps:
            if tep not in present:
                self._ask(ADD_PARTITION, {"key": tep, "location": self._location})

    def cap(self) -> int:
        """Return how many runs may go on at once."""
        return int(self._ask(CAP, {})["instance"]["runQueueConfig"]["maxConcurrentRuns"])

    def _assets(self) -> list[dict[str, Any]]:
        return self._ask(ASSETS, {"location": self._location})["assetNodes"]

    def _reload(self) -> None:
        answer = self._ask(RELOAD, {"location": self._location})["reloadRepositoryLocation"]
        loaded = answer.get("locationOrLoadError") or {"__typename": "PythonError", "message": answer.get("message", "")}
        if loaded["__typename"] == "PythonError":
            raise InfraError(f"Dagster cannot load the programs: {loaded['message']}", remedy=f"See {self.url}/locations.")

    def _parameters(self, request: RunRequest) -> dict[str, Any]:
        tags = {**request.tags, PARTITION_TAG: request.tep, TEP_TAG: request.tep}
        config = {"ops": {project: {"config": {"force": True}} for project in request.projects}} if request.force else {}
        return {
            "selector": {
                "repositoryLocationName": self._location,
                "repositoryName": REPOSITORY,
                "jobName": "rollout",
                "assetSelection": [{"path": [project]} for project in request.projects],
            },
            "runConfigData": config,
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


def _run(item: Mapping[str, Any]) -> Run:
    tags = {tag["key"]: tag["value"] for tag in item["tags"]}
    return Run(item["id"], item["status"], tags, item["startTime"], item["endTime"])

"""Asks Dagster's webserver as its UI does."""

from typing import Any

import httpx


def graphql(url: str, query: str, variables: dict[str, Any]) -> Any:
    """Return a query's data; fails where there are errors."""
    answer = httpx.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=60, trust_env=False).json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"]


def launch(url: str, params: dict[str, Any]) -> str:
    """Launch a run; returns its id."""
    query = "mutation($p: ExecutionParams!) { launchRun(executionParams: $p) { __typename ... on LaunchRunSuccess { run { id } } } }"
    answer = graphql(url, query, {"p": params})["launchRun"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return answer["run"]["id"]

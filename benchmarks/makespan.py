"""How much longer a fleet's rollout takes than its steps under the cap: makespan / (N·t / cap), with steps of a fixed length t.

`python -m benchmarks.makespan --format json` runs 200 TEPs at a cap of 25 through Dagster's real queue, our coordinator, launcher and
worker, with steps that only take time. `overlap` is what the steps themselves say, not the scheduler. Ends with exit code 1 where a goal
is missed.
"""

import json
import math
import shutil
import tempfile
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from pydantic import SecretStr

from benchmarks.makespan_definitions import STEPS
from benchmarks.telling import Format, run, tell
from infra_assets import settings
from infra_assets.errors import InfraError
from infra_assets.fleet.database import connect
from infra_assets.fleet.models import Ring, Tep
from infra_assets.fleet.registry import Registry
from infra_assets.orchestration.services import LOCATION, Services
from infra_assets.processes import wait_until
from infra_assets.settings import Settings

GOAL = 1.10
LIMIT = 1.25
"""How many times the ideal is waited for, with a minute on top."""
BATCH = 25
OURS, SIMULATED = "infra_assets.definitions", "benchmarks.makespan_definitions"
KEY = "simulated"
LAUNCH = """
mutation Launch($params: [ExecutionParams!]!) {
  launchMultipleRuns(executionParamsList: $params) {
    ... on LaunchMultipleRunsResult {
      launchMultipleRunsResult { ... on LaunchRunSuccess { run { runId } } ... on Error { message } }
    }
    ... on Error { message }
  }
}
"""
PARTITION = """
mutation Add($tep: String!, $location: String!) {
  addDynamicPartition(
    partitionsDefName: "tep", partitionKey: $tep,
    repositorySelector: {repositoryName: "__repository__", repositoryLocationName: $location}
  ) { __typename }
}
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, as it tells itself; in epoch seconds."""

    tep: str
    run: str
    start: float
    end: float = math.inf
    """Infinite while it goes on."""


class SimulatedServices(Services):
    """The same processes, serving the simulated code location, with settings of their own."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._cap = settings.cap

    def _spawn(self, name: str, command: list[str]) -> None:
        super()._spawn(name, [SIMULATED if part == OURS else part for part in command])

    def _environment(self) -> Mapping[str, str]:
        key = {"INFRA_AWS_ACCESS_KEY_ID": KEY, "INFRA_AWS_SECRET_ACCESS_KEY": KEY}
        return {**super()._environment(), **key, "INFRA_CLOUD": "aws", "INFRA_CAP": str(self._cap)}


class Simulation:
    """A control plane whose deployments only take time."""

    def __init__(self, home: Path, cap: int) -> None:
        known = settings.load()
        shutil.copy(known.root / "dagster_home" / "dagster.yaml", home)
        key = SecretStr(KEY)
        self.home = home
        self._settings = known.model_copy(
            update={
                "home": home,
                "database_url": f"sqlite:///{home / 'infra.db'}",
                "cap": cap,
                "cloud": "aws",  # the sandbox would have to be up; nobody calls either
                "aws_access_key_id": key,
                "aws_secret_access_key": key,
            }
        )
        self._services = SimulatedServices(self._settings)
        self._url = ""

    def start(self, teps: Sequence[Tep]) -> None:
        """Start Dagster with a fleet."""
        Registry(connect(self._settings.database_url)).save(teps)
        self._url = self._services.start()
        for tep in teps:
            self.ask(PARTITION, {"tep": tep.name, "location": LOCATION})

    def stop(self) -> None:
        """Stop Dagster, and runs that still go on."""
        self._services.stop()
        self._services.stop_workers()

    def launch(self, teps: Iterable[str], seconds: float, job: str = "rollout", **tags: str) -> list[str]:
        """Ask for a run of each TEP; tags' names have `__` for the slash. Returns their ids.

        Raises:
            InfraError: Dagster refused.
        """
        named = {key.replace("__", "/"): value for key, value in tags.items()}
        params = [_parameters(tep, seconds, job, named) for tep in teps]
        answer = self.ask(LAUNCH, {"params": params})["launchMultipleRuns"]
        results = answer.get("launchMultipleRunsResult", [answer])
        if refused := next((result["message"] for result in results if "run" not in result), None):
            raise InfraError(f"Dagster refused a run: {refused}")
        return [result["run"]["runId"] for result in results]

    def ask(self, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """Ask Dagster's webserver.

        Raises:
            InfraError: it says no.
        """
        content = {"query": query, "variables": dict(variables or {})}
        answer = httpx.post(f"{self._url}/graphql", json=content, timeout=120, trust_env=False).json()
        if answer.get("errors"):
            raise InfraError(f"Dagster: {answer['errors'][0]['message']}")
        return answer["data"]

    def steps(self) -> list[Step]:
        """Return the steps that have started, in that order."""
        file = self.home / STEPS
        found: dict[str, Step] = {}
        for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
            said = json.loads(line)
            began = said["at"] if said["what"] == "start" else found[said["run"]].start
            found[said["run"]] = Step(said["tep"], said["run"], began, math.inf if said["what"] == "start" else said["at"])
        return list(found.values())

    def wait(self, ended: int, seconds: float) -> list[Step]:
        """Wait until so many steps have ended, and return all.

        Raises:
            InfraError: they did not in time.
        """
        if not wait_until(lambda: sum(step.end < math.inf for step in self.steps()) >= ended, seconds=seconds, poll_s=0.5):
            raise InfraError(
                f"waited {seconds:.0f} s for {ended} steps; there are {len(self.steps())}", remedy=f"Logs: {self.home / 'run'}"
            )
        return self.steps()


@contextmanager
def simulation(home: Path, cap: int, teps: Sequence[Tep]) -> Generator[Simulation]:
    """Run a simulated control plane."""
    simulated = Simulation(home, cap)
    try:
        simulated.start(teps)
        yield simulated
    finally:
        simulated.stop()


def fleet(tenants: Mapping[str, int]) -> list[Tep]:
    """Return TEPs: so many environments of each tenant."""
    named = [(tenant, f"e{number}") for tenant, count in tenants.items() for number in range(count)]
    return [Tep(tenant, name, Ring.REGULAR, "us-east-1", f"{n:012d}", "x") for n, (tenant, name) in enumerate(named)]


def overlap(steps: Iterable[Step]) -> int:
    """Return how many steps there were at once, at most."""
    marks = sorted(mark for step in steps for mark in ((step.start, 1), (step.end, -1)))
    return max(accumulate(change for _, change in marks), default=0)


def measure(home: Path, *, count: int, cap: int, step_s: float) -> dict[str, float | int]:
    """Return the figures of one rollout of `count` TEPs, from the first request to the last step's end."""
    # Tenants of four, as fleets are: dev, test, stag, prod.
    teps = fleet({f"t{number}": 4 for number in range(math.ceil(count / 4))})[:count]
    names = [tep.name for tep in teps]
    ideal_s = math.ceil(count / cap) * step_s
    with simulation(home, cap, teps) as simulated:
        began = time.time()
        for first in range(0, count, BATCH):
            simulated.launch(names[first : first + BATCH], step_s)
        asked_s = time.time() - began
        steps = simulated.wait(count, ideal_s * LIMIT + 60)
    ended_s = max(step.end for step in steps) - began
    return {
        "makespan_ratio": round(ended_s / ideal_s, 3), "overlap": overlap(steps), "cap": cap, "teps": count, "step_s": step_s,
        "makespan_s": round(ended_s, 1), "ideal_s": round(ideal_s, 1), "asking_s": round(asked_s, 1),
    }  # fmt: skip


def main(
    teps: Annotated[int, typer.Option(help="How many TEPs.")] = 200,
    cap: Annotated[int, typer.Option(help="Deployments at once.")] = 25,
    step_s: Annotated[float, typer.Option(help="Seconds that a step takes.")] = 25,
    form: Format = "table",
) -> None:
    """Measure in a home of its own, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="infra-makespan-", ignore_cleanup_errors=True) as folder:
        figures = measure(Path(folder), count=teps, cap=cap, step_s=step_s)
    tell(figures, form, {"makespan_ratio": GOAL, "overlap": cap})


def _parameters(tep: str, seconds: float, job: str, tags: Mapping[str, str]) -> dict[str, Any]:
    return {
        "selector": {
            "repositoryLocationName": LOCATION, "repositoryName": "__repository__", "jobName": job, "assetSelection": [{"path": ["step"]}],
        },
        "runConfigData": {"ops": {"step": {"config": {"seconds": seconds}}}},
        "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in {"dagster/partition": tep, **tags}.items()]},
    }  # fmt: skip


if __name__ == "__main__":
    run(main)

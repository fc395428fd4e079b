"""Looks until a cell is healthy, or the time is up: a group reaches its size minutes after AWS said that it was made."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_result, stop_before_delay, wait_exponential

from infra_assets.environments.providers import Clients, Credentials
from infra_assets.errors import InfraError
from infra_assets.stacks.cell import Cell
from infra_assets.stacks.health.looks import Finding, Health, Look
from infra_assets.stacks.health.registry import CHECKS

if TYPE_CHECKING:
    from infra_assets.stacks.operator import Operator  # imports the Pulumi SDK, which no command needs

ROLE = "deploy"
LONGEST_PAUSE_S = 15.0
ONE_LOOK_S = 30.0
"""How long a look may take where there is to be only one."""
Findings = list[Finding]


def check(
    operator: "Operator", cell: Cell, clients: Clients, *, rollout_id: str = "", timeout_s: float = 300.0, poll_s: float = 1.0
) -> Health:
    """Look at once, then every `poll_s` and ever less often, until all is well or `timeout_s` have passed; never longer. 0: look once.

    What AWS refuses or fails at is a finding. The project must be one of `CHECKS`.
    """
    started = time.monotonic()
    limit_s = timeout_s or ONE_LOOK_S
    last: Findings = []

    def look() -> Findings:
        nonlocal last
        left = started + limit_s - time.monotonic()
        last = _within(left, lambda: _look(operator, cell, clients, rollout_id)) or last or [_silence(limit_s)]
        return last

    def give_up(_state: RetryCallState) -> Findings:
        return last

    looking = Retrying(
        retry=retry_if_result(_unwell),
        wait=wait_exponential(multiplier=poll_s, max=LONGEST_PAUSE_S),
        stop=stop_before_delay(timeout_s),
        retry_error_callback=give_up,
    )
    return Health(looking(look), time.monotonic() - started)


def _look(operator: "Operator", cell: Cell, clients: Clients, rollout_id: str) -> Findings:
    try:
        credentials = _log_in(operator, cell, rollout_id)
    except InfraError as error:
        return [Finding("login", ok=False, detail=error.message)]
    login = Finding("login", ok=True, detail=f"as {ROLE} into {cell.tep.account_id}")
    success = operator.ledger.successes([cell.tep.name]).get(cell.key)
    if success is None:
        return [login, Finding("stack", ok=False, detail="not deployed, or its last operation failed")]
    return [login, *CHECKS[cell.project.name](Look(cell, success.outputs, credentials, clients))]


def _log_in(operator: "Operator", cell: Cell, rollout_id: str) -> Credentials:
    """Log in as the role that deploys, also for the project that makes this role with another."""
    about = cell.project.about.model_copy(update={"role": ROLE})
    return operator.configurations.credentials(replace(cell, project=replace(cell.project, about=about)), rollout_id)


def _unwell(findings: Findings) -> bool:
    return not all(finding.ok for finding in findings)


def _silence(seconds: float) -> Finding:
    return Finding("answer", ok=False, detail=f"AWS did not answer within {seconds:g} s")


def _within(seconds: float, look: Callable[[], Findings]) -> Findings | None:
    """Return what a look found, None where it takes longer: a call to AWS that hangs would outlast any timeout of ours."""
    done: list[Findings] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(look())
        except BaseException as error:  # noqa: BLE001  # handed on to whoever waits
            failed.append(error)

    thread = threading.Thread(target=run, name="health", daemon=True)
    thread.start()
    thread.join(max(seconds, 0))
    if failed:
        raise failed[0]
    return done[0] if done else None

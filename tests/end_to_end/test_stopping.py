"""Stopping in the middle of a create: no lock, no pending operation, no resource that the state does not know."""

from collections.abc import Generator
from typing import Any

import psutil
import pytest

from infra_assets.orchestration.services import Services
from infra_assets.runs import Run
from infra_assets.sandbox.emulator import Fault, add_faults, clear_faults, list_faults
from tests.end_to_end.house import House, interrupt, wait_for

pytestmark = [pytest.mark.engine, pytest.mark.dagster, pytest.mark.timeout(600)]

VPC = "aws:ec2/vpc:Vpc"
CLEAN: dict[str, Any] = {"locks": [], "pending": ()}


@pytest.fixture
def held(house: House) -> Generator[House]:
    """The house with `account` deployed and `network` destroyed, and the creation of a VPC held up after AWS has made it."""
    house.done("rollout", "--wait", "--project", "account")
    add_faults(house.emulator, [Fault("ec2", "CreateVpc", delay_s=4, when="after", times=1)])
    yield house
    clear_faults(house.emulator)
    from infra_assets.stacks.cell import Cell
    from infra_assets.stacks.operator import Operator
    from infra_assets.stacks.projects import discover

    operator = Operator(house.settings)
    assert operator.destroy(Cell(discover(house.root).get("network"), house.registry.get("acme-dev"))).ok


def vpc_ids(house: House) -> set[str]:
    ec2 = house.client(house.registry.get("acme-dev"), "ec2")
    return {vpc["VpcId"] for vpc in ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]}


def creating(house: House) -> bool:
    return any(fault["struck"] for fault in list_faults(house.emulator))


def ended(house: House, run_id: str) -> Run | None:
    return next((run for run in house.dagster.runs(ids=[run_id]) if not run.active), None)


def start(house: House) -> str:
    """Start a rollout of `network`, and return its run's id once AWS is making the VPC."""
    rollout = house.done("rollout", "--project", "network", "--format", "json").json["rollout_id"]
    wait_for("the creation of the VPC", lambda: creating(house))
    return house.dagster.runs(tags={"infra/rollout": rollout})[0].id


def worker(house: House) -> psutil.Process:
    """The process of the run that is going on."""
    workers = Services(house.settings).workers()
    assert len(workers) == 1
    return workers[0]


def goes_on(house: House) -> None:
    """The next rollout takes up what was made, and makes nothing twice."""
    before = vpc_ids(house)
    house.done("rollout", "--wait", "--project", "network")
    assert vpc_ids(house) == before
    assert house.states("--project", "network") == {("acme-dev", "network"): "deployed"}


def test_sigterm_to_a_runs_process(held: House) -> None:
    run_id = start(held)
    worker(held).terminate()
    run = wait_for("the run to end", lambda: ended(held, run_id))

    assert run.status in ("CANCELED", "FAILURE")
    assert held.leftovers("network", "acme-dev") == CLEAN
    assert vpc_ids(held) == held.resource_ids("network", "acme-dev", VPC) != set()
    entry = held.ledger.history("acme-dev", "network")[0]
    assert (entry.state, entry.run_id) == ("failed", run_id)
    assert "interrupted" in entry.message
    goes_on(held)


def test_terminating_the_run_in_the_ui(held: House) -> None:
    run_id = start(held)
    held.dagster.terminate([run_id])
    run = wait_for("the run to end", lambda: ended(held, run_id))
    assert run.status == "CANCELED"
    assert held.leftovers("network", "acme-dev") == CLEAN
    assert vpc_ids(held) == held.resource_ids("network", "acme-dev", VPC) != set()
    goes_on(held)


def test_killing_the_runs_process_outright(held: House) -> None:
    """Nobody is left to say goodbye: the engine notices that the program is gone, and ends by itself."""
    run_id = start(held)
    worker(held).kill()
    run = wait_for("run monitoring to notice", lambda: ended(held, run_id), 60)
    assert run.status == "FAILURE"
    wait_for("the engine to end", lambda: held.leftovers("network", "acme-dev") == CLEAN, 30)
    assert vpc_ids(held) == held.resource_ids("network", "acme-dev", VPC) != set()
    assert held.states("--project", "network") == {("acme-dev", "network"): "failed"}
    goes_on(held)


def test_ctrl_c_in_a_rollout_stops_its_runs_and_says_what_was_not_done(held: House) -> None:
    rollout = held.started("rollout", "--wait", "--force", "--project", "network", "--project", "cluster", "--format", "json")
    wait_for("the creation of the VPC", lambda: creating(held))
    interrupt(rollout)
    out, err = rollout.communicate(timeout=90)

    assert rollout.returncode == 4
    assert "stopping: nothing new will start, what runs finishes the resource it is at" in err
    assert "Not done: network/acme-dev, cluster/acme-dev" in err
    assert out.startswith("{")
    assert not [run for run in held.dagster.runs() if run.active]
    assert held.leftovers("network", "acme-dev") == CLEAN
    assert vpc_ids(held) == held.resource_ids("network", "acme-dev", VPC) != set()
    goes_on(held)


def test_a_dagster_that_is_killed_and_started_again_lets_the_deployment_finish(held: House) -> None:
    run_id = start(held)
    down = held.infra("sandbox", "down")
    assert (down.code, "1 runs are going on: acme-dev" in down.err) == (2, True)

    services = Services(held.settings)
    for name in ("daemon", "webserver"):
        process = services.find(name)
        assert process is not None
        process.kill()
    down = held.infra("sandbox", "down")
    assert (down.code, "deployments go on without a Dagster that knows of them" in down.err) == (2, True)

    held.done("ui")
    run = wait_for("the run to end", lambda: ended(held, run_id))
    assert run.status == "SUCCESS"
    assert held.states("--project", "network") == {("acme-dev", "network"): "deployed"}
    assert held.leftovers("network", "acme-dev") == CLEAN
    goes_on(held)


def test_without_the_warm_host_runs_start_in_a_process_of_their_own(house: House) -> None:
    host = Services(house.settings).find("warm")
    assert host is not None
    host.kill()
    said = house.done("rollout", "--wait", "--force", "--project", "account", "--format", "json")
    assert said.json["summary"] == {"deployed": 1}

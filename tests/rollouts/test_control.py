"""What a person does to a rollout: resume exactly what is missing, go back to what was before."""

import pytest

from infra_assets.errors import InfraError, UsageError
from infra_assets.rollouts.models import Rollout
from tests.rollouts.house import House


def halted(house: House, **options: object) -> Rollout:
    """A rollout that has stopped at `ours`, two of which broke, before `c1`."""
    house.fleet("ours1", "ours2", "ours3", "c1")
    house.dagster.failing = {"queue/ours1-prod", "account/ours2-prod"}
    rollout = house.go(house.launch(**options))
    assert rollout.state == "halted"
    house.dagster.did()
    house.clock.forward(5)
    return rollout


def test_resume_runs_exactly_what_is_not_done(house: House) -> None:
    rollout = halted(house)
    house.dagster.failing = set()
    resumed = house.control.resume(rollout.id, "bob")
    missing = [
        "queue/ours1-prod",
        "account/ours2-prod",
        "network/ours2-prod",
        *(f"{name}/c1-prod" for name in ("account", "queue", "network")),
    ]
    assert sorted(resumed.cells) == sorted(missing)
    done = house.go(rollout)
    assert (done.state, done.reason) == ("done", "")
    assert sorted(house.dagster.did()) == sorted(missing)
    assert set(house.cells(rollout).values()) == {"deployed"}
    assert [(event.kind, event.who) for event in house.store.events(rollout.id) if event.kind == "resumed"] == [("resumed", "bob")]


def test_resume_deploys_the_commit_and_the_revisions_that_are_pinned(house: House) -> None:
    rollout = halted(house)
    house.dagster.failing = set()
    house.program("queue", "# another")
    house.shared(queue={"size": 99})
    house.control.resume(rollout.id, "bob")
    assert house.go(rollout).state == "done"
    assert {item.commit for item in house.dagster.deployments} == {rollout.commit}
    sizes = {item.configuration["queue:size"] for item in house.dagster.deployments if item.cell.startswith("queue/")}
    assert sizes == {1}


def test_a_tep_that_failed_gets_its_own_environment_as_it_is_now(house: House) -> None:
    rollout = halted(house)
    house.dagster.failing = set()
    for name in ("ours1-prod", "c1-prod"):
        house.own(name, {"queue": {"size": 7}})
    resumed = house.control.resume(rollout.id, "bob")
    assert list(resumed.mended) == ["tenants/ours1-prod"]
    house.go(rollout)
    sizes = {item.cell: item.configuration["queue:size"] for item in house.dagster.deployments if item.cell.startswith("queue/")}
    assert sizes == {"queue/ours1-prod": 7, "queue/c1-prod": 1}


def test_exactly_takes_nothing_anew(house: House) -> None:
    rollout = halted(house)
    house.dagster.failing = set()
    house.own("ours1-prod", {"queue": {"size": 7}})
    assert house.control.resume(rollout.id, "bob", exactly=True).mended == {}
    house.go(rollout)
    assert {item.configuration["queue:size"] for item in house.dagster.deployments if item.cell.startswith("queue/")} == {1}


def test_what_was_mended_stays_so_in_the_next_resume(house: House) -> None:
    rollout = halted(house)
    house.own("ours1-prod", {"queue": {"size": 7}})
    house.control.resume(rollout.id, "bob")
    house.conductor.halt(rollout.id, "wait")
    house.own("ours1-prod", {"queue": {"size": 8}})
    house.dagster.failing = set()
    house.control.resume(rollout.id, "bob")
    assert house.go(rollout).state == "done"
    assert {item.configuration["queue:size"] for item in house.dagster.deployments if item.cell == "queue/ours1-prod"} == {7}


def test_it_can_be_resumed_again_and_again(house: House) -> None:
    rollout = halted(house)
    for _ in range(3):
        house.control.resume(rollout.id, "bob")
        assert house.go(rollout).state == "halted"
    house.dagster.failing = {"queue/ours1-prod"}
    house.control.resume(rollout.id, "bob")
    assert house.go(rollout).state == "failed"
    house.dagster.failing = set()
    house.dagster.did()
    house.control.resume(rollout.id, "bob")
    assert house.go(rollout).state == "done"
    assert house.dagster.did() == ["queue/ours1-prod"]


def test_cells_that_something_newer_has_deployed_are_left_alone(house: House) -> None:
    rollout = halted(house)
    house.dagster.failing = set()
    house.go(house.launch(teps=["ours1-*"]))
    house.dagster.did()
    house.clock.forward(1)
    resumed = house.control.resume(rollout.id, "bob")
    assert resumed.left == ["queue/ours1-prod"]
    house.go(rollout)
    assert "queue/ours1-prod" not in house.dagster.did()
    assert house.cells(rollout)["queue/ours1-prod"] == "withdrawn"


def test_an_unhealthy_cell_is_looked_at_again(house: House) -> None:
    house.fleet("c1")
    house.dagster.unhealthy = {"network/c1-prod"}
    rollout = house.go(house.launch())
    assert rollout.state == "failed"
    house.control.resume(rollout.id, "bob")
    assert house.go(rollout).state == "failed"
    house.dagster.unhealthy = set()
    assert house.control.resume(rollout.id, "bob").cells == ["network/c1-prod"]
    assert house.go(rollout).state == "done"
    assert house.cells(rollout)["network/c1-prod"] == "unchanged"


def test_a_wave_that_is_resumed_bakes_again(house: House) -> None:
    house.targets("targets: {all: {branch: main, teps: ['*'], bake: 10m, max_failures: 0}}")
    rollout = halted(house, target="all")
    house.dagster.failing = set()
    house.clock.forward(3600)
    house.control.resume(rollout.id, "bob")
    assert house.go(rollout).reason.startswith("wave internal bakes until ")


def test_whoever_dies_while_resuming_has_done_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    rollout = halted(house)
    house.dagster.failing = set()
    control = house.control
    monkeypatch.setattr(control.store, "resume", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        control.resume(rollout.id, "bob")
    assert house.go(rollout).state == "halted"
    house.control.resume(rollout.id, "bob")
    assert house.go(rollout).state == "done"
    assert len(house.dagster.did()) == 6


@pytest.mark.parametrize("state", ["running", "done", "waiting", "superseded"])
def test_only_what_halted_or_failed_is_resumed(house: House, state: str) -> None:
    house.fleet("c1")
    rollout = house.launch()
    house.store.update(rollout.id, state=state)
    with pytest.raises(UsageError, match=f"is {state}: only one that halted or failed is resumed"):
        house.control.resume(rollout.id, "bob")


def test_while_its_runs_go_on_it_is_not_resumed(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    house.turn()
    house.dagster.start(house.dagster.of("c1"))
    house.conductor.halt(rollout.id, "x")
    with pytest.raises(UsageError, match="still go"):
        house.control.resume(rollout.id, "bob")


# Rolling back.


def test_rolling_back_returns_commit_and_configuration_in_order(house: House) -> None:
    house.fleet("c1", "ours1")
    first = house.deployed()
    house.program("network", "# worse")
    house.shared(account={"exported": "x"}, network={"zones": 5})
    bad = house.go(house.launch())
    assert house.dagster.did() == ["account/ours1-prod", "network/ours1-prod", "account/c1-prod", "network/c1-prod"]
    house.shared(account={"exported": "still worse"})
    house.clock.forward(1)
    back = house.control.rollback(bad.id, "bob")
    assert (back.kind, back.of, back.state) == ("rollback", bad.id, "running")
    assert house.go(back).state == "done"
    assert [wave.name for wave in back.waves] == ["internal", "regular"]
    assert [item.cell for item in house.dagster.deployments] == [
        "account/ours1-prod", "network/ours1-prod", "account/c1-prod", "network/c1-prod",
    ]  # fmt: skip
    assert {item.commit for item in house.dagster.deployments} == {first.commit}
    zones = {item.configuration["network:zones"] for item in house.dagster.deployments if item.cell.startswith("network/")}
    assert zones == {2}
    assert "rolled back" in house.events(bad)


def test_rolling_back_leaves_what_was_not_changed_and_what_is_newer(house: House) -> None:
    house.fleet("c1", "c2")
    house.deployed()
    house.shared(queue={"size": 2})
    bad = house.go(house.launch())
    house.clock.forward(1)
    house.shared(queue={"size": 3})
    house.go(house.launch(teps=["c2-*"]))
    house.dagster.did()
    back = house.control.rollback(bad.id, "bob")
    assert house.go(back).state == "done"
    assert [(item.cell, item.configuration["queue:size"]) for item in house.dagster.deployments] == [("queue/c1-prod", 1)]


def test_what_is_downstream_of_what_goes_back_goes_with_it(house: House) -> None:
    """The rollout came to `account` alone; `network`, which reads its outputs, is looked at when `account` is back."""
    house.fleet("c1")
    house.deployed()
    house.shared(account={"exported": "x"})
    house.dagster.failing = {"network/c1-prod"}
    bad = house.go(house.launch())
    assert bad.state == "failed"
    house.dagster.failing = set()
    back = house.control.rollback(bad.id, "bob")
    assert house.go(back).state == "done"
    assert house.dagster.did()[-2:] == ["account/c1-prod", "network/c1-prod"]


def test_a_rollback_that_halted_goes_on_with_the_same_pins(house: House) -> None:
    house.fleet("c1")
    house.deployed()
    house.shared(queue={"size": 2})
    bad = house.go(house.launch())
    house.shared(queue={"size": 3})
    back = house.control.rollback(bad.id, "bob")
    house.dagster.failing = {"queue/c1-prod"}
    assert house.go(back).state == "failed"
    house.dagster.failing = set()
    house.dagster.did()
    house.control.resume(back.id, "bob")
    assert house.go(back).state == "done"
    assert [(item.cell, item.configuration["queue:size"]) for item in house.dagster.deployments] == [("queue/c1-prod", 1)]


def test_a_rollback_has_its_pins_from_the_first_moment_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.fleet("c1")
    house.deployed()
    house.shared(queue={"size": 2})
    bad = house.go(house.launch())
    control = house.control
    monkeypatch.setattr(control.store, "note", lambda *_a, **_k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        control.rollback(bad.id, "bob")
    [back] = house.store.opened()
    house.dagster.did()
    assert house.go(back).state == "done"
    assert [(item.cell, item.configuration["queue:size"]) for item in house.dagster.deployments] == [("queue/c1-prod", 1)]


def test_a_first_deployment_has_nothing_to_go_back_to(house: House) -> None:
    house.fleet("c1")
    rollout = house.deployed()
    with pytest.raises(UsageError, match="nothing to go back to"):
        house.control.rollback(rollout.id, "bob")


def test_what_moves_is_halted_before_it_is_rolled_back(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    with pytest.raises(UsageError, match="still moves"):
        house.control.rollback(rollout.id, "bob")


def test_without_a_recorded_commit_nothing_is_rolled_back(house: House) -> None:
    house.fleet("c1")
    number = house.ledger.begin(("c1-prod", "queue"), "up", {"program": "x"})
    house.ledger.finish(number, "deployed", outputs_hash="1")
    bad = house.go(house.launch())
    with pytest.raises(InfraError, match="what queue was deployed from before is not recorded"):
        house.control.rollback(bad.id, "bob")


# Approving.


def test_only_what_waits_for_an_approval_is_approved(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    with pytest.raises(UsageError, match="does not wait for an approval: it is running"):
        house.control.approve(rollout.id, "bob")

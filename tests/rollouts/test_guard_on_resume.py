"""Halting and resuming is no way around what must be approved or previewed."""

import pytest
import sqlalchemy as sa

from infra_assets.errors import UsageError
from infra_assets.rollouts.models import Rollout
from infra_assets.rollouts.tables import announcements
from infra_assets.runs import OPERATION_TAG
from tests.programs_repository.repositories import git
from tests.rollouts.house import House

REPLACES = {"counts": {"replace": 1}, "delete": [], "replace": ["aws:Queue a"]}


def with_target(house: House, text: str, **options: object) -> Rollout:
    house.targets(f"targets: {{all: {{branch: main, teps: ['*'], {text}}}}}")
    return house.launch(target="all", **options)


def operations(house: House) -> list[str]:
    return [run.tags[OPERATION_TAG] for run in house.dagster.queued]


def test_what_waited_for_an_approval_still_does(house: House) -> None:
    house.fleet("c1")
    rollout = with_target(house, "limits: {cells: 1}")
    assert house.conductor.halt(rollout.id, "wait")
    house.control.resume(rollout.id, "bob")
    found = house.go(rollout)
    assert (found.state, found.approval) == ("waiting", rollout.approval)
    assert found.reason == f"waits for approval: {rollout.approval}"
    assert house.dagster.all == []
    house.control.approve(rollout.id, "bob")
    assert house.go(rollout).state == "done"


def test_what_was_halted_while_it_was_previewed_is_previewed_first(house: House) -> None:
    house.fleet("c1")
    house.deployed()
    house.shared(queue={"size": 9})
    house.dagster.foreseen = {"queue/c1-prod": REPLACES}
    rollout = with_target(house, "limits: {replacements: 0}")
    house.turn()
    assert house.conductor.halt(rollout.id, "wait")
    house.control.resume(rollout.id, "bob")
    house.turn()
    assert operations(house) == ["preview"]
    found = house.go(rollout)
    assert (found.state, found.approval) == ("waiting", "1 replacements, more than the limit of 0: queue/c1-prod aws:Queue a")
    house.control.approve(rollout.id, "bob")
    assert house.go(rollout).state == "done"
    assert house.dagster.did() == ["queue/c1-prod"]


def test_what_was_mended_is_previewed_again(house: House) -> None:
    house.fleet("c1", "c2")
    house.deployed()
    house.shared(queue={"size": 9})
    house.dagster.failing = {"queue/c1-prod"}
    rollout = house.go(with_target(house, "limits: {replacements: 0}"))
    assert rollout.state == "failed"
    house.dagster.failing = set()
    house.dagster.foreseen = {"queue/c1-prod": REPLACES}
    house.own("c1-prod", {"queue": {"size": 12}})
    house.dagster.did()
    house.control.resume(rollout.id, "bob")
    found = house.go(rollout)
    assert (found.state, found.approval) == ("waiting", "1 replacements, more than the limit of 0: queue/c1-prod aws:Queue a")
    assert house.dagster.did() == []


def test_a_ring_that_waits_for_a_person_still_does_after_a_halt(house: House) -> None:
    house.fleet("ours1", "c1")
    rollout = house.go(with_target(house, "approve: [regular]"))
    assert (rollout.state, rollout.approval) == ("waiting", "wave regular")
    assert house.conductor.halt(rollout.id, "wait")
    house.control.resume(rollout.id, "bob")
    assert house.go(rollout).state == "waiting"
    assert {name for name in house.dagster.did() if name.endswith("c1-prod")} == set()


def test_what_is_forced_is_forced_after_a_halt_too(house: House) -> None:
    house.fleet("c1")
    house.deployed()
    rollout = house.launch(force=True)
    assert house.conductor.halt(rollout.id, "wait")
    assert len(house.control.resume(rollout.id, "bob").cells) == 3
    assert house.go(rollout).state == "done"
    assert set(house.dagster.did()) == {"account/c1-prod", "queue/c1-prod", "network/c1-prod"}


def test_whoever_is_told_is_told_that_it_starts_when_it_was_approved(house: House) -> None:
    house.fleet("c1")
    rollout = with_target(house, "approve: all")
    house.control.approve(rollout.id, "bob")
    with house.store.engine.connect() as connection:
        told = connection.scalars(sa.select(announcements.c.content).order_by(announcements.c.id)).all()
    assert [content["kind"] for content in told] == ["waiting", "started"]


def test_what_was_halted_while_its_last_runs_went_on_ends_when_they_have(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    house.turn()
    [run] = house.dagster.queued
    house.dagster.start(run)
    assert house.conductor.halt(rollout.id, "wait")
    house.dagster.finish(run)
    assert house.go(rollout).state == "done"


def test_a_project_that_the_commit_lost_is_named_and_left(house: House) -> None:
    house.fleet("c1", "c2")
    house.deployed()
    git(house.root, "rm", "-q", "-r", "pulumi_programs/network")
    git(house.root, "commit", "-q", "-m", "Without a network")
    rollout = house.launch(force=True)
    said = f"network is deployed in 2 TEPs and is not in commit {house.head[:8]}: its stacks stay as they are"
    assert [event.message for event in house.store.events(rollout.id) if event.kind == "left"] == [said]


def test_with_a_wrong_targets_file_nothing_is_stored(house: House) -> None:
    house.fleet("c1")
    house.targets("targets: {all: {nonsense: 1}}")
    with pytest.raises(UsageError, match=r"targets\.yaml: targets\.all"):
        house.launch()
    assert house.store.opened() == []


def test_a_rollback_says_what_something_newer_has_deployed(house: House) -> None:
    house.fleet("c1")
    house.deployed()
    house.shared(queue={"size": 2})
    first = house.go(house.launch())
    house.clock.forward(1)
    house.shared(queue={"size": 3})
    house.go(house.launch())
    with pytest.raises(UsageError, match="was deployed by something newer since: queue/c1-prod"):
        house.control.rollback(first.id, "bob")


def test_a_halted_rollout_that_was_rolled_back_is_over(house: House) -> None:
    house.fleet("ours1", "c1")
    house.deployed()
    house.shared(queue={"size": 2})
    house.dagster.failing = {"queue/ours1-prod"}
    rollout = house.go(house.launch(max_failures="0"))
    assert rollout.state == "halted"
    house.dagster.failing = set()
    back = house.control.rollback(rollout.id, "bob")
    assert house.go(back).state == "done"
    found = house.store.get(rollout.id)
    assert (found.state, found.reason) == ("superseded", f"rollout {back.id} has taken it back")


def test_what_is_given_up_is_not_resumed(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    assert house.conductor.halt(rollout.id, "wait")
    assert house.control.give_up(rollout.id, "bob").reason == "given up by bob"
    with pytest.raises(UsageError, match="only one that halted or failed is resumed"):
        house.control.resume(rollout.id, "bob")
    assert house.store.opened() == []


def test_windows_of_its_target_hold_a_tep_back_whoever_asks(house: House) -> None:
    house.fleet("c1")
    house.targets("targets: {all: {branch: main, teps: ['*']}}\nfreezes: [{from: 2020-01-01, until: 2090-01-01, targets: [all]}]")
    assert house.go(house.launch()).state == "waiting"
    assert house.dagster.all == []

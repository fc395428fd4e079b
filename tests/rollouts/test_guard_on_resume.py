"""Halting and resuming is no way around what must be approved or previewed."""

import sqlalchemy as sa

from infra_assets.rollouts.models import Rollout
from infra_assets.rollouts.runs import OPERATION_TAG
from infra_assets.rollouts.tables import announcements
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

"""What triggers want: one pending rollout a target, planned with what is newest when it may begin."""

import sys

import pytest

from infra_assets.rollouts import pending
from infra_assets.rollouts.models import Rollout, Trigger
from infra_assets.rollouts.pending import wish
from tests.rollouts.house import House

GIT = Trigger(kind="git", detail="push")
ENVIRONMENTS = Trigger(kind="environments", detail="edit")


@pytest.fixture
def wished(house: House) -> House:
    house.targets("targets: {all: {branch: main, teps: ['*']}, none: {branch: x, tenants: [nobody]}}")
    return house


def pendings(house: House) -> list[Rollout]:
    return house.store.rollouts(states=["pending"])


def test_wishes_become_one_with_the_latest_commit(wished: House) -> None:
    first = wish(wished.store, "all", GIT, commit="a" * 40)
    second = wish(wished.store, "all", ENVIRONMENTS, teps=["c2-prod", "c1-prod"])
    third = wish(wished.store, "all", Trigger(kind="git", detail="another push"), commit="b" * 40)
    fourth = wish(wished.store, "all", ENVIRONMENTS, teps=["c3-prod", "c1-prod"])
    assert first == second == third == fourth
    [found] = pendings(wished)
    assert found.selection == {"commit": "b" * 40, "teps": ["c1-prod", "c2-prod", "c3-prod"], "approval": ""}
    assert [trigger.detail for trigger in found.triggers] == ["push", "edit", "another push"]
    assert wish(wished.store, "none", GIT, commit="a" * 40) != first


def test_a_commit_is_planned_when_its_turn_has_come(wished: House) -> None:
    wished.fleet("c1")
    wish(wished.store, "all", GIT, commit=wished.head)
    [rollout] = pendings(wished)
    done = wished.go(rollout)
    assert (done.state, done.commit, done.target) == ("done", wished.head, "all")
    assert len(wished.dagster.did()) == 3


def test_with_nothing_to_do_it_is_done(wished: House) -> None:
    wished.fleet("c1")
    wished.deployed()
    wish(wished.store, "all", GIT, commit=wished.head)
    [rollout] = pendings(wished)
    done = wished.go(rollout)
    assert (done.state, done.reason) == ("done", "nothing to do")
    assert wished.dagster.did() == []


def test_changes_during_a_rollout_give_one_follow_up_with_the_newest(wished: House) -> None:
    wished.fleet("c1")
    first = wish(wished.store, "all", GIT, commit=wished.head)
    wished.turn()
    for number in range(3):
        commit = wished.program("queue", f"# {number}")
        second = wish(wished.store, "all", GIT, commit=commit)
        wished.turn()
        assert [rollout.id for rollout in pendings(wished)] == [second]
        assert len(wished.dagster.all) == 1
    wished.go(second)
    assert wished.store.get(first).state == wished.store.get(second).state == "done"
    assert wished.store.get(second).commit == commit
    assert wished.store.get(second).previous_commit != commit
    assert wished.dagster.did()[3:] == ["queue/c1-prod"]


def test_an_edit_redeploys_just_what_resolves_differently_with_the_program_it_has(wished: House) -> None:
    wished.fleet("c1", "c2")
    first = wished.deployed(target="all")
    wished.program("queue", "# not for now")
    wished.planner.mirror.fetch()
    wished.shared(queue={"size": 2})
    rollout = wish(wished.store, "all", ENVIRONMENTS, teps=["c1-prod", "c2-prod"])
    assert wished.go(rollout).state == "done"
    assert [(item.cell, item.commit) for item in wished.dagster.deployments] == [
        ("queue/c1-prod", first.commit), ("queue/c2-prod", first.commit),
    ]  # fmt: skip


def test_an_edit_and_a_commit_go_together(wished: House) -> None:
    wished.fleet("c1")
    wished.deployed(target="all")
    wished.shared(queue={"size": 2})
    wish(wished.store, "all", ENVIRONMENTS, teps=["c1-prod"])
    commit = wished.program("account", "# new")
    rollout = wish(wished.store, "all", GIT, commit=commit)
    wished.go(rollout)
    assert {(item.cell, item.commit) for item in wished.dagster.deployments} == {("account/c1-prod", commit), ("queue/c1-prod", commit)}


def halted(house: House) -> Rollout:
    """A halted rollout with `ours1` failed, `c1` deployed, and `c2` still to do."""
    house.fleet("c1", "c2")
    house.deployed(target="all")
    house.shared(queue={"size": 2})
    house.targets("targets: {all: {branch: main, teps: ['*'], batch: 1, max_failures: 0}}")
    house.dagster.failing = {"queue/c2-prod"}
    rollout = house.go(house.launch(target="all"))
    assert (rollout.state, house.cells(rollout)["queue/c1-prod"]) == ("halted", "deployed")
    house.dagster.did()
    house.dagster.failing = set()
    house.clock.forward(1)
    return rollout


def test_teps_that_a_halted_rollout_has_not_done_are_left_for_its_resume(wished: House) -> None:
    old = halted(wished)
    wished.shared(queue={"size": 3})
    rollout = wish(wished.store, "all", ENVIRONMENTS, teps=["c1-prod", "c2-prod"])
    assert wished.go(rollout).state == "done"
    assert wished.dagster.did() == ["queue/c1-prod"]
    [rest] = pendings(wished)
    assert rest.selection["teps"] == ["c2-prod"]
    wished.turn()
    assert [found.id for found in pendings(wished)] == [rest.id]
    wished.control.resume(old.id, "bob")
    assert wished.go(rest.id).state == "done"
    assert [(item.cell, item.configuration["queue:size"]) for item in wished.dagster.deployments] == [
        ("queue/c2-prod", 2),
        ("queue/c2-prod", 3),
    ]
    assert wished.store.get(old.id).state == "done"


def test_whoever_dies_after_the_start_has_not_forgotten_those_teps(wished: House, monkeypatch: pytest.MonkeyPatch) -> None:
    halted(wished)
    wished.shared(queue={"size": 3})
    wish(wished.store, "all", ENVIRONMENTS, teps=["c1-prod", "c2-prod"])
    with monkeypatch.context() as patch:
        original = pending.start
        patch.setattr(pending, "start", lambda *a, **k: (original(*a, **k), sys.exit()))
        with pytest.raises(SystemExit):
            wished.conductor.advance_all()
    assert "c2-prod" in {tep for rollout in pendings(wished) for tep in rollout.selection["teps"]}


def test_a_newer_commit_takes_over_what_has_halted(wished: House) -> None:
    old = halted(wished)
    commit = wished.program("account", "# mended")
    rollout = wish(wished.store, "all", GIT, commit=commit)
    wished.turn()
    found = wished.store.get(old.id)
    assert (found.state, found.reason) == ("superseded", f"rollout {rollout} has taken it over")
    assert wished.go(rollout).state == "done"
    assert set(wished.dagster.did()) == {"account/c1-prod", "account/c2-prod", "queue/c2-prod"}


def test_a_newer_commit_takes_over_what_waits_for_approval(wished: House) -> None:
    wished.fleet("c1")
    wished.targets("targets: {all: {branch: main, teps: ['*'], approve: all}}")
    old = wish(wished.store, "all", GIT, commit=wished.head)
    wished.turn()
    assert wished.store.get(old).state == "waiting"
    new = wish(wished.store, "all", GIT, commit=wished.program("queue", "# two"))
    wished.turn()
    assert (wished.store.get(old).state, wished.store.get(new).state) == ("superseded", "waiting")


def test_an_approval_that_is_missing_is_missing_for_what_comes_on_top(wished: House) -> None:
    wished.fleet("c1")
    old = wish(wished.store, "all", GIT, commit=wished.head, approval="rewritten")
    wished.turn()
    assert wished.store.get(old).state == "waiting"
    new = wish(wished.store, "all", GIT, commit=wished.program("queue", "# two"))
    wished.turn()
    assert (wished.store.get(new).state, wished.store.get(new).approval) == ("waiting", "rewritten")
    wished.control.approve(new, "bob")
    assert wished.go(new).state == "done"
    third = wish(wished.store, "all", GIT, commit=wished.program("queue", "# three"))
    assert wished.go(third).state == "done"


def test_a_wish_that_comes_while_it_is_planned_is_not_lost(wished: House, monkeypatch: pytest.MonkeyPatch) -> None:
    wished.fleet("c1")
    rollout = wish(wished.store, "all", GIT, commit=wished.head)
    newer = wished.program("queue", "# two")
    with monkeypatch.context() as patch:
        original = pending.start

        def late(*arguments: object, **named: object) -> object:
            wish(wished.store, "all", GIT, commit=newer)
            return original(*arguments, **named)

        patch.setattr(pending, "start", late)
        wished.turn()
    assert wished.go(rollout).commit == newer
    assert {item.commit for item in wished.dagster.deployments} == {newer}


def test_what_cannot_be_planned_says_why_and_is_tried_again(wished: House) -> None:
    wished.fleet("c1")
    rollout = wish(wished.store, "all", GIT, commit="0" * 40)
    [problem] = wished.conductor.advance_all()
    assert "has no commit" in problem
    found = wished.store.get(rollout)
    assert found.state == "pending"
    assert found.reason.startswith("cannot be planned: ")
    wish(wished.store, "all", GIT, commit=wished.head)
    assert wished.go(rollout).state == "done"

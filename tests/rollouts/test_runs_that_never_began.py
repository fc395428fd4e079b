"""Runs and conductors whose process was killed before it could do anything: somebody else does it, once."""

import os
import subprocess
from datetime import timedelta

import pytest

from infra_assets.rollouts.conductor import TRIES
from infra_assets.rollouts.models import Asked, State
from tests.rollouts.house import House


def test_a_run_that_died_before_it_began_is_asked_for_anew(house: House) -> None:
    house.fleet("c1", "c2")
    rollout = house.launch()
    house.turn()
    house.dagster.set(house.dagster.of("c1").id, "FAILURE")
    done = house.go(rollout)
    assert done.state == State.DONE
    did = house.dagster.did()
    assert len(did) == len(set(did)) == 6
    assert [(item.tep, item.attempt, item.state) for item in house.store.asked.of(rollout.id)] == [
        ("c1-prod", 1, Asked.WITHDRAWN),
        ("c1-prod", 2, Asked.ENDED),
        ("c2-prod", 1, Asked.ENDED),
    ]


def test_it_is_not_asked_for_forever(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    for _ in range(TRIES):
        house.turn()
        house.dagster.set(house.dagster.of("c1").id, "FAILURE")
    ended = house.go(rollout)
    assert ended.state == State.FAILED
    assert len(house.dagster.all) == TRIES
    assert set(house.cells(rollout).values()) == {"skipped"}


def test_a_run_that_has_begun_meanwhile_keeps_its_request(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    house.turn()
    [seen] = house.store.asked.of(rollout.id)
    assert house.dagster.start(house.dagster.of("c1"))
    house.store.asked.again(seen, "run1")
    assert [(item.attempt, item.state) for item in house.store.asked.of(rollout.id)] == [(1, Asked.STARTED)]


@pytest.mark.parametrize(("host", "free"), [(os.uname().nodename, True), ("elsewhere", False)])
def test_the_lease_of_a_process_that_is_gone_from_this_host_is_free_at_once(house: House, host: str, free: bool) -> None:
    house.fleet("c1")
    rollout = house.launch()
    dead = subprocess.Popen(["true"])
    dead.wait()
    house.store.update(rollout.id, leased_by=f"{host}:{dead.pid}:x", leased_until=house.clock() + timedelta(days=1))
    with house.store.lease(rollout.id, f"{os.uname().nodename}:{os.getpid()}:y") as mine:
        assert mine is free


def test_a_tep_is_resumed_a_second_time_wherever_it_stood_in_its_wave(house: House) -> None:
    house.fleet("c1", "c2", "c3")
    house.dagster.failing = {"account/c3-prod"}
    rollout = house.go(house.launch(max_failures="3"))
    for attempt in (2, 3):
        house.control.resume(rollout.id, "alice")
        assert house.go(rollout).state == State.FAILED
        assert max(item.attempt for item in house.store.asked.of(rollout.id) if item.tep == "c3-prod") == attempt
    house.dagster.failing.clear()
    house.control.resume(rollout.id, "alice")
    assert house.go(rollout).state == State.DONE

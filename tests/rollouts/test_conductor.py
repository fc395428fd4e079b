"""How a rollout moves: wave by wave, under its limits, whatever becomes of its runs."""

import pytest

from infra_assets.rollouts.conductor import LOST_S
from infra_assets.rollouts.models import Rollout, State
from infra_assets.rollouts.store import LEASE_S
from infra_assets.rollouts.work import end
from infra_assets.runs import CLASS_TAG, OPERATION_TAG, REQUEST_TAG, RING_TAG, ROLLOUT_TAG, TENANT_TAG
from infra_assets.texts import counted
from tests.rollouts.house import House

ALL = "targets: {all: {branch: main, teps: ['*'], %s}}"


def waiting(house: House) -> list[str]:
    """The TEPs that are in Dagster's queue."""
    return [run.tep.removesuffix("-prod") for run in house.dagster.queued]


def with_target(house: House, rules: str) -> Rollout:
    """Start a rollout of a target with such rules."""
    house.targets(ALL % rules)
    return house.launch(target="all")


def states(house: House, rollout: Rollout, tep: str) -> set[str]:
    """How the cells of one TEP are."""
    return {state for cell, state in house.cells(rollout).items() if cell.endswith(f"/{tep}-prod")}


def now_(house: House, rollout: Rollout) -> Rollout:
    return house.store.get(rollout.id)


# Waves, and what is asked for.


def test_everything_is_deployed_once_ring_by_ring(house: House) -> None:
    house.fleet("c1", "c2", "beta1", "ours1")
    rollout = house.launch()
    assert [wave.name for wave in rollout.waves] == ["internal", "beta", "regular"]
    house.turn()
    assert waiting(house) == ["ours1"]
    done = house.go(rollout)
    assert (done.state, done.reason) == ("done", "")
    assert set(house.cells(rollout).values()) == {"deployed"}
    order = [cell.partition("/")[2] for cell in house.dagster.did()]
    assert order == ["ours1-prod"] * 3 + ["beta1-prod"] * 3 + ["c1-prod"] * 3 + ["c2-prod"] * 3
    assert house.events(rollout) == ["started", "wave", "wave", "wave", "wave", "wave", "done"]


def test_a_run_carries_what_it_is_for(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch(priority="hotfix")
    house.turn()
    [run] = house.dagster.queued
    assert {name: run.tags[name] for name in (ROLLOUT_TAG, REQUEST_TAG, RING_TAG, TENANT_TAG, OPERATION_TAG, CLASS_TAG)} == {
        ROLLOUT_TAG: rollout.id,
        REQUEST_TAG: f"{rollout.id}/c1-prod/1",
        RING_TAG: "regular",
        TENANT_TAG: "c1",
        OPERATION_TAG: "up",
        CLASS_TAG: "hotfix",
    }
    assert house.dagster.requests[run.id].projects == ["account", "queue", "network"]


def test_another_tick_asks_for_nothing_twice(house: House) -> None:
    house.fleet("c1", "c2")
    house.launch()
    for _ in range(3):
        house.turn()
    assert waiting(house) == ["c1", "c2"]
    for run in house.dagster.queued:
        house.dagster.start(run)
    house.turn()
    assert waiting(house) == []


def test_a_large_wave_fills_the_queue_only_so_far(house: House) -> None:
    house.fleet(*(f"c{number}" for number in range(60)))
    rollout = house.launch(projects=["queue"])
    house.turn()
    assert len(waiting(house)) == 40
    assert house.go(rollout).state == "done"
    assert len(house.dagster.did()) == 60


def test_at_once_is_one_wave(house: House) -> None:
    house.fleet("c1", "ours1")
    house.launch(at_once=True)
    house.turn()
    assert waiting(house) == ["c1", "ours1"]


def test_batches_inside_a_ring(house: House) -> None:
    house.fleet("c1", "c2", "c3", "ours1")
    rollout = with_target(house, "batch: 2")
    assert [wave.name for wave in rollout.waves] == ["internal", "regular 1/2", "regular 2/2"]
    seen: list[list[str]] = []
    for _ in rollout.waves:
        house.turn()
        seen.append(waiting(house))
        house.dagster.work()
    assert seen == [["ours1"], ["c1", "c2"], ["c3"]]


# Failures.


def test_a_failure_within_the_limit_holds_nobody_up(house: House) -> None:
    house.fleet("ours1", "c1", "c2")
    house.dagster.failing = {"account/ours1-prod"}
    rollout = house.launch()
    done = house.go(rollout)
    assert done.state == "failed"
    assert done.reason == "1 TEP failed: ours1-prod"
    assert house.cells(rollout)["account/ours1-prod"] == "failed"
    assert house.cells(rollout)["network/ours1-prod"] == "skipped"
    assert house.cells(rollout)["queue/ours1-prod"] == "deployed"
    assert states(house, rollout, "c1") == {"deployed"}


@pytest.mark.parametrize(("limit", "failing", "state"), [("2", 2, "failed"), ("2", 3, "halted"), ("0", 1, "halted"), ("34%", 2, "failed")])
def test_it_halts_above_its_limit_and_not_before(house: House, limit: str, failing: int, state: str) -> None:
    house.fleet("ours1", "ours2", "ours3", "c1", "c2", "c3")
    house.dagster.failing = {f"queue/ours{number}-prod" for number in range(1, failing + 1)}
    rollout = house.launch(max_failures=limit)
    found = house.go(rollout)
    assert found.state == state
    deployed = {cell.partition("/")[2] for cell in house.dagster.did()}
    assert ("c1-prod" in deployed) == (state == "failed")
    if state == "halted":
        told = " ".join(f"ours{number}-prod," for number in range(1, failing + 1)).rstrip(",")
        assert (
            found.reason
            == f"{counted(failing, 'TEP')} failed, {limit} {'was' if limit == 1 else 'were'} allowed (max_failures {limit}): {told}"
        )
        assert states(house, rollout, "c1") == {"queued"}


def test_halting_takes_back_what_waits_and_lets_run_what_runs(house: House) -> None:
    house.fleet("c1", "c2", "c3")
    rollout = house.launch()
    house.turn()
    house.dagster.start(house.dagster.of("c1"))
    assert house.conductor.halt(rollout.id, "lunch", "bob")
    assert [run.status for run in house.dagster.all] == ["STARTED", "CANCELED", "CANCELED"]
    house.turn()
    house.dagster.finish(house.dagster.of("c1"))
    house.turn()
    assert now_(house, rollout).state == "halted"
    assert now_(house, rollout).reason == "lunch"
    assert states(house, rollout, "c1") == {"deployed"}
    assert states(house, rollout, "c2") == {"queued"}
    assert not house.conductor.halt(rollout.id, "again")


def test_a_run_in_the_queue_of_a_halted_rollout_does_nothing_when_it_starts_after_all(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    house.turn()
    [run] = house.dagster.queued
    house.conductor.halt(rollout.id, "stop")
    assert not house.dagster.start(run)
    assert house.dagster.did() == []


def test_whoever_dies_while_halting_has_halted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.fleet("c1", "c2")
    rollout = house.launch()
    house.turn()
    conductor = house.conductor
    monkeypatch.setattr(conductor._dispatch, "withdraw", lambda _requests: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        conductor.halt(rollout.id, "stop")
    house.turn()
    assert house.dagster.queued == []
    house.go(rollout)
    assert house.dagster.did() == []
    assert now_(house, rollout).state == "halted"


def test_strict_never_risks_more_than_is_tolerated(house: House) -> None:
    house.fleet(*(f"c{number}" for number in range(8)))
    rollout = house.launch(max_failures="2", strict=True)
    house.turn()
    assert len(waiting(house)) == 3
    house.dagster.failing = {f"queue/c{number}-prod" for number in range(8)}
    house.dagster.start(house.dagster.of("c0"))
    house.dagster.finish(house.dagster.of("c0"))
    house.turn()
    assert len(waiting(house)) == 2
    assert house.go(rollout).state == "halted"
    assert len({cell.partition("/")[2] for cell in house.dagster.did()}) == 3


def test_what_is_not_healthy_has_failed(house: House) -> None:
    house.fleet("ours1", "c1")
    house.dagster.unhealthy = {"account/ours1-prod"}
    rollout = house.launch(max_failures="0")
    assert house.go(rollout).state == "halted"
    assert house.cells(rollout)["account/ours1-prod"] == "unhealthy"
    assert house.cells(rollout)["network/ours1-prod"] == "skipped"
    assert states(house, rollout, "c1") == {"queued"}


def test_a_tep_whose_environments_have_errors_fails_alone_without_a_run(house: House) -> None:
    house.fleet("c1", "c2")
    house.own("c1-prod", text="values:\n  pulumiConfig:\n    queue:size: ${nowhere}\n")
    rollout = house.launch()
    house.turn()
    assert waiting(house) == ["c2"]
    assert house.go(rollout).state == "failed"
    assert states(house, rollout, "c1") == {"failed"}
    assert states(house, rollout, "c2") == {"deployed"}
    assert "tenants/c1-prod.yaml:3:" in house.store.cells(rollout.id, "c1-prod")[0].message


# Gates.


def test_a_wave_bakes_before_the_next(house: House) -> None:
    house.fleet("ours1", "c1")
    rollout = with_target(house, "bake: 10m")
    house.go(rollout)
    found = now_(house, rollout)
    assert (found.state, found.wave) == ("running", 0)
    assert found.reason.startswith("wave internal bakes until ")
    assert found.until is not None
    house.clock.forward(590)
    house.go(rollout)
    assert states(house, rollout, "c1") == {"queued"}
    house.clock.forward(20)
    assert house.go(rollout).state == "done"


def test_a_ring_that_waits_for_approval(house: House) -> None:
    house.fleet("ours1", "c1", "c2")
    rollout = with_target(house, "approve: [regular], batch: 1")
    found = house.go(rollout)
    assert (found.state, found.approval) == ("waiting", "wave regular 1/2")
    assert found.reason == "waits for approval: wave regular 1/2"
    house.control.approve(rollout.id, "bob")
    done = house.go(rollout)
    assert done.state == "done"
    assert [wave.approved_by for wave in done.waves] == [None, "bob", None]
    assert [event.who for event in house.store.events(rollout.id) if event.kind == "approved"] == ["bob"]


@pytest.mark.parametrize("at_once", [False, True])
def test_a_ring_that_waits_for_approval_does_so_in_the_first_wave_too(house: House, at_once: bool) -> None:
    house.fleet("c1")
    house.targets(ALL % "approve: [regular]")
    rollout = house.launch(target="all", at_once=at_once)
    assert rollout.state == "waiting"
    house.go(rollout)
    assert house.dagster.all == []
    house.control.approve(rollout.id, "bob")
    assert house.go(rollout).state == "done"


def test_everything_waits_for_approval(house: House) -> None:
    house.fleet("ours1", "c1")
    rollout = with_target(house, "approve: all")
    assert (rollout.state, rollout.approval) == ("waiting", "the whole rollout is to be approved")
    house.go(rollout)
    assert house.dagster.all == []
    house.control.approve(rollout.id, "bob")
    assert house.go(rollout).state == "done"


def test_more_cells_than_the_limit_are_approved_first_with_the_list(house: House) -> None:
    house.fleet("c1", "c2")
    rollout = with_target(house, "limits: {cells: 5}")
    assert rollout.state == "waiting"
    assert rollout.approval.startswith("6 cells, more than the limit of 5: account/c1-prod, queue/c1-prod, network/c1-prod, ")
    house.go(rollout)
    assert house.dagster.all == []


def test_as_many_cells_as_the_limit_need_no_approval(house: House) -> None:
    house.fleet("c1", "c2")
    assert with_target(house, "limits: {cells: 6}").state == "running"


# Limits of deletes and replacements.


def previewed(house: House, **foreseen: object) -> Rollout:
    """Change everything that is deployed, with limits; return the rollout when its previews are done."""
    house.fleet("ours1", "c1")
    house.deployed()
    house.shared(queue={"size": 9})
    house.dagster.foreseen = {"queue/c1-prod": foreseen}
    rollout = with_target(house, "limits: {deletes: 0, replacements: 1}")
    house.turn()
    assert {run.tags[OPERATION_TAG] for run in house.dagster.queued} == {"preview"}
    assert {run.tags[CLASS_TAG] for run in house.dagster.queued} == {"preview"}
    return house.go(rollout)


def test_previews_that_foresee_nothing_above_the_limits_pass(house: House) -> None:
    found = previewed(house, counts={}, delete=[], replace=["aws:Queue a"])
    assert found.state == "done"
    assert house.dagster.did() == ["queue/ours1-prod", "queue/c1-prod"]


@pytest.mark.parametrize(
    ("foreseen", "said"),
    [
        ({"delete": ["aws:Queue a"], "replace": []}, "1 deletes, more than the limit of 0: queue/c1-prod aws:Queue a"),
        ({"delete": [], "replace": ["q a", "q b"]}, "2 replacements, more than the limit of 1: queue/c1-prod q a, queue/c1-prod q b"),
        ({"error": "no"}, "1 cells could not be previewed: queue/c1-prod"),
    ],
)
def test_what_is_foreseen_above_the_limits_is_approved_first(house: House, foreseen: dict[str, object], said: str) -> None:
    rollout = previewed(house, **foreseen)
    assert (rollout.state, rollout.approval) == ("waiting", said)
    assert house.dagster.did() == []
    house.control.approve(rollout.id, "bob")
    assert house.go(rollout).state == "done"
    assert house.dagster.did() == ["queue/ours1-prod", "queue/c1-prod"]


def test_a_preview_that_was_killed_has_foreseen_nothing_and_is_approved_first(house: House) -> None:
    house.fleet("c1")
    house.deployed()
    house.shared(queue={"size": 9})
    rollout = with_target(house, "limits: {deletes: 0}")
    house.turn()
    [run] = house.dagster.queued
    house.dagster.start(run)
    house.dagster.set(run.id, "FAILURE")
    found = house.go(rollout)
    assert (found.state, found.approval) == ("waiting", "1 cells could not be previewed: queue/c1-prod")
    assert house.dagster.did() == []


def test_what_was_never_deployed_needs_no_preview(house: House) -> None:
    house.fleet("c1")
    rollout = with_target(house, "limits: {deletes: 0}")
    house.turn()
    assert [run.tags[OPERATION_TAG] for run in house.dagster.queued] == ["up"]
    assert house.go(rollout).state == "done"


# Freezes and windows.


FREEZE = "targets: {all: {branch: main, teps: ['*']}}\nfreezes: [{from: 2020-01-01, until: 2090-01-01, tenants: [%s], reason: audit}]"


def test_a_frozen_tep_waits_and_the_others_go_on(house: House) -> None:
    house.fleet("ours1", "ours2", "c1")
    house.targets(FREEZE % "ours1")
    rollout = house.launch(target="all")
    found = house.go(rollout)
    assert states(house, rollout, "ours2") == states(house, rollout, "c1") == {"deployed"}
    assert states(house, rollout, "ours1") == {"queued"}
    assert (found.state, found.reason) == ("waiting", "ours1-prod: freeze: audit (until 2090-01-02 00:00:00 UTC)")
    assert found.until is not None
    assert found.until.year == 2090
    assert {cell.blocked for cell in house.store.cells(rollout.id, "ours1-prod")} == {"freeze: audit (until 2090-01-02 00:00:00 UTC)"}
    house.targets(FREEZE % "nobody")
    assert house.go(rollout).state == "done"
    assert {cell.blocked for cell in house.store.cells(rollout.id)} == {""}


def test_where_all_of_the_first_ring_is_frozen_nothing_goes_before_it(house: House) -> None:
    house.fleet("ours1", "c1")
    house.targets(FREEZE % "ours*")
    rollout = house.launch(target="all")
    assert house.go(rollout).state == "waiting"
    assert states(house, rollout, "c1") == {"queued"}


def test_outside_its_window_a_rollout_waits_for_it(house: House) -> None:
    house.fleet("c1")
    hour = (house.clock().hour + 2) % 24
    window = f"windows: [{{days: [mon-sun], from: '{hour:02}:00', to: '{hour:02}:30', zone: UTC}}]"
    rollout = with_target(house, window)
    found = house.go(rollout)
    assert found.state == "waiting"
    assert "outside the windows of target all" in found.reason
    assert found.until is not None
    house.clock.forward((found.until - house.clock()).total_seconds() + 1)
    assert house.go(rollout).state == "done"


# What becomes of runs.


def test_a_request_that_never_became_a_run_is_asked_again(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    house.turn()
    house.dagster.all.clear()
    house.clock.forward(LOST_S - 5)
    house.turn()
    assert house.dagster.all == []
    house.clock.forward(10)
    assert house.go(rollout).state == "done"
    assert len(house.dagster.did()) == 3


def test_of_two_runs_of_one_request_one_does_it(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    house.turn()
    [run] = house.dagster.queued
    house.dagster.launch([house.dagster.requests[run.id]])
    first, second = house.dagster.queued
    assert house.dagster.start(second)
    assert not house.dagster.start(first)
    house.dagster.finish(second)
    assert house.go(rollout).state == "done"
    assert len(house.dagster.did()) == 3


def test_a_run_that_was_killed_has_failed(house: House) -> None:
    house.fleet("c1", "c2")
    rollout = house.launch()
    house.turn()
    run = house.dagster.of("c1")
    house.dagster.start(run)
    house.store.set_cell(rollout.id, "c1-prod", "account", state="deployed")
    house.store.set_cell(rollout.id, "c1-prod", "queue", state="deploying")
    house.turn()
    assert states(house, rollout, "c1") == {"deployed", "deploying", "queued"}
    house.dagster.set(run.id, "FAILURE")
    assert house.go(rollout).state == "failed"
    mine = {cell.project: cell for cell in house.store.cells(rollout.id, "c1-prod")}
    assert (mine["queue"].state, mine["queue"].message) == ("failed", "its process ended without a word")
    assert (mine["network"].state, mine["network"].message) == ("skipped", "its run ended before it: failure")
    assert (mine["account"].health, mine["account"].message) == ("unhealthy", "its run ended before its health was looked at")


def test_a_run_that_was_cancelled_in_the_queue_is_not_asked_again(house: House) -> None:
    house.fleet("c1", "c2")
    rollout = house.launch()
    house.turn()
    house.dagster.set(house.dagster.of("c1").id, "CANCELED")
    assert house.go(rollout).state == "failed"
    assert states(house, rollout, "c1") == {"skipped"}
    assert states(house, rollout, "c2") == {"deployed"}


@pytest.mark.parametrize("status", ["CANCELED", "FAILURE"])
def test_a_run_that_ends_by_itself_before_all_its_cells_leaves_none_queued(house: House, status: str) -> None:
    """Stopped between two steps, or its code could not be loaded: its worker is alive, and says that the run has ended."""
    house.fleet("c1")
    rollout = house.launch()
    house.turn()
    [run] = house.dagster.queued
    house.dagster.start(run)
    house.store.set_cell(rollout.id, "c1-prod", "account", state="deployed")
    house.dagster.set(run.id, status)
    end(house.store, run.tags[REQUEST_TAG], succeeded=False)
    found = house.go(rollout)
    assert found.state == "failed"
    mine = {cell.project: cell for cell in house.store.cells(rollout.id)}
    assert {mine[name].state for name in ("queue", "network")} == {"skipped"}
    assert not mine["account"].good


def test_a_newer_rollout_takes_over_what_an_older_has_not_begun(house: House) -> None:
    house.fleet("c1", "c2", "c3")
    older = house.launch()
    house.turn()
    house.dagster.start(house.dagster.of("c1"))
    house.clock.forward(1)
    newer = house.launch(teps=["c2-*", "c3-*"], force=True)
    house.turn()
    assert [run.status for run in house.dagster.all] == ["STARTED", "CANCELED", "CANCELED", "QUEUED", "QUEUED"]
    house.dagster.finish(house.dagster.of("c1"))
    house.go(newer)
    assert now_(house, newer).state == "done"
    assert now_(house, older).state == "superseded"
    assert states(house, older, "c2") == {"withdrawn"}
    assert states(house, older, "c1") == {"deployed"}
    deployed = [item.rollout_id for item in house.dagster.deployments if item.cell.endswith(("c2-prod", "c3-prod"))]
    assert set(deployed) == {newer.id}


def test_a_newer_rollout_of_less_takes_nothing_over(house: House) -> None:
    house.fleet("c1")
    older = house.launch()
    house.turn()
    house.clock.forward(1)
    newer = house.launch(projects=["queue"])
    house.go(newer)
    assert now_(house, older).state == now_(house, newer).state == "done"
    assert house.cells(newer) == {"queue/c1-prod": "unchanged"}


# Who moves it.


def test_only_one_moves_a_rollout_on_at_a_time(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    with house.store.lease(rollout.id, "another-host:1:x") as mine:
        assert mine
        house.turn()
        assert house.dagster.all == []
    house.turn()
    assert len(house.dagster.all) == 1


def test_a_lease_whose_holder_has_died_elsewhere_ends(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    held = house.store.lease(rollout.id, "another-host:1:x")
    held.__enter__()
    house.clock.forward(LEASE_S - 5)
    house.turn()
    assert house.dagster.all == []
    house.clock.forward(10)
    house.turn()
    assert len(house.dagster.all) == 1
    held.__exit__(None, None, None)


def test_one_rollout_that_cannot_be_planned_keeps_no_other(house: House) -> None:
    house.fleet("c1")
    house.targets("targets: {gone: {branch: nowhere, teps: ['x*']}}")
    rollout = house.launch()
    from infra_assets.rollouts.models import Trigger
    from infra_assets.rollouts.pending import wish

    wish(house.store, "gone", Trigger(kind="git"), commit="0" * 40)
    problems = house.conductor.advance_all()
    assert len(problems) == 1
    assert len(house.dagster.all) == 1
    assert now_(house, rollout).state == State.RUNNING


def test_a_run_that_dagster_has_forgotten_is_lost(house: House) -> None:
    house.fleet("c1")
    rollout = house.launch()
    house.turn()
    [run] = house.dagster.queued
    house.dagster.start(run)
    house.dagster.all.clear()
    house.clock.forward(LOST_S + 5)
    assert house.go(rollout).state == "failed"
    assert states(house, rollout, "c1") == {"skipped"}


def test_a_defect_that_one_rollout_meets_does_not_hold_the_others_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.fleet("c1", "c2")
    first, second = house.launch(teps=["c1-prod"]), house.launch(teps=["c2-prod"])
    conductor = house.conductor
    met = conductor.advance

    def advance(rollout_id: str) -> None:
        if rollout_id == first.id:
            raise KeyError("no such thing")
        met(rollout_id)

    monkeypatch.setattr(conductor, "advance", advance)
    assert conductor.advance_all() == [f"rollout {first.id}: KeyError: 'no such thing'"]
    assert house.store.asked.going(second.id) == 1

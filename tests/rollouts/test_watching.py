"""How a rollout's matrix reads while its runs go on, and how it is followed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from infra_assets.errors import NotRunningError
from infra_assets.fleet.database import now
from infra_assets.rollouts import watching
from infra_assets.rollouts.models import Rollout, RolloutCell
from infra_assets.rollouts.watching import Watch, row, rows
from tests.rollouts.house import House, tep

CELL = RolloutCell("r", "c1-prod", "queue", 0, 0, "run", ["never deployed", "and so on"], "queued")


@pytest.mark.parametrize(
    ("values", "state", "message"),
    [
        ({}, "queued", ""),
        ({"blocked": "freeze: audit"}, "queued", "freeze: audit"),
        ({"state": "deployed", "health": "healthy"}, "deployed", ""),
        ({"state": "deployed", "health": "unhealthy", "message": "no route"}, "failed", "no route"),
        ({"state": "withdrawn", "message": "rollout x has taken it over"}, "skipped", "rollout x has taken it over"),
        ({"state": "failed", "message": "boom", "blocked": "old"}, "failed", "boom"),
    ],
)
def test_a_row_says_how_a_cell_is(values: dict[str, str], state: str, message: str) -> None:
    found = row(replace(CELL, **values), tep("c1"))
    assert (found.state, found.message, found.cause) == (state, message, "never deployed; and so on")


def test_a_row_of_a_cell_whose_environments_have_errors_has_a_short_cause() -> None:
    assert row(replace(CELL, verdict="error", reasons=["a.yaml:1:2: x"]), tep("c1")).cause == "its environments have errors"


def test_a_row_says_how_long_it_took() -> None:
    begun = now()
    found = row(replace(CELL, started_at=begun, finished_at=begun + timedelta(seconds=2.5)), tep("c1"))
    assert found.duration_s == 2.5
    assert row(replace(CELL, started_at=begun), tep("c1")).duration_s is None


def watch(house: House, rollout: Rollout) -> Watch:
    fleet = {one.name: one for one in house.planner.registry.list()}
    return Watch(house.store, rollout.id, fleet, house.dagster, house.conductor, lambda: None)


def shown(house: House, rollout: Rollout, monkeypatch: pytest.MonkeyPatch, most: int = 30) -> tuple[Rollout, list[set[str]]]:
    """Follow a rollout, a run between two looks; return it, and the states at each look."""
    seen: list[set[str]] = []
    monkeypatch.setattr(watching.time, "sleep", lambda _seconds: house.dagster.work())

    def show(_rollout: Rollout, found: list[watching.Row]) -> None:
        seen.append({each.state for each in found})
        assert len(seen) < most

    return watch(house, rollout).wait(show), seen  # type: ignore[arg-type]


def test_waiting_moves_it_on_until_its_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.fleet("ours1", "c1")
    found, seen = shown(house, house.launch(), monkeypatch)
    assert found.state == "done"
    assert seen[0] == {"queued"}
    assert seen[-1] == {"deployed"}


def test_waiting_ends_where_a_person_is_wanted(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.fleet("c1")
    house.targets("targets: {all: {branch: main, teps: ['*'], approve: all}}")
    found, seen = shown(house, house.launch(target="all"), monkeypatch)
    assert (found.state, len(seen)) == ("waiting", 1)


def test_waiting_goes_on_where_dagster_was_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.fleet("c1")
    rollout = house.launch()
    fleet = {one.name: one for one in house.planner.registry.list()}
    away = house.conductor
    monkeypatch.setattr(away, "advance", lambda _id: (_ for _ in ()).throw(NotRunningError("gone")))
    revived: list[bool] = []
    monkeypatch.setattr(watching.time, "sleep", lambda _seconds: house.dagster.work())

    def revive() -> tuple[object, object] | None:
        revived.append(True)
        return (house.dagster, house.conductor) if len(revived) == 2 else None

    found = Watch(house.store, rollout.id, fleet, house.dagster, away, revive).wait(lambda *_: None)  # type: ignore[arg-type]
    assert found.state == "done"


def test_stopping_halts_it_and_stops_what_runs(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.fleet("c1", "c2")
    rollout = house.launch()
    house.turn()
    running = house.dagster.of("c1")
    house.dagster.start(running)
    asked: list[str] = []
    monkeypatch.setattr(house.dagster, "terminate", lambda ids: asked.extend(ids))
    watch(house, rollout).stop("alice")
    assert running.id in asked
    assert house.store.get(rollout.id).state == "halted"
    assert [(event.kind, event.who) for event in house.store.events(rollout.id)][-1] == ("halted", "alice")


def test_teps_that_are_gone_from_the_fleet_have_no_row(house: House) -> None:
    house.fleet("c1", "c2")
    rollout = house.launch()
    assert {each.tep.name for each in rows(house.store, rollout.id, {"c1-prod": tep("c1")})} == {"c1-prod"}

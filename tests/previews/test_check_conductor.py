"""What moves checks on, with Dagster played."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from infra_assets.fleet.database import connect, now
from infra_assets.fleet.registry import teps
from infra_assets.previews.conductor import AHEAD, LOST_S, CheckConductor
from infra_assets.previews.models import Check, CheckState
from infra_assets.previews.store import REPORTING_S, CheckStore
from infra_assets.runs import CHECK_TAG, CLASS_TAG, OPERATION_TAG, RING_TAG, TENANT_TAG
from tests.previews.checks import PROJECTS, Dagster, begin, check
from tests.rollouts.house import Clock, House


@dataclass
class Office:
    """A conductor, what it asks, and what it has finished."""

    house: House
    dagster: Dagster = field(default_factory=Dagster)
    finished: list[str] = field(default_factory=list)

    @property
    def conductor(self) -> CheckConductor:
        return CheckConductor(self.house.settings, self.dagster, self.finish)

    @property
    def store(self) -> CheckStore:
        return self.conductor.store

    def finish(self, check: Check) -> None:
        self.finished.append(check.id)
        self.store.end_report(check.id, None, {})

    def begin(self, *names: str, due: dict[str, float] | None = None, **values: Any) -> Check:
        self.house.fleet(*(name.removesuffix("-prod") for name in names))
        return begin(self.store, check("20261129T020000Z-aaaaaa", *names, created_at=now(), **values), due)

    def turn(self) -> None:
        assert self.conductor.advance_all() == []

    def see(self, of: Check, tep: str, *projects: str, verdict: str = "in-sync") -> None:
        """A run of a TEP looks at some cells."""
        for project in projects or of.projects:
            self.store.set_cell(of.id, tep, project, verdict=verdict, started_at=now())

    def told(self, of: Check) -> dict[str, str]:
        return {cell.name: f"{cell.verdict}: {cell.message}".removesuffix(": ") for cell in self.store.cells(of.id)}


@pytest.fixture
def office(house: House) -> Office:
    return Office(house)


def test_a_check_is_asked_for_looked_at_and_finished_once(office: Office) -> None:
    of = office.begin("c1-prod", "beta1-prod")
    office.turn()
    first, second = office.dagster.asked
    assert (first.tep, first.job, list(first.projects), first.key) == ("beta1-prod", "drift", list(PROJECTS), f"{of.id}/beta1-prod/1")
    assert second.tags == {
        CHECK_TAG: of.id, "infra/request": f"{of.id}/c1-prod/1", OPERATION_TAG: "drift", CLASS_TAG: "drift", TENANT_TAG: "c1",
        RING_TAG: "regular",
    }  # fmt: skip
    assert office.dagster.prepared == [(["beta1-prod", "c1-prod"], list(PROJECTS))]
    for tep in of.teps:
        office.see(of, tep)
        office.dagster.set(tep, "SUCCESS")
    office.turn()
    office.turn()
    assert (office.store.get(of.id).state, office.finished) == (CheckState.DONE, [of.id])
    assert len(office.dagster.asked) == 2


def test_no_more_is_asked_for_than_there_is_room_for(office: Office) -> None:
    names = [f"c{number}-prod" for number in range(2 * AHEAD + 3)]
    of = office.begin(*names)
    office.turn()
    office.turn()
    assert len(office.dagster.asked) == 2 * AHEAD
    for tep in {request.tep for request in office.dagster.asked[:2]}:
        office.see(of, tep)
        office.dagster.set(tep, "SUCCESS")
    office.turn()
    assert len(office.dagster.asked) == 2 * AHEAD + 2


def test_a_tep_is_asked_for_when_it_is_due(office: Office, clock: Clock) -> None:
    office.begin("c1-prod", "c2-prod", due={"c2-prod": 300})
    office.turn()
    assert office.dagster.keys == ["c1-prod/1"]
    clock.forward(301)
    office.turn()
    assert office.dagster.keys == ["c1-prod/1", "c2-prod/1"]


def test_a_run_that_dagster_has_lost_is_asked_for_again_three_times_in_all(office: Office, clock: Clock) -> None:
    of = office.begin("c1-prod")
    office.dagster.losing = True
    office.turn()
    clock.forward(LOST_S - 5)
    office.turn()
    assert office.dagster.keys == ["c1-prod/1"]
    for _ in range(4):
        clock.forward(LOST_S + 5)
        office.turn()
    assert office.dagster.keys == ["c1-prod/1", "c1-prod/2", "c1-prod/3"]
    assert office.told(of) == dict.fromkeys(
        ["account/c1-prod", "network/c1-prod"], "error: not checked: Dagster has no run for it, 3 times"
    )
    assert office.finished == [of.id]


def test_a_run_that_goes_on_while_thousands_have_passed_is_not_taken_for_lost(office: Office, clock: Clock) -> None:
    of = office.begin("c1-prod", "c2-prod", due={"c2-prod": 1})
    office.turn()
    clock.forward(2)
    office.turn()
    office.dagster.most = 1  # the newest alone, as a sensor sees a large check
    clock.forward(LOST_S + 5)
    office.turn()
    assert office.dagster.keys == ["c1-prod/1", "c2-prod/1"]
    office.see(of, "c1-prod")
    office.dagster.set("c1-prod", "SUCCESS")
    office.turn()
    assert [each.tep for each in office.store.requests(of.id, states=["asked"])] == ["c2-prod"]


def test_a_run_that_failed_before_it_began_is_asked_for_again_at_most_three_times(office: Office) -> None:
    of = office.begin("c1-prod")
    for _ in range(5):
        office.turn()
        office.dagster.set("c1-prod", "FAILURE")
    assert office.dagster.keys == ["c1-prod/1", "c1-prod/2", "c1-prod/3"]
    assert set(office.told(of).values()) == {"error: not checked: its run ended before it began: run3, 3 times"}
    assert office.store.get(of.id).state == CheckState.DONE


def test_a_cell_that_was_an_error_from_the_start_is_no_sign_that_its_run_has_begun(office: Office) -> None:
    of = office.begin("c1-prod", kind="preview")
    office.store.set_cell(of.id, "c1-prod", "account", verdict="error", message="cannot be opened", finished_at=now())
    office.turn()
    office.dagster.set("c1-prod", "FAILURE")
    office.turn()
    assert office.dagster.keys == ["c1-prod/1", "c1-prod/2"]


@pytest.mark.parametrize("status", ["FAILURE", "CANCELED", "SUCCESS"])
def test_what_a_run_that_died_midway_has_not_seen_is_an_error_that_names_its_status(office: Office, status: str) -> None:
    of = office.begin("c1-prod")
    office.turn()
    office.see(of, "c1-prod", "account", verdict="drifted")
    office.dagster.set("c1-prod", status)
    office.turn()
    assert office.told(of) == {"account/c1-prod": "drifted", "network/c1-prod": f"error: its run ended before it: {status.lower()}"}
    assert office.dagster.keys == ["c1-prod/1"]


def test_a_run_that_was_cancelled_before_it_began_is_not_asked_for_again(office: Office) -> None:
    of = office.begin("c1-prod")
    office.turn()
    office.dagster.set("c1-prod", "CANCELED")
    office.turn()
    assert set(office.told(of).values()) == {"error: its run ended before it: canceled"}


def test_stopping_asks_for_nothing_more_and_leaves_what_was_found(office: Office) -> None:
    of = office.begin("c1-prod", "c2-prod", "c3-prod", due={"c3-prod": 300})
    office.turn()
    office.see(of, "c1-prod", verdict="drifted")
    office.dagster.set("c2-prod", "CANCELING")
    office.conductor.stop(of.id)
    office.conductor.stop(of.id)
    office.turn()
    assert office.dagster.stopped == ["run1"]
    assert {name: said for name, said in office.told(of).items() if name.startswith("network")} == {
        "network/c1-prod": "drifted",
        "network/c2-prod": "error: not checked: it was stopped",
        "network/c3-prod": "error: not checked: it was stopped",
    }
    assert (office.store.get(of.id).state, office.finished) == (CheckState.STOPPED, [of.id])


def test_a_tep_that_left_the_fleet_is_told_and_not_brought_back_to_dagster(office: Office) -> None:
    of = office.begin("c1-prod", "c2-prod")
    with connect(office.house.settings.database_url).begin() as connection:
        connection.execute(sa.delete(teps).where(teps.c.name == "c2-prod"))
    office.turn()
    assert office.dagster.keys == ["c1-prod/1"]
    assert office.dagster.prepared == [(["c1-prod"], list(PROJECTS))]
    assert office.told(of)["network/c2-prod"] == "error: the fleet does not have it any more"


def test_a_preview_asks_for_the_cells_that_are_concerned_alone(office: Office) -> None:
    of = office.begin("c1-prod", kind="preview")
    office.turn()
    assert [(each.job, each.tags[CLASS_TAG]) for each in office.dagster.asked] == [("preview", "preview")]
    assert office.dagster.prepared == [(["c1-prod"], [])]
    assert of.kind == "preview"


def test_a_check_without_anything_to_do_is_done_at_once(office: Office) -> None:
    of = check("20261129T020000Z-aaaaaa", "c1-prod", kind="preview", created_at=now())
    office.store.add(of, [], [])
    office.turn()
    assert (office.store.get(of.id).state, office.finished, office.dagster.asked) == (CheckState.DONE, [of.id], [])


def test_who_died_while_reporting_is_followed_by_another_after_five_minutes(office: Office, clock: Clock) -> None:
    of = check("20261129T020000Z-aaaaaa", "c1-prod", created_at=now())
    office.store.add(of, [], [])

    def die(_: Check) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        CheckConductor(office.house.settings, office.dagster, die).advance(of.id)
    office.turn()
    assert office.finished == []
    clock.forward(REPORTING_S + 5)
    office.turn()
    assert office.finished == [of.id]


def test_a_dagster_that_refuses_holds_up_no_other_check(office: Office, clock: Clock) -> None:
    from infra_assets.errors import InfraError

    of = office.begin("c1-prod")
    other = check("20261129T020001Z-bbbbbb", "c1-prod", created_at=now(), kind="preview")
    office.store.add(other, [], [])

    def refuse(*_: Any) -> None:
        raise InfraError("the code location cannot be loaded")

    prepare, office.dagster.prepare = office.dagster.prepare, refuse
    assert office.conductor.advance_all() == [f"check {of.id}: the code location cannot be loaded"]
    assert office.finished == [other.id]
    office.dagster.prepare = prepare
    office.turn()
    assert office.dagster.keys == ["c1-prod/1"]


def test_what_dagster_refuses_for_ten_minutes_is_given_up(office: Office, clock: Clock) -> None:
    from infra_assets.errors import InfraError

    of = office.begin("c1-prod")

    def refuse(*_: Any) -> None:
        raise InfraError("the code location has no project gone")

    office.dagster.prepare = refuse
    clock.forward(seconds=601)
    assert office.conductor.advance_all() == [f"check {of.id}: the code location has no project gone"]
    assert {(cell.verdict, cell.message) for cell in office.store.cells(of.id)} == {
        ("error", "not checked: the code location has no project gone")
    }
    office.conductor.advance_all()
    assert office.finished == [of.id]

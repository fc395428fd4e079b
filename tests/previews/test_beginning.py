"""Which cells a drift check looks at, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra_assets.errors import UsageError
from infra_assets.fleet.selection import Selection
from infra_assets.previews.beginning import Proposed, begin_drift, begin_preview, nightly
from infra_assets.previews.models import Check
from infra_assets.previews.store import CheckStore
from tests.rollouts.house import House, SetUp, tep


def drift(house: House, selection: Selection | None = None, **values: Any) -> Check:
    planner, chosen = house.fresh_planner(), selection or Selection()
    return begin_drift(planner, chosen.pick(planner.registry.list()), chosen, "jo", **values)


def store(house: House) -> CheckStore:
    return CheckStore(house.store.engine)


def with_environments(house: House, *environments: str) -> None:
    house.fleet(*(f"c{number}" for number in range(len(environments))))
    with house.store.engine.begin() as connection:
        from infra_assets.fleet.registry import teps

        for number, environment in enumerate(environments):
            name = tep(f"c{number}").name
            connection.execute(teps.update().where(teps.c.name == name).values(environment=environment))


def test_every_cell_is_looked_at_that_is_there_or_should_be(house: House) -> None:
    house.fleet("c1")
    house.deployed()
    house.fleet("c2")
    for file in (house.root / "pulumi_programs" / "queue").iterdir():
        file.unlink()
    of = drift(house)
    assert {cell.name: cell.state for cell in store(house).cells(of.id)} == {
        "account/c1-prod": "deployed",
        "network/c1-prod": "deployed",
        "queue/c1-prod": "deployed",  # no commit has it any more, and its stack stands
        "account/c2-prod": "never",
        "network/c2-prod": "never",
    }
    assert (of.title, of.about["TEPs"], of.projects, of.left_out) == ("Drift of 2 TEPs", "all 2", ["account", "network", "queue"], [])


def test_what_was_chosen_is_said_and_a_part_of_the_fleet_is_none_of_the_whole(house: House) -> None:
    house.fleet("c1", "c2", "c3")
    assert drift(house, Selection(teps=["c1-*", "c2-*"])).about["TEPs"] == "2 of 3"
    of = drift(house, Selection(projects=["network"]))
    assert (of.about["TEPs"], [cell.project for cell in store(house).cells(of.id)]) == ("3 of 3", ["network"] * 3)
    with pytest.raises(UsageError, match=r"--project netwrok: matches nothing"):
        drift(house, Selection(projects=["netwrok"]))


def test_a_project_that_cannot_be_loaded_is_left_out_and_says_why(house: House) -> None:
    house.fleet("c1")
    (house.root / "pulumi_programs" / "queue" / "Pulumi.yaml").write_text("name: queue\ninfra: {depends_on: [nowhere]}\n")
    of = drift(house)
    assert of.projects == ["account", "network"]
    assert of.left_out[0].startswith("queue cannot be loaded: ")
    assert of.about["TEPs"] == "all 1"


def test_asked_for_by_a_person_everything_is_due_at_once(house: House) -> None:
    house.fleet("c1", "c2")
    of = drift(house)
    assert {each.due_at for each in store(house).requests(of.id)} == {of.created_at}


def test_with_a_jitter_each_tep_is_due_at_its_own_place_and_the_first_at_once(house: House) -> None:
    house.fleet(*(f"c{number}" for number in range(20)))
    places: list[dict[str, float]] = []
    for _ in range(2):
        of = drift(house, jitter_s=900)
        places.append({each.tep: round((each.due_at - of.created_at).total_seconds(), 3) for each in store(house).requests(of.id)})
    assert places[0] == places[1]
    assert min(places[0].values()) == 0
    assert 300 < max(places[0].values()) <= 900
    assert len(set(places[0].values())) == 20


def test_at_night_environments_may_be_left_out_and_are_named(house: House) -> None:
    with_environments(house, "dev", "prod", "test-2", "prod")
    settings = house.settings.model_copy(update={"drift_except": "dev, test*", "drift_jitter_s": 60})
    of = nightly(SetUp(settings), "nightly_drift")
    assert of is not None
    assert (of.who, list(of.teps), of.about["TEPs"]) == ("nightly_drift", ["c1-prod", "c3-prod"], "all but 2")
    assert of.left_out == ["2 TEPs of environments that INFRA_DRIFT_EXCEPT names: c0-dev, c2-test-2"]
    assert max(each.due_at for each in store(house).requests(of.id)) <= of.created_at + timedelta(seconds=60)


def test_a_night_without_a_tep_has_no_check(house: House) -> None:
    assert nightly(SetUp(house.settings), "nightly_drift") is None
    with_environments(house, "dev")
    assert nightly(SetUp(house.settings.model_copy(update={"drift_except": "dev"})), "nightly_drift") is None
    assert store(house).checks() == []


def test_a_preview_of_nothing_is_refused(house: House) -> None:
    house.fleet("c1")
    planner = house.fresh_planner()
    with pytest.raises(UsageError, match="nothing is proposed"):
        begin_preview(planner, planner.registry.list(), Selection(), Proposed(None, None), "jo", lambda _: None)
    assert store(house).checks() == []


def test_an_id_is_the_time_of_its_beginning(house: House) -> None:
    house.fleet("c1")
    of = drift(house)
    assert datetime.strptime(of.id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) == of.created_at.replace(microsecond=0)

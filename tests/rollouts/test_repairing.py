"""Repairs of drift: what is run again, and what may be without asking anybody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra_assets.errors import UsageError
from infra_assets.fleet.selection import Selection
from infra_assets.orchestration.client import run_config
from infra_assets.previews.models import Check, CheckedCell, CheckState
from infra_assets.previews.store import CheckStore
from infra_assets.reports.changes import ResourceChange
from infra_assets.rollouts.launching import Launch, launch
from infra_assets.rollouts.models import Rollout, Trigger
from infra_assets.rollouts.repairing import by_itself, low_risk, to_repair
from tests.rollouts.house import House

VPC, BUCKET = "aws:ec2/vpc:Vpc", "aws:s3/bucket:Bucket"


Changes = tuple[tuple[str, str], ...]
"""Types and operations."""


def found(*changes: tuple[str, str], mending: Changes | None = None, verdict: str = "drifted", **values: Any) -> CheckedCell:
    """A cell in which that was changed in the cloud, and what would mend it: the same where nothing is said."""

    def plain(some: Changes) -> list[dict[str, Any]]:
        return [ResourceChange(type_, "main", operation, **values).as_json() for type_, operation in some]

    resources = plain(changes if mending is None else mending)
    return CheckedCell("c", "c1-prod", "network", 0, verdict=verdict, drift=plain(changes), resources=resources)


@pytest.mark.parametrize(
    ("cell", "low"),
    [
        (found((VPC, "update")), True),
        (found((VPC, "update"), mending=()), True),
        (found((VPC, "delete"), mending=((VPC, "create"),)), False),
        (found((VPC, "update"), mending=((VPC, "replace"),)), False),
        (found((VPC, "update"), mending=((VPC, "update"), (VPC, "create"))), False),
        (found((BUCKET, "update")), False),
        (found((VPC, "update"), protected=True), False),
        (found((VPC, "update"), verdict="both"), False),
        (found((VPC, "update"), verdict="pending"), False),
        (found(), False),
    ],
)
def test_of_low_risk_is_what_updates_and_holds_no_state_and_brings_nothing_else(cell: CheckedCell, low: bool) -> None:
    assert low_risk(cell) is low


def test_by_themselves_only_cells_of_the_environments_are_repaired_that_are_named(house: House) -> None:
    fleet = house.fleet("c1")
    cells = [found((VPC, "update"))]
    assert by_itself(cells, fleet, "dev, pro*") == [("c1-prod", "network")]
    assert by_itself(cells, fleet, "dev") == by_itself(cells, fleet, "") == []


def look(house: House, number: int, *drifted: str, verdict: str = "drifted") -> None:
    """A drift check of every cell, which has found some of them drifted."""
    began, cause = house.clock(), "in the cloud Vpc main differs"
    check = Check(f"20261129T{number:06d}Z-aaaaaa", "drift", CheckState.RUNNING, "Drift", {}, [], [], [], "jo", datetime.now(UTC))
    cells: list[CheckedCell] = []
    for tep, project in house.ledger.latest():
        said = verdict if f"{project}/{tep}" in drifted else "in-sync"
        cells.append(CheckedCell(check.id, tep, project, 0, verdict=said, cause=cause, started_at=began, finished_at=began))
    store = CheckStore(house.store.engine)
    store.add(check, cells, [])
    store.end(check.id, CheckState.DONE)
    house.clock.forward(1)


@pytest.fixture
def deployed(house: House) -> House:
    house.fleet("c1", "c2")
    house.deployed()
    return house


def repairs(house: House) -> set[str]:
    cells = to_repair(house.ledger, CheckStore(house.store.engine), house.planner.registry.list())
    return {f"{project}/{tep}" for tep, project in cells}


def repair(house: House, **options: Any) -> Rollout | None:
    selection = Selection(**{name: options.pop(name) for name in ("teps", "projects") if name in options})
    return launch(house.fresh_planner(), Launch(selection, Trigger(kind="person", who="jo"), drifted=True, **options)).rollout


def test_what_was_deployed_since_needs_no_repair(deployed: House) -> None:
    look(deployed, 1, "network/c1-prod", "queue/c2-prod")
    assert repairs(deployed) == {"network/c1-prod", "queue/c2-prod"}
    deployed.go(deployed.launch(teps=["c1-prod"], force=True))
    assert repairs(deployed) == {"queue/c2-prod"}
    deployed.clock.forward(1)
    look(deployed, 2, "network/c1-prod", verdict="both")
    assert repairs(deployed) == {"network/c1-prod"}


def test_a_repair_runs_just_what_drifted_with_a_look_at_the_cloud_and_nothing_twice(deployed: House) -> None:
    look(deployed, 1, "network/c1-prod", "queue/c2-prod")
    rollout = repair(deployed)
    assert rollout is not None
    assert rollout.options.refresh
    assert {f"{cell.project}/{cell.tep}": cell.reasons for cell in deployed.store.cells(rollout.id)} == {
        "network/c1-prod": ["drifted: in the cloud Vpc main differs"],
        "queue/c2-prod": ["drifted: in the cloud Vpc main differs"],
    }
    deployed.turn()
    asked = list(deployed.dagster.requests.values())[-2:]
    assert {(request.tep, tuple(request.projects), request.refresh) for request in asked} == {
        ("c1-prod", ("network",), True),
        ("c2-prod", ("queue",), True),
    }


def test_what_is_downstream_of_a_repair_follows_and_is_not_forced(deployed: House) -> None:
    """What was deleted and is made again has another id; but what is not applied there is none of a repair's business."""
    look(deployed, 1, "account/c1-prod", "account/c2-prod")
    deployed.own("c2-prod", {"network": {"zones": 3}})
    rollout = repair(deployed)
    assert rollout is not None
    assert {f"{cell.project}/{cell.tep}": (cell.verdict, cell.reasons) for cell in deployed.store.cells(rollout.id)} == {
        "account/c1-prod": ("run", ["drifted: in the cloud Vpc main differs"]),
        "network/c1-prod": ("maybe", ["after account"]),
        "account/c2-prod": ("run", ["drifted: in the cloud Vpc main differs"]),
    }
    deployed.turn()
    asked = list(deployed.dagster.requests.values())[-2:]
    assert {(request.tep, tuple(request.projects), tuple(request.following)) for request in asked} == {
        ("c1-prod", ("account", "network"), ("network",)),
        ("c2-prod", ("account",), ()),
    }
    assert run_config(next(request for request in asked if request.tep == "c1-prod")) == {"ops": {"account": {"config": {"refresh": True}}}}


def test_a_repair_deploys_the_program_that_was_deployed(deployed: House) -> None:
    before = deployed.head
    deployed.program("network", "# merged, not deployed\n")
    look(deployed, 1, "network/c1-prod")
    rollout = repair(deployed)
    assert rollout is not None
    assert [cell.commit for cell in deployed.store.cells(rollout.id)] == [before]


def test_where_nothing_has_drifted_there_is_nothing_to_do(deployed: House) -> None:
    assert repair(deployed) is None
    look(deployed, 1, "network/c1-prod")
    assert repair(deployed, teps=["c2-prod"]) is None
    assert repair(deployed, projects=["queue"]) is None
    assert repair(deployed, cells=[("c2-prod", "network")]) is None


def test_a_project_of_no_name_is_refused_whether_or_not_something_has_drifted(deployed: House) -> None:
    with pytest.raises(UsageError, match=r"--project netwrok: matches nothing"):
        repair(deployed, projects=["netwrok"])


def test_of_what_has_drifted_just_some_cells_are_repaired_where_they_are_named(deployed: House) -> None:
    look(deployed, 1, "network/c1-prod", "queue/c2-prod")
    rollout = repair(deployed, cells=frozenset({("c1-prod", "network")}))
    assert rollout is not None
    assert [(cell.project, cell.tep) for cell in deployed.store.cells(rollout.id)] == [("network", "c1-prod")]


def test_a_person_who_runs_everything_again_does_not_look_at_the_cloud(deployed: House) -> None:
    rollout = deployed.launch(force=True, teps=["c1-prod"])
    assert not rollout.options.refresh
    deployed.turn()
    request = list(deployed.dagster.requests.values())[-1]
    assert (request.force, request.refresh) == (True, False)


def test_cells_that_drifted_long_ago_and_were_clean_since_are_left_alone(deployed: House) -> None:
    look(deployed, 1, "network/c1-prod")
    deployed.clock.forward(timedelta(days=1).total_seconds())
    look(deployed, 2)
    assert repairs(deployed) == set()

"""Drift of one TEP's cells, with the engine played."""

import pytest

from infra_assets.errors import InfraError
from infra_assets.previews.drift import BY_ITSELF, DriftOf
from infra_assets.previews.looking import Finding
from tests.previews.engine import Played, change, failure, outcome
from tests.rollouts.house import House

CHANGED = change("update", "net", id="vpc-1", properties=("tags.Owner", "tagsAll.Owner"))
GONE = change("delete", "topic", "aws:sns/topic:Topic", id="arn:1")


@pytest.fixture
def engine() -> Played:
    return Played()


def look(house: House, engine: Played, *projects: str) -> Finding:
    """Look at some projects of c1-prod in order; returns what was found of the last."""
    tep = house.planner.registry.get("c1-prod")
    mine = DriftOf(house.fresh_planner(), engine, tep)  # type: ignore[arg-type]  # played
    return [mine.look(project) for project in projects][-1]


@pytest.fixture
def deployed(house: House) -> House:
    house.fleet("c1")
    house.deployed()
    return house


def test_a_cell_that_is_as_it_was_recorded_and_configured_is_in_sync(deployed: House, engine: Played) -> None:
    found = look(deployed, engine, "queue")
    assert (found.verdict, found.cause, found.state, dict(found.changes), found.resources) == ("in-sync", "", "deployed", {}, [])
    (asked,) = engine.asked  # where the refresh finds nothing, its preview is the plain one too
    assert (asked.refresh, asked.commit) == (True, deployed.head)


def test_what_was_changed_and_deleted_in_the_cloud_is_drift_with_what_would_mend_it(deployed: House, engine: Played) -> None:
    engine.refreshed["queue"] = outcome("update", "create", drift=(CHANGED, GONE))
    found = look(deployed, engine, "queue")
    assert (found.verdict, dict(found.changes)) == ("drifted", {"update": 1, "create": 1})
    assert found.cause == "in the cloud 2 resources differ: Topic topic is gone, Vpc net: size"
    assert [(each.name, each.operation) for each in found.drift] == [("net", "update"), ("topic", "delete")]
    assert [each.refresh for each in engine.asked] == [True, False]


def test_drift_that_nothing_would_mend_is_drift_nevertheless(deployed: House, engine: Played) -> None:
    engine.refreshed["queue"] = outcome(drift=(CHANGED,))
    assert look(deployed, engine, "queue").verdict == "drifted"


def test_what_is_configured_and_not_applied_is_pending_and_names_the_layer(deployed: House, engine: Played) -> None:
    deployed.shared(queue={"size": 5})
    engine.plain["queue"] = outcome("update", "same", "read")
    found = look(deployed, engine, "queue")
    assert (found.verdict, dict(found.changes), len(found.resources)) == ("pending", {"update": 1}, 1)
    assert found.cause.startswith("configuration: queue:size 1 → 5 (shared/app ")


def test_a_merge_that_is_not_applied_is_pending_and_what_is_looked_at_is_what_was_deployed(deployed: House, engine: Played) -> None:
    before = deployed.head
    deployed.program("queue", "# merged\n")
    found = look(deployed, engine, "queue")
    assert (found.verdict, found.commit) == ("pending", before)
    assert found.cause.startswith(f"program: commit {before[:8]} → {deployed.head[:8]}")
    assert engine.asked[0].commit == before


def test_drift_beside_what_is_not_applied_is_both(deployed: House, engine: Played) -> None:
    deployed.shared(queue={"size": 5})
    engine.refreshed["queue"], engine.plain["queue"] = outcome("update", drift=(CHANGED,)), outcome("update")
    found = look(deployed, engine, "queue")
    assert found.verdict == "both"
    assert found.cause.startswith("in the cloud 1 resource differs: Vpc net: size; configuration: queue:size 1 → 5")


def test_a_program_that_makes_something_else_of_the_same_inputs_is_pending(deployed: House, engine: Played) -> None:
    engine.plain["queue"] = outcome("update")
    found = look(deployed, engine, "queue")
    assert (found.verdict, found.cause) == ("pending", BY_ITSELF)


def test_a_preview_that_fails_is_an_error_and_never_clean(deployed: House, engine: Played) -> None:
    engine.refreshed["queue"] = failure("AccessDenied")
    found = look(deployed, engine, "queue")
    assert (found.verdict, found.message, found.state) == ("error", "AccessDenied", "deployed")
    engine.refreshed["queue"], engine.plain["queue"] = outcome(drift=(CHANGED,)), failure("")
    found = look(deployed, engine, "queue")
    assert (found.verdict, found.message) == ("error", "the preview failed")


def test_environments_with_errors_are_an_error_that_names_the_place(deployed: House, engine: Played) -> None:
    deployed.own("c1-prod", text="imports: [shared/app, fleet/c1-prod]\nvalues:\n  a: ${nowhere}\n")
    with pytest.raises(InfraError, match=r"tenants/c1-prod.yaml:3:.*nowhere"):
        look(deployed, engine, "queue")
    assert engine.asked == []


def test_what_was_never_deployed_is_pending_as_all_that_it_would_create(house: House, engine: Played) -> None:
    house.fleet("c1")
    engine.plain |= {"account": outcome("create", outputs={"zone": "[unknown]"}), "network": outcome("create", "create")}
    found = look(house, engine, "account", "network")
    assert (found.verdict, dict(found.changes), found.state, found.cause) == ("pending", {"create": 2}, "never", "never deployed")
    # What it builds on is not there either: it sees what that would have as outputs.
    assert engine.asked[1].foreseen == {"account": {"zone": "[unknown]"}}
    assert {asked.role for asked in engine.asked} == {"inspect"}
    assert not any(asked.refresh for asked in engine.asked)


def test_a_new_project_beside_deployed_ones_is_looked_at_with_their_reader(deployed: House, engine: Played) -> None:
    folder = deployed.root / "pulumi_programs" / "cache"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: cache\nruntime: python\n")
    (folder / "__main__.py").write_text("# cache\n")
    engine.plain["cache"] = outcome("create")
    found = look(deployed, engine, "cache")
    assert (found.verdict, found.state) == ("pending", "never")
    assert engine.asked[0].role == "preview"


def test_a_cell_is_looked_at_as_its_project_is_deployed(house: House, engine: Played) -> None:
    file = house.root / "pulumi_programs" / "account" / "Pulumi.yaml"
    file.write_text(file.read_text().replace('"depends_on"', '"role": "bootstrap", "depends_on"'))
    house.fleet("c1")
    house.deployed()
    look(house, engine, "account", "queue")
    assert [asked.role for asked in engine.asked] == ["inspect", "preview"]


def test_a_project_that_was_removed_from_the_commit_is_still_looked_at(deployed: House, engine: Played) -> None:
    before = deployed.head
    for file in (deployed.root / "pulumi_programs" / "queue").iterdir():
        file.unlink()
    engine.refreshed["queue"] = outcome(drift=(GONE,))
    found = look(deployed, engine, "queue")
    assert (found.verdict, found.commit) == ("drifted", before)


def test_a_stack_that_was_destroyed_and_has_no_project_any_more_is_in_sync(deployed: House, engine: Played) -> None:
    number = deployed.ledger.begin(("c1-prod", "queue"), "destroy", {})
    deployed.ledger.finish(number, "removed")
    for file in (deployed.root / "pulumi_programs" / "queue").iterdir():
        file.unlink()
    found = look(deployed, engine, "queue")
    assert (found.verdict, found.state, engine.asked) == ("in-sync", "removed", [])


def test_a_failed_deployment_is_pending_with_what_is_left_to_do(deployed: House, engine: Played) -> None:
    deployed.dagster.failing.add("queue/c1-prod")
    deployed.shared(queue={"size": 5})
    deployed.go(deployed.launch(at_once=True))
    engine.plain["queue"] = outcome("update")
    found = look(deployed, engine, "queue")
    assert (found.verdict, found.state, dict(found.changes)) == ("pending", "failed", {"update": 1})
    assert engine.asked[0].refresh

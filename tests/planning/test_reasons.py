"""Why a cell would run, as a person reads it: which key of which environment, from what to what; no secret in clear."""

import json
import logging

import pytest

from infra_assets.fleet.selection import Selection
from infra_assets.rollouts.launching import planned
from tests.rollouts.house import House


@pytest.fixture
def deployed(house: House) -> House:
    house.fleet("c1")
    house.deployed()
    return house


def why(house: House, project: str = "queue", verdict: str = "run") -> list[str]:
    """Return the reasons of one cell."""
    plan = planned(house.fresh_planner(), Selection(), None)
    found = {item.cell.project.name: item for item in plan.planned}[project]
    assert found.verdict == verdict
    return list(found.reasons)


def revision(house: House, name: str) -> str:
    return house.planner.resolver(()).library.load(name).revision[:8]


def test_a_value_that_changed_is_told_with_its_layer_and_both_revisions(deployed: House) -> None:
    before = revision(deployed, "shared/app")
    deployed.shared(queue={"size": 2})
    assert why(deployed) == [f"configuration: queue:size 1 → 2 (shared/app {before} → {revision(deployed, 'shared/app')})"]
    assert why(deployed, "network", "unchanged") == []


def test_a_value_that_is_overridden_now_is_told_with_the_layer_that_does(deployed: House) -> None:
    before = revision(deployed, "tenants/c1-prod")
    deployed.own("c1-prod", {"queue": {"size": 5}})
    assert why(deployed) == [f"configuration: queue:size 1 → 5 (tenants/c1-prod {before} → {revision(deployed, 'tenants/c1-prod')})"]


def test_a_value_that_refers_to_another_environment_is_told_with_that_one_too(house: House) -> None:
    house.fleet("c1")
    house.write("shared/sizes", {}, text=json.dumps({"values": {"queue": 1}}))
    house.own("c1-prod", {"queue": {"size": "${environments.shared.sizes.queue}"}})
    house.deployed()
    before = revision(house, "shared/sizes")
    house.write("shared/sizes", {}, text=json.dumps({"values": {"queue": 2}}))
    after = revision(house, "shared/sizes")
    assert why(house) == [f"configuration: queue:size 1 → 2 (tenants/c1-prod, from shared/sizes {before} → {after})"]


def test_keys_that_come_and_go(deployed: House) -> None:
    before = revision(deployed, "shared/app")
    deployed.shared(queue={"depth": "deep"})
    changed = f"(shared/app {before} → {revision(deployed, 'shared/app')})"
    assert why(deployed) == [f"configuration: queue:depth (not set) → deep {changed}, queue:size 1 → (not set)"]


def test_many_keys_are_counted_and_long_values_cut(deployed: House) -> None:
    deployed.shared(queue={"size": 1, **{f"k{number}": "x" * 100 for number in range(5)}})
    [told] = why(deployed)
    assert told.count("→ " + "x" * 60 + "…") == 3
    assert told.endswith(" and 2 more")


def test_what_is_structured_is_told_as_json(deployed: House) -> None:
    deployed.shared(queue={"size": {"a": [1, True]}})
    assert 'queue:size 1 → {"a": [1, true]} (' in why(deployed)[0]


def test_a_secret_is_never_shown(deployed: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for secret in ("first-s3cret", "second-s3cret"):
        deployed.shared(queue={"size": 1, "token": {"fn::secret": secret}})
        [told] = why(deployed)
        assert "configuration: queue:token " in told
        assert told.count("[") >= 1
        rollout = deployed.go(deployed.launch())
        stored = json.dumps([list(cell.reasons) for cell in deployed.store.cells(rollout.id)])
        assert "queue:token" in stored
        details = json.dumps(deployed.ledger.details([entry.id for entry in deployed.ledger.latest().values()]))
        assert "s3cret" not in told + stored + details + caplog.text
    assert rollout.state == "done"


def test_a_value_that_became_a_secret_is_a_reason(deployed: House) -> None:
    deployed.shared(queue={"size": {"fn::secret": "1"}})
    [told] = why(deployed)
    assert told.startswith("configuration: queue:size 1 → [")


def test_a_program_is_told_by_its_commits(deployed: House) -> None:
    before = deployed.head
    after = deployed.program("queue", "# two")
    assert why(deployed) == [f"program: commit {before[:8]} → {after[:8]} (queue/__main__.py)"]
    assert why(deployed, "account", "unchanged") == []


def test_of_upstream_outputs_the_names_are_told(deployed: House) -> None:
    deployed.shared(account={"exported": "vpc-1"})
    assert why(deployed, "network", "maybe") == ["after account"]
    deployed.go(deployed.launch(projects=["account"]))
    assert why(deployed, "network") == ['upstream outputs: account.exported null → "vpc-1"']


def test_several_inputs_are_several_reasons(deployed: House) -> None:
    deployed.shared(queue={"size": 2})
    deployed.program("queue", "# two")
    assert [reason.split(":")[0] for reason in why(deployed)] == ["program", "configuration"]


def test_what_an_old_operation_did_not_record_is_told_by_its_hash(house: House) -> None:
    house.fleet("c1")
    house.deployed()
    last = house.ledger.successes()["c1-prod", "queue"]
    inputs = {**last.inputs, "configuration": "0" * 64}
    house.ledger.finish(house.ledger.begin(("c1-prod", "queue"), "up", inputs), "deployed", outputs_hash="1")
    [told] = why(house)
    assert told.startswith("configuration 00000000 → ")


def test_a_rollout_keeps_what_it_was_told(deployed: House) -> None:
    deployed.shared(queue={"size": 2})
    rollout = deployed.launch()
    cells = {cell.project: cell for cell in deployed.store.cells(rollout.id)}
    assert "queue:size 1 → 2" in cells["queue"].reasons[0]
    assert rollout.changed.keys() == {"shared/app"}
    assert cells["queue"].verdict == "run"
    assert cells["network"].verdict == "unchanged"

"""What a plan reads of the ledger in one go is what it says cell by cell."""

from pathlib import Path

import pytest

from infra_assets.fleet.database import connect
from infra_assets.stacks import ledger as module
from infra_assets.stacks.ledger import DEPLOYED, FAILED, REMOVED, SKIPPED, Key, Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(connect(f"sqlite:///{tmp_path / 'infra.db'}"))


def did(ledger: Ledger, cell: Key, state: str, operation: str = "up", **inputs: str) -> None:
    number = ledger.begin(cell, operation, inputs, environments={"shared/app": f"of-{cell[0]}"}, commit="c0ffee")
    ledger.finish(number, state, outputs_hash=f"hash-{number}")


def test_latest_and_successes_of_a_fleet_are_those_of_each_cell(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 2)
    did(ledger, ("a-prod", "network"), DEPLOYED, program="1")
    did(ledger, ("a-prod", "network"), DEPLOYED, program="2")
    did(ledger, ("a-prod", "cluster"), DEPLOYED)
    did(ledger, ("a-prod", "cluster"), SKIPPED)
    did(ledger, ("b-prod", "network"), DEPLOYED)
    did(ledger, ("b-prod", "network"), FAILED)
    did(ledger, ("b-prod", "cluster"), DEPLOYED)
    did(ledger, ("b-prod", "cluster"), REMOVED, "destroy")
    did(ledger, ("c-prod", "network"), DEPLOYED)
    did(ledger, ("c-prod", "network"), FAILED, "preview")
    did(ledger, ("c-prod", "cluster"), SKIPPED)
    did(ledger, ("other-prod", "network"), DEPLOYED)
    teps = ["a-prod", "b-prod", "c-prod", "nobody-prod"]
    latest, successes = ledger.standings(teps)
    for found, entries in ((latest, ledger.latest(teps)), (successes, ledger.successes(teps))):
        assert found.keys() == entries.keys()
        for key, entry in entries.items():
            same = found[key]
            assert (same.id, same.state, same.inputs, same.outputs_hash) == (entry.id, entry.state, entry.inputs, entry.outputs_hash)
            assert (same.environments, same.commit) == (entry.environments, entry.commit)
    assert successes["a-prod", "network"].inputs == {"program": "2"}
    assert ("a-prod", "cluster") in successes
    assert latest["a-prod", "cluster"].state == SKIPPED
    assert ("b-prod", "cluster") not in successes

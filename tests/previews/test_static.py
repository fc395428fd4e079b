"""A static plan: what a proposal touches, without opening or running anything of it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from infra_assets.environments.language.envelope import seal_envelope
from infra_assets.environments.opening import LazySealer
from infra_assets.environments.proposal import open_proposal
from infra_assets.fleet.selection import Selection
from infra_assets.planning.planner import Planner
from infra_assets.previews.beginning import Proposed, static_preview
from infra_assets.previews.models import Check, CheckedCell
from infra_assets.previews.programs import proposed_programs
from infra_assets.previews.static import Unopened
from infra_assets.previews.store import CheckStore
from tests.rollouts.house import House, tep

LOGIN = {"accessKeyId": "AKIA", "secretAccessKey": "x"}
LOOKED_UP = {"fn::open::aws-parameter-store": {"region": "us-east-1", "login": LOGIN, "get": {"size": {"name": "/size"}}}}


@pytest.fixture(autouse=True)
def _in_the_house(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(house.root)
    # Whoever opens something, or reads a key, is caught.
    monkeypatch.setattr(LazySealer, "decrypt", lambda *_: pytest.fail("a sealed secret was opened"))


def lay(house: House, folder: str, name: str, values: Mapping[str, Any]) -> None:
    file = house.root / folder / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(values))


def static(
    house: House, *names: str, programs: str | None = None, folder: str | None = "./proposal"
) -> tuple[Check, dict[str, CheckedCell]]:
    """A plain planner: nothing is set up, and nobody is registered."""
    planner = Planner(house.settings.model_copy(update={"passphrase": None}))
    proposed = Proposed(
        open_proposal(planner.settings, folder) if folder else None, proposed_programs(planner, programs, None) if programs else None
    )
    check, cells = static_preview(
        planner, [tep(name, number) for number, name in enumerate(names, 1)], Selection(), proposed, lambda _: None
    )
    return check, {cell.name: cell for cell in cells}


def own(house: House, *names: str) -> None:
    for name in names:
        house.own(f"{name}-prod")


def test_it_says_which_cells_are_touched_and_stores_nothing(house: House) -> None:
    own(house, "c1", "c2")
    house.own("c2-prod", {"queue": {"size": 2}})
    lay(house, "proposal", "shared/app", {"values": {"pulumiConfig": {"network:zones": 2, "queue:size": 2}}})
    check, cells = static(house, "c1", "c2")
    assert {name: (cell.verdict, cell.message) for name, cell in cells.items()} == {
        "queue/c1-prod": ("maybe", "not previewed: this is a static plan")
    }
    assert cells["queue/c1-prod"].cause.startswith("configuration: queue:size 1 → 2 (shared/app")
    assert (check.state, check.finished_at is not None) == ("done", True)
    assert CheckStore(house.store.engine).checks() == []


def test_a_sealed_secret_that_is_another_is_noticed_without_a_key(house: House) -> None:
    own(house, "c1")
    sealed = {"fn::secret": {"ciphertext": seal_envelope(b"sealed one")}}
    house.shared(queue={"size": 1, "token": sealed})
    other = {"fn::secret": {"ciphertext": seal_envelope(b"sealed two")}}
    lay(house, "proposal", "shared/app", {"values": {"pulumiConfig": {"network:zones": 2, "queue:size": 1, "queue:token": other}}})
    _, cells = static(house, "c1")
    assert set(cells) == {"queue/c1-prod"}
    assert "queue:token" in cells["queue/c1-prod"].cause
    lay(house, "proposal", "shared/app", {"values": {"pulumiConfig": {"network:zones": 2, "queue:size": 1, "queue:token": sealed}}})
    assert static(house, "c1")[1] == {}


def test_what_rests_on_what_only_credentials_open_may_be_touched(house: House) -> None:
    own(house, "c1")
    values = {"looked": LOOKED_UP, "pulumiConfig": {"network:zones": 2, "queue:size": "${looked.size}"}}
    house.write("shared/app", {}, text=json.dumps({"values": values}))
    lay(house, "proposal", "shared/app", {"values": {**values, "more": 1}})
    _, cells = static(house, "c1")
    assert {name: cell.cause for name, cell in cells.items()} == {
        "queue/c1-prod": "configuration: it rests on what only somebody with credentials can open"
    }


def test_an_environment_with_errors_is_an_error(house: House) -> None:
    own(house, "c1")
    lay(house, "proposal", "tenants/c1-prod", {"imports": ["shared/app", "fleet/c1-prod"], "values": {"a": "${nowhere}"}})
    _, cells = static(house, "c1")
    assert {cell.verdict for cell in cells.values()} == {"error"}
    assert "proposal/tenants/c1-prod.yaml:1:" in cells["queue/c1-prod"].message


def test_programs_are_compared_by_their_files(house: House) -> None:
    own(house, "c1")
    (house.root / "pulumi_programs" / "account" / "__main__.py").write_text("# another\n")
    base = house.head
    planner = Planner(house.settings)
    proposed = Proposed(None, proposed_programs(planner, ".", base))
    _, found = static_preview(planner, [tep("c1")], Selection(), proposed, lambda _: None)
    cells = {cell.name: cell for cell in found}
    assert cells["account/c1-prod"].cause.startswith("program: commit ")
    assert (cells["network/c1-prod"].cause, cells["network/c1-prod"].verdict) == ("after account", "maybe")
    assert set(cells) == {"account/c1-prod", "network/c1-prod"}


def test_the_stand_in_of_a_secret_is_the_same_for_the_same_bytes_and_shows_none_of_them(house: House) -> None:
    opener = Unopened()
    assert opener.decrypt(b"one") == opener.decrypt(b"one") != opener.decrypt(b"two")
    assert json.loads(opener.decrypt(b"one")).startswith("sealed ")

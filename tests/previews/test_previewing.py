"""The cells of one TEP under a proposal, with the engine played."""

from dataclasses import replace

import pytest

from infra_assets.fleet.database import connect
from infra_assets.previews.models import CheckedCell
from infra_assets.previews.previewing import PreviewOf
from infra_assets.previews.store import CheckStore
from tests.previews.checks import check
from tests.previews.engine import Played, failure, outcome
from tests.rollouts.house import House

AFTER = "after account"


@pytest.fixture
def engine() -> Played:
    return Played(recorded={"account": {"zone": "z-1"}, "network": {}, "queue": {}})


def previewed(house: House, engine: Played, **candidates: bool) -> dict[str, CheckedCell]:
    """Preview the projects of c1-prod; each is a candidate, or only where what is upstream changes its outputs."""
    tep = (house.planner.registry.list() or house.fleet("c1"))[0]
    store = CheckStore(connect(house.settings.database_url))
    of = check("20261129T020000Z-aaaaaa", tep.name, kind="preview")
    rows = [
        CheckedCell(of.id, tep.name, project, position, candidate, state="deployed", cause="program: commit a → b" if candidate else AFTER)
        for position, (project, candidate) in enumerate(candidates.items())
    ]
    store.add(of, [replace(row, verdict="error") if row.project in engine.refusing else row for row in rows], [])
    engine.refusing.clear()
    PreviewOf(house.fresh_planner(), engine, store, of.id, tep, "run1").look()  # type: ignore[arg-type]  # played
    return {cell.project: cell for cell in store.cells(of.id)}


def test_what_would_change_is_told_resource_by_resource(house: House, engine: Played) -> None:
    engine.plain["queue"] = outcome("update", "create", "same")
    found = previewed(house, engine, queue=True)["queue"]
    assert (found.verdict, found.changes, found.cause, found.run_id) == (
        "changed",
        {"update": 1, "create": 1},
        "program: commit a → b",
        "run1",
    )
    assert [(each["name"], each["operation"]) for each in found.resources] == [("r0", "update"), ("r1", "create")]
    assert None not in (found.started_at, found.finished_at)


def test_what_would_do_nothing_though_it_differs_is_the_same(house: House, engine: Played) -> None:
    assert previewed(house, engine, queue=True)["queue"].verdict == "same"


def test_downstream_is_previewed_with_the_outputs_that_are_foreseen(house: House, engine: Played) -> None:
    engine.plain |= {"account": outcome("update", outputs={"zone": "z-2"}), "network": outcome("replace")}
    found = previewed(house, engine, account=True, network=False)
    assert (found["network"].verdict, found["network"].cause) == ("changed", "after account")
    assert [asked.foreseen for asked in engine.asked] == [{}, {"account": {"zone": "z-2"}}]


def test_downstream_that_is_concerned_itself_names_both_causes(house: House, engine: Played) -> None:
    engine.plain["account"] = outcome("update", outputs={"zone": "[unknown]"})
    assert previewed(house, engine, account=True, network=True)["network"].cause == "program: commit a → b; after account"


def test_downstream_of_what_keeps_its_outputs_is_unchanged_and_not_previewed(house: House, engine: Played) -> None:
    engine.plain["account"] = outcome("update", outputs={"zone": "z-1"})
    found = previewed(house, engine, account=True, network=False)["network"]
    assert (found.verdict, found.cause, found.state) == ("unchanged", "", "deployed")
    assert [asked.cell for asked in engine.asked] == ["account/c1-prod"]


def test_downstream_of_what_cannot_be_previewed_may_change(house: House, engine: Played) -> None:
    engine.plain["account"] = failure("AccessDenied")
    found = previewed(house, engine, account=True, network=False, queue=True)
    assert (found["account"].verdict, found["account"].message) == ("error", "AccessDenied")
    assert found["account"].cause == "program: commit a → b"
    assert (found["network"].verdict, found["network"].cause) == ("maybe", "account could not be previewed")
    assert found["queue"].verdict == "same"


def test_downstream_of_what_was_an_error_from_the_start_may_change_too(house: House, engine: Played) -> None:
    engine.refusing["account"] = "its configuration cannot be opened"
    assert previewed(house, engine, account=True, network=False)["network"].verdict == "maybe"


def test_one_that_cannot_be_told_keeps_no_other_from_it(house: House, engine: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    from infra_assets.errors import InfraError

    def preview(cell: object, **_: object) -> None:
        raise InfraError("account 1 cannot be entered", remedy="Mend the login.")

    monkeypatch.setattr(engine, "preview", preview)
    found = previewed(house, engine, account=True, queue=True)
    assert {cell.verdict for cell in found.values()} == {"error"}
    assert found["queue"].message == "account 1 cannot be entered\nMend the login."


def test_a_defect_is_written_down_before_the_run_fails_with_it(house: House, engine: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    def preview(cell: object, **_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "preview", preview)
    with pytest.raises(KeyboardInterrupt):
        previewed(house, engine, account=True)
    stored = CheckStore(connect(house.settings.database_url)).cells("20261129T020000Z-aaaaaa")
    assert [(cell.verdict, cell.message) for cell in stored] == [("error", "it was not checked to its end: KeyboardInterrupt")]


def test_a_tep_is_looked_at_with_its_reader_and_before_there_is_one_with_the_way_in(house: House, engine: Played) -> None:
    house.fleet("c1")
    previewed(house, engine, queue=True)
    house.deployed()
    store = CheckStore(connect(house.settings.database_url))
    with store.engine.begin() as connection:
        from infra_assets.previews.tables import check_cells, checks

        connection.execute(check_cells.delete())
        connection.execute(checks.delete())
    previewed(house, engine, queue=True)
    assert [asked.role for asked in engine.asked] == ["inspect", "preview"]

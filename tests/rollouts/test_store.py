"""What is stored comes back, and what only one may do only one does."""

import threading
from dataclasses import fields, replace
from datetime import timedelta

import pytest

from infra_assets.errors import UsageError
from infra_assets.fleet.database import now
from infra_assets.planning.amounts import Amount
from infra_assets.planning.targets import Limits
from infra_assets.rollouts.models import Asked, Options, Request, Rollout, RolloutCell, State, Trigger, Wave
from tests.rollouts.house import House

ROLLOUT = Rollout(
    id="0123abcd", state=State.WAITING, reason="waits", kind="rollback", of="other", target="prod",
    triggers=[Trigger(kind="git", who="sensor", detail="a → b"), Trigger(kind="person")], commit="c" * 40, previous_commit="b" * 40,
    pins={"shared/app": "1"}, changed={"shared/app": ["0", "1"]}, selection={"teps": ["c1-prod"], "commit": None},
    options=Options(
        max_failures=Amount.parse("3"), strict=True, batch=Amount.parse("25%"), bake=60, approve=("regular", "all"),
        limits=Limits(cells=500, deletes=0), force=True, at_once=True, priority="hotfix",
    ),
    waves=[Wave("internal", "internal", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:01+00:00", "bob"), Wave("regular 1/2", "regular")],
    wave=-1, until=now() + timedelta(hours=1), approval="the whole of it", created_at=now(), started_at=now(), finished_at=now(),
)  # fmt: skip
CELL = RolloutCell(
    rollout_id=ROLLOUT.id, tep="c1-prod", project="queue", position=2, wave=1, verdict="run", reasons=["never deployed"], state="deployed",
    commit="d" * 40, pins={"shared/app": "2"}, changes={"create": 3}, foreseen={"delete": ["a b"]}, run_id="run1", health="healthy",
    message="fine", blocked="freeze", started_at=now(), finished_at=now(),
)  # fmt: skip
REQUEST = Request(ROLLOUT.id, "c1-prod", 1, "up", 1, 4, Asked.ASKED, ["queue", "account"], now(), "run1")


def test_every_field_of_it_comes_back(house: House) -> None:
    house.store.add(ROLLOUT, [CELL], [REQUEST])
    assert house.store.get(ROLLOUT.id) == ROLLOUT
    assert house.store.cells(ROLLOUT.id) == [CELL]
    assert house.store.asked.of(ROLLOUT.id) == [REQUEST]
    # A field that is new and stands here as its default would be compared to nothing.
    for example in (ROLLOUT, CELL, REQUEST):
        assert [field.name for field in fields(example) if getattr(example, field.name) in (None, "", [])] == []


def test_a_bare_one_comes_back_too(house: House) -> None:
    bare = replace(
        ROLLOUT, of=None, target=None, commit=None, previous_commit=None, until=None, started_at=None, finished_at=None, waves=[]
    )
    cell = RolloutCell(ROLLOUT.id, "c1-prod", "queue", 0, 0, "run", [], "queued")
    house.store.add(bare, [cell])
    assert house.store.get(bare.id) == bare
    assert house.store.cells(bare.id) == [cell]


def test_it_is_stored_as_a_whole_or_not_at_all(house: House) -> None:
    with pytest.raises(Exception, match="UNIQUE"):
        house.store.add(ROLLOUT, [CELL, CELL])
    with pytest.raises(UsageError):
        house.store.get(ROLLOUT.id)


def test_an_id_may_be_cut(house: House) -> None:
    house.store.add(ROLLOUT)
    house.store.add(replace(ROLLOUT, id="0199"))
    assert house.store.get("0123").id == ROLLOUT.id
    with pytest.raises(UsageError, match="several rollouts begin with '01'"):
        house.store.get("01")
    for wrong in ("9", "%", "_123"):
        with pytest.raises(UsageError, match="no rollout"):
            house.store.get(wrong)


def test_of_many_runs_one_begins_with_a_request(house: House) -> None:
    house.store.add(ROLLOUT, [CELL], [REQUEST])
    barrier, won = threading.Barrier(8), list[str]()

    def claim(run_id: str) -> None:
        barrier.wait()
        if house.store.asked.claim(REQUEST.key, run_id):
            won.append(run_id)

    threads = [threading.Thread(target=claim, args=(f"run{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    [held] = house.store.asked.of(ROLLOUT.id)
    assert (held.state, held.run_id) == ("started", won[0])
    assert house.store.asked.claim(REQUEST.key, won[0])
    assert not house.store.asked.claim(REQUEST.key, "later")


@pytest.mark.parametrize("state", ["halted", "superseded", "done", "failed", "pending"])
def test_of_a_rollout_that_does_not_move_nothing_begins(house: House, state: str) -> None:
    house.store.add(replace(ROLLOUT, state=State(state)), [CELL], [REQUEST])
    assert not house.store.asked.claim(REQUEST.key, "run1")


@pytest.mark.parametrize("state", ["withdrawn", "ended"])
def test_a_request_that_is_over_is_not_claimed(house: House, state: str) -> None:
    house.store.add(ROLLOUT, [CELL], [replace(REQUEST, state=Asked(state))])
    assert not house.store.asked.claim(REQUEST.key, "run2")
    assert not house.store.asked.claim(f"{ROLLOUT.id}/c1-prod/2", "run2")


def test_of_many_conductors_one_has_the_lease(house: House) -> None:
    house.store.add(ROLLOUT)
    with house.store.lease(ROLLOUT.id, "a:1:x") as first, house.store.lease(ROLLOUT.id, "b:1:y") as second:
        assert first
        assert not second
    with house.store.lease(ROLLOUT.id, "b:1:y") as again:
        assert again


def test_a_plan_is_refused_where_something_else_is_wanted_by_now(house: House) -> None:
    pending = replace(ROLLOUT, state=State.PENDING, selection={"commit": "a", "teps": ["x"]})
    house.store.add(pending)
    house.store.move(pending.id, [State.PENDING], selection={"commit": "b", "teps": ["x"]})
    assert not house.store.plan(pending.id, {"state": "running"}, [CELL], [REQUEST], wanted=pending.selection)
    assert (house.store.get(pending.id).state, house.store.cells(pending.id)) == ("pending", [])
    assert house.store.plan(pending.id, {"state": "running"}, [CELL], [REQUEST], wanted={"teps": ["x"], "commit": "b"})
    assert not house.store.plan(pending.id, {"state": "running"}, [], [], wanted={"teps": ["x"], "commit": "b"})


def test_the_end_of_a_run_settles_its_cells_once(house: House) -> None:
    def cell(project: str, state: str, health: str = "") -> RolloutCell:
        return replace(CELL, project=project, state=state, health=health, message="", run_id=None)

    states = [cell("a", "deployed", "healthy"), cell("b", "deployed"), cell("c", "deploying"), cell("d", "queued"), cell("e", "failed")]
    request = replace(REQUEST, projects=["a", "b", "c", "d", "e"], state=Asked.STARTED)
    house.store.add(ROLLOUT, states, [request])
    assert house.store.asked.end(request, "run1", "why", unseen={"a", "b", "c", "d", "e"})
    found = {cell.project: (cell.state, cell.health, cell.message) for cell in house.store.cells(ROLLOUT.id)}
    assert found == {
        "a": ("deployed", "healthy", ""),
        "b": ("deployed", "unhealthy", "its run ended before its health was looked at"),
        "c": ("failed", "", "its process ended without a word"),
        "d": ("skipped", "", "why"),
        "e": ("failed", "", ""),
    }
    house.store.set_cell(ROLLOUT.id, "c1-prod", "d", state="queued")
    assert not house.store.asked.end(request, "run1", "why")
    assert house.store.cell(ROLLOUT.id, "c1-prod", "d").state == "queued"  # type: ignore[union-attr]


def test_what_failed_is_counted_in_teps(house: House) -> None:
    def cell(tep: str, project: str, wave: int, **values: str) -> RolloutCell:
        return replace(CELL, tep=tep, project=project, wave=wave, **values)

    cells = [
        cell("a", "x", 0, state="failed"),
        cell("a", "y", 0, state="skipped"),
        cell("b", "x", 0, health="unhealthy"),
        cell("c", "x", 0),
    ]
    house.store.add(ROLLOUT, [*cells, cell("d", "x", 1, state="failed"), cell("e", "x", 1, state="withdrawn")])
    assert house.store.failures(ROLLOUT.id) == ["a", "b", "d"]
    assert house.store.failures(ROLLOUT.id, up_to=0) == ["a", "b"]
    assert house.store.counts(ROLLOUT.id) == {"deployed": 2, "failed": 2, "skipped": 1, "withdrawn": 1}


def test_rollouts_are_listed_newest_first(house: House) -> None:
    for number, (state, target) in enumerate([("done", "a"), ("running", "b"), ("halted", "a")]):
        house.store.add(replace(ROLLOUT, id=f"r{number}", state=State(state), target=target, created_at=now() + timedelta(seconds=number)))
    assert [found.id for found in house.store.rollouts()] == ["r2", "r1", "r0"]
    assert [found.id for found in house.store.rollouts(target="a", limit=1)] == ["r2"]
    assert [found.id for found in house.store.rollouts(states=["done"])] == ["r0"]
    assert [found.id for found in house.store.opened()] == ["r1", "r2"]

"""Whoever moves a rollout on, or works for it, dies at any point; another goes on. Nothing is lost, nothing is done twice."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra_assets.rollouts.conductor import LOST_S
from infra_assets.rollouts.models import Rollout, Trigger
from infra_assets.rollouts.pending import wish
from tests.rollouts.house import Clock, House, copy

EXAMPLES = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Killed(BaseException):
    """As SIGKILL: nothing after it happens, what is not committed is not there."""


class Fate:
    """Kills at the n-th step from now: a write to the database before or after it is committed, or a word with Dagster."""

    def __init__(self, house: House) -> None:
        self._left = 0
        self.steps = 0
        self._house = house
        house.dagster.hook = self.step

    def at(self, number: int) -> None:
        self._left, self.steps = number, 0

    def step(self, _what: str = "") -> None:
        self.steps += 1
        if self._left and self.steps == self._left:
            self._left = 0
            raise Killed

    @contextmanager
    def watching(self) -> Generator[None]:
        engine = self._house.store.engine

        def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            if (
                statement.startswith(("UPDATE", "INSERT", "DELETE"))
                and "leased_by=?, leased_until=? WHERE rollouts.id = ? AND rollouts.leased_by" not in statement
            ):
                self.step(statement)

        sa.event.listen(engine, "before_cursor_execute", executed)
        try:
            yield
        finally:
            sa.event.remove(engine, "before_cursor_execute", executed)


def lives(house: House, fate: Fate, numbers: list[int]) -> int:
    """Move everything on until it stands, killed at these steps, one life after the other; returns the steps of the last life."""
    remaining = list(numbers)
    fate.at(remaining.pop(0) if remaining else 0)
    for _ in range(60):
        try:
            with fate.watching():
                house.turn()
                working = bool(house.dagster.work())
                house.turn()
        except Killed:
            fate.at(remaining.pop(0) if remaining else 0)
            # What the dead had in hands Dagster notices: its monitor fails runs without a process.
            for run in house.dagster.started:
                house.dagster.set(run.id, "FAILURE")
            house.clock.forward(LOST_S + 5)
            continue
        if not working and not house.dagster.queued:
            return fate.steps
    raise AssertionError("it goes on for ever")


def until_done(house: House, fate: Fate, rollout_id: str, numbers: list[int]) -> Rollout:
    """As `lives`; then a person resumes what failed because its worker died."""
    lives(house, fate, numbers)
    for _ in range(5):
        found = house.store.get(rollout_id)
        if found.state not in ("failed", "halted"):
            return found
        house.control.resume(rollout_id, "bob")
        lives(house, fate, [])
    raise AssertionError(f"it is {found.state} after five resumes: {found.reason}")


def check(house: House, rollout: Rollout) -> None:
    """Everything was deployed, and nothing that had come to its end was deployed again."""
    assert rollout.state == "done", (rollout, house.cells(rollout))
    assert set(house.cells(rollout).values()) <= {"deployed", "unchanged"}
    done = house.dagster.did()
    assert sorted(done) == sorted(set(done)), done
    assert len(done) == len(house.store.cells(rollout.id))
    assert not house.store.asked.going(rollout.id)
    assert house.store.asked.count(rollout.id, ["waiting"]) == 0


def begun(house: House, rules: str = "strict: false") -> tuple[Fate, str]:
    """Wish for a rollout of two TEPs in two rings."""
    house.targets(f"targets: {{all: {{branch: main, teps: ['*'], {rules}}}}}")
    if not house.planner.registry.list():
        house.fleet("ours1", "c1")
    return Fate(house), wish(house.store, "all", Trigger(kind="git"), commit=house.head)


@pytest.fixture
def steps(house: House) -> int:
    """How many steps a rollout has where nobody dies."""
    fate, rollout_id = begun(house)
    total = 0
    with fate.watching():
        house.go(rollout_id)
        total = fate.steps
    check(house, house.store.get(rollout_id))
    assert total > 60
    return total


@pytest.fixture(scope="module")
def fresh(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], AbstractContextManager[House]]:
    """Gives an installation of its own to each life that is tried out."""

    @contextmanager
    def do() -> Generator[House]:
        with pytest.MonkeyPatch.context() as patch:
            clock = Clock()
            clock.set_into(patch)
            house = House(copy(template, tmp_path_factory.mktemp("killed") / "root"), clock)
            yield house
            house.store.engine.dispose()

    return do


Fresh = Callable[[], AbstractContextManager[House]]


@settings(EXAMPLES, max_examples=12)
@given(data=st.data())
def test_killed_anywhere_nothing_is_lost_and_nothing_is_doubled(fresh: Fresh, steps: int, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.integers(1, steps), min_size=1, max_size=3))
    with fresh() as house:
        fate, rollout_id = begun(house)
        check(house, until_done(house, fate, rollout_id, numbers))


@settings(EXAMPLES, max_examples=7)
@given(number=st.integers(1, 60))
def test_killed_while_it_halts_it_has_halted(fresh: Fresh, number: int) -> None:
    """What comes after the ring that failed is touched by nobody, until it is resumed; then it is done once."""
    with fresh() as house:
        fate, rollout_id = begun(house, "max_failures: 0")
        house.dagster.failing = {"queue/ours1-prod"}
        lives(house, fate, [number])
        assert house.store.get(rollout_id).state == "halted"
        assert not [item for item in house.dagster.deployments if item.cell.endswith("/c1-prod")]
        house.dagster.failing = set()
        house.dagster.deployments = [item for item in house.dagster.deployments if item.cell != "queue/ours1-prod"]
        house.control.resume(rollout_id, "bob")
        check(house, until_done(house, fate, rollout_id, [number]))


@settings(EXAMPLES, max_examples=7)
@given(number=st.integers(1, 45))
def test_killed_before_an_approval_nothing_goes_without_it(fresh: Fresh, number: int) -> None:
    """Previews foresee a delete: whoever dies, whenever, nothing is deployed before somebody has approved."""
    with fresh() as house:
        house.fleet("ours1", "c1")
        house.deployed()
        fate, rollout_id = begun(house, "limits: {deletes: 0}")
        house.shared(queue={"size": 2})
        house.dagster.foreseen = {"queue/c1-prod": {"delete": ["a"], "replace": []}}
        lives(house, fate, [number])
        found = house.store.get(rollout_id)
        assert found.state == "waiting"
        assert found.approval != ""
        assert house.dagster.did() == []
        house.control.approve(rollout_id, "bob")
        assert until_done(house, fate, rollout_id, []).state == "done"
        assert house.dagster.did() == ["queue/ours1-prod", "queue/c1-prod"]

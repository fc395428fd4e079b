"""What is noticed: branches of a real repository that move, environments that resolve to something else."""

from pathlib import Path

import pytest

from infra_assets.errors import InfraError
from infra_assets.rollouts.models import Rollout
from infra_assets.rollouts.triggers import Noticed, Triggers, Watched
from tests.programs_repository.repositories import git
from tests.rollouts.house import House

TARGETS = "targets: {beta: {branch: beta, rings: [beta]}, prod: {branch: main, environments: [prod]}}"


@pytest.fixture
def watched(house: House) -> House:
    house.targets(TARGETS)
    house.fleet("c1", "c2", "beta1")
    return house


def follow(house: House) -> Noticed:
    """The sensor's tick, in a process of its own."""
    return Triggers(house.fresh_planner()).follow_targets("sensor")


def pendings(house: House) -> dict[str, Rollout]:
    found = house.store.rollouts(states=["pending"])
    assert len({rollout.target for rollout in found}) == len(found)
    return {str(rollout.target): rollout for rollout in found}


def settle(house: House) -> None:
    """Take what is pending as done."""
    for rollout in house.store.rollouts(states=["pending"]):
        house.store.update(rollout.id, state="done")


# Branches.


def test_a_branch_that_moved_is_a_wish_for_its_target(watched: House) -> None:
    follow(watched)
    assert {name: rollout.selection["commit"] for name, rollout in pendings(watched).items()} == {"prod": watched.head}
    settle(watched)
    assert follow(watched).wishes == []
    assert pendings(watched) == {}
    before, commit = watched.head, watched.program("queue", "# two")
    noticed = follow(watched)
    assert f"prod: main {before[:8]} → {commit[:8]}" in noticed.said
    assert pendings(watched)["prod"].selection["commit"] == commit
    assert [str(trigger) for trigger in pendings(watched)["prod"].triggers] == [f"git sensor: main {before[:8]} → {commit[:8]}"]


def test_merging_promotes_exactly_that_commit(watched: House) -> None:
    follow(watched)
    settle(watched)
    git(watched.root, "branch", "beta")
    follow(watched)
    assert {name: rollout.selection["commit"] for name, rollout in pendings(watched).items()} == {"beta": watched.head}


def test_several_pushes_are_one_wish_for_the_last(watched: House) -> None:
    for number in range(3):
        watched.program("queue", f"# {number}")
        follow(watched)
    assert pendings(watched)["prod"].selection["commit"] == watched.head
    assert len(pendings(watched)["prod"].triggers) == 3


def test_a_forced_push_is_approved_first_and_stays_so(watched: House) -> None:
    watched.program("queue", "# two")
    follow(watched)
    settle(watched)
    lost = watched.head
    git(watched.root, "reset", "-q", "--hard", "HEAD~1")
    forced = watched.program("queue", "# another two")
    follow(watched)
    said = f"branch main was rewritten: {lost[:8]} is not in the history of {forced[:8]}"
    assert pendings(watched)["prod"].selection["approval"] == said
    newer = watched.program("queue", "# three")
    follow(watched)
    assert pendings(watched)["prod"].selection["commit"] == newer
    watched.turn()
    [rollout] = watched.store.rollouts(states=["waiting"])
    assert said in rollout.approval
    assert watched.dagster.all == []


def test_a_deleted_branch_leaves_everything_as_it_is(watched: House) -> None:
    git(watched.root, "branch", "beta")
    follow(watched)
    settle(watched)
    git(watched.root, "branch", "-D", "beta")
    assert f"beta: there is no branch beta, it stays at {watched.head[:8]}" in follow(watched).said
    assert pendings(watched) == {}
    git(watched.root, "branch", "beta")
    assert follow(watched).wishes == []
    git(watched.root, "branch", "-f", "beta", watched.program("queue", "# two"))
    follow(watched)
    assert pendings(watched)["beta"].selection["approval"] == ""


def test_nothing_is_forgotten_while_the_repository_cannot_be_reached(watched: House, tmp_path: Path) -> None:
    follow(watched)
    settle(watched)
    commit = watched.program("queue", "# two")
    (watched.root / ".git").rename(tmp_path / "away")
    with pytest.raises(InfraError, match="cannot be fetched"):
        follow(watched)
    assert pendings(watched) == {}
    (tmp_path / "away").rename(watched.root / ".git")
    follow(watched)
    assert pendings(watched)["prod"].selection["commit"] == commit


def test_whoever_dies_after_the_wish_sees_it_again(watched: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("infra_assets.planning.following.Followed.set", lambda *_a, **_k: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            follow(watched)
    follow(watched)
    [trigger] = pendings(watched)["prod"].triggers
    assert trigger.kind == "git"


def test_without_targets_there_is_nothing_to_follow(house: House) -> None:
    assert follow(house).said == "no targets in targets.yaml"


# Environments.


class Eyes:
    """The sensor's process: it remembers what it has seen."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.watched = Watched(house.fresh_planner())

    def look(self) -> dict[str, list[str]]:
        """Look, and return which TEPs are wanted by target."""
        Triggers(self.house.fresh_planner()).follow_environments(self.watched, "sensor")
        found = {target: list(rollout.selection["teps"]) for target, rollout in pendings(self.house).items()}
        settle(self.house)
        return found


@pytest.fixture
def eyes(watched: House) -> Eyes:
    watched.deployed()
    watched.planner.mirror.fetch()
    made = Eyes(watched)
    assert made.look() == {}
    return made


def test_a_shared_value_concerns_those_that_resolve_to_something_else(eyes: Eyes) -> None:
    house = eyes.house
    house.own("c2-prod", {"queue": {"size": 1}})
    assert eyes.look() == {}
    house.shared(queue={"size": 2})
    assert eyes.look() == {"beta": ["beta1-prod"], "prod": ["c1-prod"]}
    assert eyes.look() == {}


def test_it_is_wished_of_the_target_that_each_belongs_to(eyes: Eyes) -> None:
    eyes.house.shared(queue={"size": 2})
    assert eyes.look() == {"beta": ["beta1-prod"], "prod": ["c1-prod", "c2-prod"]}


def test_an_edit_that_resolves_to_the_same_is_nobodys(eyes: Eyes) -> None:
    house = eyes.house
    house.own("c1-prod", {"network": {"zones": 2}})
    house.write("shared/other", {"queue": {"size": 77}})
    assert eyes.look() == {}


def test_after_a_restart_what_was_missed_is_seen(eyes: Eyes) -> None:
    eyes.house.own("c1-prod", {"queue": {"size": 3}})
    again = Eyes(eyes.house)
    assert again.look() == {"prod": ["c1-prod"]}
    assert Eyes(eyes.house).look() == {}
    eyes.house.own("c2-prod", {"queue": {"size": 3}})
    assert again.look() == {"prod": ["c2-prod"]}


def test_a_cell_that_was_never_deployed_is_nobodys_business(eyes: Eyes) -> None:
    eyes.house.fleet("c9")
    eyes.house.own("c9-prod", {"queue": {"size": 3}})
    assert eyes.look() == {}


def test_an_environment_that_breaks_and_one_that_is_mended_are_both_seen(eyes: Eyes) -> None:
    house = eyes.house
    house.own("c1-prod", text="values:\n  pulumiConfig:\n    queue:size: ${nowhere}\n")
    Triggers(house.fresh_planner()).follow_environments(eyes.watched, "sensor")
    [rollout] = house.store.rollouts(states=["pending"])
    assert house.go(rollout).state == "failed"
    house.clock.forward(1)
    house.own("c1-prod")
    Triggers(house.fresh_planner()).follow_environments(eyes.watched, "sensor")
    [rollout] = house.store.rollouts(states=["pending"])
    assert house.go(rollout).state == "done"
    assert {entry.state for entry in house.ledger.latest(["c1-prod"]).values()} == {"deployed"}
    assert eyes.look() == {}


def test_an_edit_goes_out_by_itself_and_settles(eyes: Eyes) -> None:
    house = eyes.house
    house.shared(network={"zones": 3})
    Triggers(house.fresh_planner()).follow_environments(eyes.watched, "sensor")
    wishes = [rollout.id for rollout in house.store.rollouts(states=["pending"])]
    assert [house.go(rollout_id).state for rollout_id in wishes] == ["done", "done"]
    assert sorted(house.dagster.did()) == ["network/beta1-prod", "network/c1-prod", "network/c2-prod"]
    assert eyes.look() == {}


def test_a_branch_that_is_gone_leaves_its_target_where_it_was(house: House) -> None:
    house.fleet("c1")
    git(house.root, "checkout", "-q", "-b", "prod")
    merged = house.program("queue", "# merged")
    house.targets("targets: {prod: {teps: ['*']}}")
    Triggers(house.fresh_planner()).follow_targets("test")
    git(house.root, "checkout", "-q", "main")
    git(house.root, "branch", "-q", "-D", "prod")
    planner = house.fresh_planner()
    Triggers(planner).follow_targets("test")
    assert planner.commit_of(planner.registry.get("c1-prod")) == merged

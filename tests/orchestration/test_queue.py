"""Who is next in the queue: by the tags alone, in the daemon's own choice among 2,000, and by a real daemon on runs that only take time."""

from collections.abc import Generator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.run_coordinator import SubmitRunContext
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon

from benchmarks.makespan import Simulation, fleet, measure, overlap, simulation
from infra_assets import settings
from infra_assets.fleet.database import connect
from infra_assets.fleet.registry import Registry
from infra_assets.orchestration.queue import complete
from tests.conftest import ROOT

TENANTS = {"big": 40, "small": 4, "other": 4}


def tagged(tags: Mapping[str, str], job: str = "rollout", *, rank: int = 0) -> dict[str, str]:
    tenants = {tep.name: tep.tenant for tep in fleet(TENANTS)}
    return complete(tags, job, tenant_of=tenants.get, rank_of=lambda _class, _tenant: rank)


def priority(tags: Mapping[str, str], job: str = "rollout", *, rank: int = 0) -> int:
    return int(tagged(tags, job, rank=rank)["dagster/priority"])


def test_a_partition_made_by_hand_gets_all_tags() -> None:
    assert tagged({"dagster/partition": "small-e0"}, "__ASSET_JOB") == {
        "infra/tep": "small-e0", "infra/tenant": "small", "infra/operation": "up", "infra/priority": "rollout", "dagster/priority": "2000",
    }  # fmt: skip


def test_a_tep_that_nobody_knows_is_left_as_it_is() -> None:
    found = tagged({"dagster/partition": "gone-e0"}, rank=5)
    assert found == {"infra/operation": "up", "infra/priority": "rollout", "dagster/priority": "2000"}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"infra/priority": "hotfix"}, 3000),
        ({"infra/operation": "up"}, 2000),
        ({"infra/operation": "preview"}, 1000),
        ({"infra/operation": "drift"}, 0),
        ({"infra/operation": "preview", "infra/priority": "hotfix"}, 3000),
        ({"infra/priority": "urgent"}, 2000),
    ],
)
def test_classes_follow_each_other(tags: dict[str, str], expected: int) -> None:
    assert priority(tags | {"dagster/partition": "small-e0"}) == expected


@pytest.mark.parametrize("operation", ["preview", "drift"])
def test_checks_are_counted_together(operation: str) -> None:
    assert tagged({"infra/operation": operation})["infra/share"] == "checks"
    assert "infra/share" not in tagged({"infra/operation": "up"})


def test_a_place_in_line_never_makes_a_class_another() -> None:
    waiting = {"dagster/partition": "big-e0"}
    assert priority(waiting, rank=7) == 1993
    assert priority(waiting, rank=5000) > priority({**waiting, "infra/operation": "preview"})


def test_what_controls_rollouts_waits_for_nobody() -> None:
    assert priority({}, "halt_rollout") > priority({"infra/priority": "hotfix"})
    assert priority({"infra/operation": "control"}, "other") > priority({"infra/priority": "hotfix"})
    assert priority({}, "rollout") == 2000


@pytest.mark.parametrize(("given", "expected"), [("10", 2010), ("-1", 1999), ("999999", 2900), ("soon", 1997)])
def test_a_priority_by_hand_moves_a_run_inside_its_class(given: str, expected: int) -> None:
    assert priority({"dagster/partition": "big-e0", "dagster/priority": given}, rank=3) == expected


def test_a_run_asked_for_again_is_ranked_anew() -> None:
    """Dagster copies the tags of the first, the number included."""
    assert priority({"dagster/partition": "big-e0", "infra/priority": "rollout", "dagster/priority": "1970"}, rank=2) == 1998


ORIGIN = RemoteJobOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("infra_assets"), "__repository__"), "rollout")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path]:
    """A home with our dagster.yaml and a fleet; no process runs."""
    (tmp_path / "dagster.yaml").write_text((ROOT / "dagster_home" / "dagster.yaml").read_text())
    for name, value in {"DAGSTER_HOME": str(tmp_path), "INFRA_HOME": str(tmp_path), "INFRA_ROOT": str(ROOT), "INFRA_CAP": "4"}.items():
        monkeypatch.setenv(name, value)
    settings.load.cache_clear()
    Registry(connect(settings.load().database_url)).save(fleet(TENANTS))
    yield tmp_path
    settings.load.cache_clear()


def submit(instance: dg.DagsterInstance, tep: str, **tags: str) -> dg.DagsterRun:
    named = {"dagster/partition": tep, **{f"infra/{key}": value for key, value in tags.items()}}
    run = instance.add_run(dg.DagsterRun("rollout", str(uuid4()), tags=named, remote_job_origin=ORIGIN))
    workspace: Any = SimpleNamespace()
    return instance.run_coordinator.submit_run(SubmitRunContext(run, workspace))


def chosen(instance: dg.DagsterInstance) -> list[str]:
    """Return the TEPs whose runs the daemon would start now, in that order."""
    found = QueuedRunCoordinatorDaemon(1)._get_runs_to_dequeue(instance, instance.get_concurrency_config(), None)
    return [run.tags["dagster/partition"] for run in found]


def test_a_tenant_that_comes_later_is_not_kept_waiting(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        for number in range(10):
            submit(instance, f"big-e{number}")
        submit(instance, "small-e0")
        submit(instance, "other-e0", priority="hotfix")
        assert chosen(instance) == ["other-e0", "big-e0", "small-e0", "big-e1"]


def test_within_a_tenant_first_come_is_first_served(home: Path) -> None:
    """Also when the line moves while it comes: a later run does not overtake those of its own."""
    with dg.DagsterInstance.get() as instance:
        first = [submit(instance, f"big-e{number}") for number in range(6)]
        for run in first[:3]:
            instance.report_run_canceled(run)
        submit(instance, "big-e6")
        submit(instance, "small-e0")
        assert chosen(instance) == ["big-e3", "small-e0", "big-e4", "big-e5"]


def test_checks_get_no_more_than_their_share_and_hold_nobody_up(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        for number in range(4):
            submit(instance, f"big-e{number}", operation="drift")
            submit(instance, f"small-e{number}", operation="preview")
        assert chosen(instance) == ["small-e0", "small-e1"]
        submit(instance, "other-e0")
        assert chosen(instance) == ["other-e0", "small-e0", "small-e1"]


def test_a_tep_that_is_busy_holds_up_its_own_runs_alone(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        submit(instance, "big-e0")
        submit(instance, "big-e0", priority="hotfix")
        submit(instance, "small-e0")
        assert chosen(instance) == ["big-e0", "small-e0"]


def test_a_frozen_queue_starts_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFRA_CAP", "0")
    settings.load.cache_clear()
    with dg.DagsterInstance.get() as instance:
        submit(instance, "big-e0", priority="hotfix")
        assert chosen(instance) == []


def test_a_fleet_that_cannot_be_read_keeps_no_run_out_of_the_queue(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_url: str) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("infra_assets.orchestration.queue.connect", broken)
    with dg.DagsterInstance.get() as instance:
        submitted = submit(instance, "big-e0", operation="drift")
        assert submitted.status == dg.DagsterRunStatus.QUEUED
        assert (submitted.tags["infra/share"], submitted.tags["dagster/priority"]) == ("checks", "0")
        assert chosen(instance) == ["big-e0"]


# --- a real daemon -------------------------------------------------------------------------------------------------------------------

CAP = 4


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Generator[Simulation]:
    """Daemon, webserver, code server and warm host, with a cap of four."""
    with simulation(tmp_path_factory.mktemp("queue"), CAP, fleet(TENANTS)) as running:
        yield running


RUN_TAGS = "query Tags($id: ID!) { runOrError(runId: $id) { ... on Run { tags { key value } } } }"


@pytest.mark.dagster
@pytest.mark.timeout(180)
def test_one_tenants_flood_does_not_keep_others_waiting(dagster: Simulation) -> None:
    """Thirty runs of one tenant wait, then another asks for one, a hotfix comes, and checks that never get more than their share."""
    flood = [f"big-e{number}" for number in range(30)]
    dagster.launch(flood, 2.0)
    dagster.launch(["small-e1", "small-e2", "small-e3"], 2.0, infra__operation="drift")
    started = len(dagster.wait(0, 0))
    dagster.launch(["small-e0"], 2.0)
    dagster.launch(["other-e0"], 2.0, infra__priority="hotfix")
    (by_hand,) = dagster.launch(["other-e1"], 2.0, job="__ASSET_JOB")
    steps = dagster.wait(36, 90)
    order = [step.tep for step in steps]
    # What was on its way when they came starts first; then they do, though thirty came before.
    assert order.index("other-e0") < started + 2 * CAP
    assert order.index("small-e0") < started + 3 * CAP
    assert overlap(steps) == CAP
    assert all(abs(place - flood.index(step)) < CAP for place, step in enumerate(tep for tep in order if tep in flood))
    answer = dagster.ask(RUN_TAGS, {"id": by_hand})["runOrError"]["tags"]
    tags = {tag["key"]: tag["value"] for tag in answer}
    assert (tags["infra/tep"], tags["infra/tenant"], tags["infra/priority"]) == ("other-e1", "other", "rollout")


@pytest.mark.dagster
@pytest.mark.timeout(120)
def test_checks_never_get_more_than_their_share(dagster: Simulation) -> None:
    before = len(dagster.steps())
    checked = [f"big-e{number}" for number in range(30, 38)]
    dagster.launch(checked[:4], 2.0, infra__operation="preview")
    dagster.launch(checked[4:], 2.0, infra__operation="drift")
    steps = dagster.wait(before + 8, 60)[before:]
    assert sorted(step.tep for step in steps) == sorted(checked)
    assert overlap(steps) == CAP // 2


@pytest.mark.dagster
@pytest.mark.timeout(180)
def test_a_small_rollout_takes_little_longer_than_its_steps(tmp_path: Path) -> None:
    """`python -m benchmarks.makespan` is the real measure; this one is short, its bound for busy machines."""
    figures = measure(tmp_path, count=40, cap=10, step_s=6.0)
    assert figures["overlap"] == 10
    assert figures["makespan_ratio"] < 3.0
